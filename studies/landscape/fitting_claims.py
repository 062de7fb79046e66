"""Claims about the size that fits the data, the test error around it, and ensembles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, judge, mean_claim, ratio_claim
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import MORE, statements

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
    quarter = _nearest(data, places, 0.25)
    sizes = at("parameters", places)
    errors = {name: 100 * at("error", where) for name, where in (("N*", places), ("end", last))}
    together = {
        name: 100 * at("together", where)
        for name, where in (("N*", places), ("end", last), ("quarter", quarter))
    }
    gains = {name: errors[name] - together[name] for name in errors}
    spreads = {
        name: at("spread", where) for name, where in (("N*", places), ("end", last), ("quarter", quarter))
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
        _nice(*said["nice"], at("fitted", last), at("fitted", quarter), settings),
        mean_claim(
            *said["rise"],
            errors["N*"] - 100 * at("error", quarter),
            MORE,
            np.inf,
            why=f"{errors['N*'].mean():.1f} % at N*. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["fall"],
            errors["N*"] - errors["end"],
            MORE,
            np.inf,
            why=f"{errors['end'].mean():.1f} % there. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["ensemble"],
            np.minimum(gains["N*"], gains["end"]),
            MORE,
            np.inf,
            why=f"{errors['N*'].mean():.1f} % and {together['N*'].mean():.1f} %; at the largest width "
            f"{errors['end'].mean():.1f} % and {together['end'].mean():.1f} %. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["flattened"],
            0.5 * (errors["N*"] - errors["end"]) - (together["N*"] - together["end"]),
            MORE,
            np.inf,
            why=f"One network's error falls by {(errors['N*'] - errors['end']).mean():.1f}, the ensemble's "
            f"by {(together['N*'] - together['end']).mean():.1f}. Holds if above 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["best"],
            together["N*"] - together["end"],
            -np.inf,
            -MORE,
            why=f"{together['N*'].mean():.1f} % and {together['end'].mean():.1f} %. Holds if below 0.",
            unit="percentage points",
        ),
        mean_claim(
            *said["best_small"],
            together["N*"] - together["quarter"],
            -np.inf,
            -MORE,
            why=f"{together['quarter'].mean():.1f} % at a quarter of N*, where wrong labels are not fitted; "
            "the wrong labels are this study's, not the source's. Holds if below 0.",
            unit="percentage points",
        ),
        *(
            ratio_claim(
                *said[name],
                spreads["N*"] / spreads[other],
                1.0 + MORE,
                np.inf,
                why=f"{spreads['N*'].mean():.2f} and {spreads[other].mean():.2f} in units of the margin. "
                "Holds if above 1.",
            )
            for name, other in (("spread", "end"), ("spread_below", "quarter"))
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


def _nice(claim: str, source: str, shares: Array, before: Array, settings: NetworkSettings) -> Claim:
    """Judged by the interval of Clopper and Pearson: that of Student has no width where all networks fit."""
    from scipy.stats import binomtest

    count = len(shares) * settings.fit_members
    found = binomtest(round(float(shares.sum()) * settings.fit_members), count)
    ends = found.proportion_ci()
    return Claim(
        claim=claim,
        source=source,
        predicted=1.0,
        measured=found.statistic,
        low=ends.low,
        high=ends.high,
        verdict=judge(ends.low, ends.high, 0.8, 1.0),
        why=f"{found.k} of {count} networks. At a quarter of N* {before.mean():.0%} of them do. Holds if "
        "above 0.8; for more there are too few.",
    )


def _powers(data: Dataset, places: Array) -> Array:
    """Of each run, the slope of the log spread against the log width from twice N* on."""
    widths = np.log(data["width"].values.astype(float))
    found = []
    for sizes, spreads, place in zip(data["parameters"].values, data["spread"].values, places, strict=True):
        beyond = sizes >= 2 * sizes[place]
        enough = beyond.sum() >= 2
        found.append(np.polyfit(widths[beyond], np.log(spreads[beyond]), 1)[0] if enough else np.nan)
    return np.array(found)
