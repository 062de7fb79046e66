"""Claims about the size that fits the data, the test error around it, and ensembles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, mean_claim, ratio_claim
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import statements

if TYPE_CHECKING:
    from xarray import Dataset

Array = np.ndarray


def by_width(results: Results) -> Dataset:
    """The grid, runs first, narrow networks first."""
    return results["fitting"].sortby("width").transpose("run", "width")


def critical_places(data: Dataset) -> Array:
    """Of each run, the place of the first width at which half of the networks fit all samples; the last one
    where there is none."""
    enough = data["fitted"].values >= 0.5
    return np.where(enough.any(1), enough.argmax(1), enough.shape[1] - 1)


def _nearest(data: Dataset, places: Array, share: float) -> Array:
    """Of each run, the place of the size that is closest to a share of N*, on a logarithmic scale."""
    logs = np.log(data["parameters"].values)
    runs = np.arange(len(places))
    return np.abs(logs - logs[runs, places][:, None] - np.log(share)).argmin(1)


def fitting_claims(results: Results, settings: NetworkSettings) -> list[Claim]:
    """All of them."""
    said, data = statements(settings), by_width(results)
    places = critical_places(data)
    runs = np.arange(len(places))

    def at(name: str, where: Array) -> Array:
        return np.asarray(data[name].values[runs, where])

    last = np.full_like(places, data.sizes["width"] - 1)
    quarter, half = (_nearest(data, places, share) for share in (0.25, 0.5))
    sizes = at("parameters", places)
    errors = {name: 100 * at("error", where) for name, where in (("N*", places), ("end", last))}
    together = {
        name: 100 * at("together", where) for name, where in (("N*", places), ("end", last), ("half", half))
    }
    return [
        mean_claim(
            *said["enough"],
            sizes / settings.fit_samples,
            0.0,
            1.0,
            why=f"N* is the smallest of the sizes at which half of {settings.fit_members} networks fit all "
            f"{settings.fit_samples} samples, {settings.fit_flips:.0%} of them wrong: {sizes.mean():.0f} in "
            "the mean. Holds if below 1.",
        ),
        mean_claim(
            *said["nice"],
            at("fitted", last),
            0.99,
            np.inf,
            predicted=1.0,
            why=f"At a quarter of N* {at('fitted', quarter).mean():.0%} of them do. Holds if above 0.99.",
        ),
        mean_claim(
            *said["rise"],
            errors["N*"] - 100 * at("error", quarter),
            0.0,
            np.inf,
            why=f"{errors['N*'].mean():.1f} % at N*. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["fall"],
            errors["N*"] - errors["end"],
            0.0,
            np.inf,
            why=f"{errors['end'].mean():.1f} % there. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["ensemble"],
            errors["N*"] - together["N*"],
            0.0,
            np.inf,
            why=f"{errors['N*'].mean():.1f} % and {together['N*'].mean():.1f} %; at the largest width "
            f"{errors['end'].mean():.1f} % and {together['end'].mean():.1f} %. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["flattened"],
            (errors["N*"] - errors["end"]) - (together["N*"] - together["end"]),
            0.0,
            np.inf,
            why=f"The ensemble's error falls by {(together['N*'] - together['end']).mean():.1f}. Holds if "
            "above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["best"],
            together["N*"] - together["half"],
            -np.inf,
            0.0,
            why=f"{together['half'].mean():.1f} % at half of N*, where wrong labels are not fitted. Holds if "
            "below 0.",
            unit="percentage points",
        ),
        ratio_claim(
            *said["spread"],
            at("spread", places) / at("spread", last),
            1.0,
            np.inf,
            why=f"{at('spread', places).mean():.2f} and {at('spread', last).mean():.2f} in units of the "
            "margin. Holds if above 1.",
        ),
        mean_claim(
            *said["spread_power"],
            _powers(data, places),
            -0.7,
            -0.3,
            predicted=-0.5,
            why="With one hidden layer N grows like the width. Judged within 0.2.",
        ),
    ]


def _powers(data: Dataset, places: Array) -> Array:
    """Of each run, the slope of the log spread against the log width from twice N* on."""
    widths = np.log(data["width"].values.astype(float))
    found = []
    for sizes, spreads, place in zip(data["parameters"].values, data["spread"].values, places, strict=True):
        beyond = sizes >= 2 * sizes[place]
        enough = beyond.sum() >= 2
        found.append(np.polyfit(widths[beyond], np.log(spreads[beyond]), 1)[0] if enough else np.nan)
    return np.array(found)
