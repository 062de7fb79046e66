"""Claims about gradients, their noise, batch sizes, and GD beside SGD."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, mean_claim, ratio_claim
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import MORE, statements
from studies.landscape.tradeoff import Tradeoff, fitted_tradeoff

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

Array = np.ndarray

WORTH = 1.0
"""Percentage points of test accuracy that count as a difference between GD and SGD."""

LOWER = 0.01
"""So much lower a loss counts as lower."""


def motion_claims(results: Results, settings: NetworkSettings) -> list[Claim]:
    """All of them."""
    return [
        *_course(results, settings),
        *_tradeoff(results, settings),
        *_tails(results, settings),
        *_descent(results, settings),
    ]


def fewest_steps(results: Results) -> DataArray:
    """Steps at the best learning rate, over batch sizes and runs."""
    return results["tradeoff"]["steps"].min("rate").sortby("B").transpose("run", "B")


def tradeoffs(results: Results) -> list[Tradeoff]:
    """The curve of each run."""
    steps = fewest_steps(results)
    return [fitted_tradeoff(steps["B"].values, row) for row in steps.values]


def _course(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["course"]
    first, last = (data.sel(step=settings.looks[place]) for place in (0, -1))
    window = list(settings.looks)
    return [
        mean_claim(
            *said["gradient"],
            last["share"].values,
            0.5,
            np.inf,
            predicted=1.0,
            why=f"A random vector has {float(last['chance'].mean()):.3f} there. Holds if above 0.5.",
        ),
        mean_claim(
            *said["into"],
            (last["share"] - first["share"]).values,
            MORE,
            np.inf,
            why=f"{float(first['share'].mean()):.2f} before training. Holds if above 0.",
        ),
        _grows(*said["noise_grows"], data["simple"].sel(step=window)),
        ratio_claim(
            *said["noise_begins"],
            (last["simple"] / first["simple"]).values,
            1.0 + MORE,
            np.inf,
            why="Holds if above 1.",
        ),
        _grows(*said["noise_curved"], data["curved"].sel(step=window)),
    ]


def _grows(claim: str, source: str, course: DataArray) -> Claim:
    """Growth after the first two looks, which holds only there if before the noise scale falls.

    Judged by the runs in which the noise scale has a value at the three looks that are compared.
    """
    whole = course.isel(step=[0, 2, -1]).notnull().all("step")
    first, falling, last = (course.isel(step=place)[whole.values] for place in (0, 2, -1))
    left_out = int((~whole).sum())
    if len(first) < 2:
        why = f"In {left_out} of {len(whole)} runs the loss curves down along the gradient at a look."
        return Claim(claim=claim, source=source, verdict="undecided", why=why)
    found = ratio_claim(
        claim,
        source,
        (last / falling).values,
        1.0 + MORE,
        np.inf,
        why=f"{_course_of(course)} Holds if above 1, but only here if it falls before."
        + (
            f" Left out where the loss curves down at a look: {left_out} of {len(whole)} runs."
            if left_out
            else ""
        ),
    )
    before = ratio_claim(claim, source, (falling / first).values, 0.0, 1.0)
    if found.verdict == "holds" and before.verdict == "holds":
        return dataclasses.replace(found, verdict="holds only here")
    return found


def _course_of(data: DataArray) -> str:
    means = data.mean("run").sortby("step")
    listed = ", ".join(f"{float(value):.0f}" for value in means)
    return f"In the mean {listed} samples after {', '.join(str(int(step)) for step in means['step'])} steps."


def log_scales_on_the_way(results: Results, settings: NetworkSettings) -> Array:
    """Log noise scale of each run, mean over the steps up to the last look before the loss of the trade-off
    is reached; in between linear."""
    data = results["course"].sortby("step").transpose("run", "step")
    steps = data["step"].values.astype(float)
    found = []
    for losses, scales in zip(data["loss"].values, data["simple"].values, strict=True):
        # A loss may rise again; what counts is the way to where it is reached first.
        reached = np.flatnonzero(losses < settings.tradeoff_loss)
        last = max(0, int(reached[0]) - 1) if len(reached) else len(losses) - 1
        place, logs = steps[: last + 1], np.log(scales[: last + 1])
        several = last > 0
        found.append(np.trapezoid(logs, place) / (place[-1] - place[0]) if several else logs[0])
    return np.array(found)


def _tradeoff(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, steps = statements(settings), results["tradeoff"]["steps"].sortby("B")
    curves = tradeoffs(results)
    critical = np.array([one.critical_batch for one in curves])
    scales = np.exp(log_scales_on_the_way(results, settings))
    best = steps["rate"].values[steps.fillna(np.inf).argmin("rate").transpose("run", "B").values]
    # Where no rate reaches the loss none is the best.
    best = np.where(np.isfinite(fewest_steps(results).values), best, np.nan)
    ratios = critical / scales
    powers = _misfits_of_powers(fewest_steps(results))
    misfits = np.array([one.misfit for one in curves])
    largest = float(np.mean(best[:, -1] == steps["rate"].values.max()))
    words = f"Critical batch size {critical.mean():.0f}, noise scale {scales.mean():.0f} in the mean. "
    return [
        mean_claim(
            *said["tradeoff"],
            misfits,
            0.0,
            0.25,
            predicted=0.0,
            why=f"{steps.sizes['B']} batch sizes, each at the best of {steps.sizes['rate']} learning rates; "
            f"S_min {np.mean([one.fewest_steps for one in curves]):.0f}. Judged against 0.25.",
        ),
        ratio_claim(
            *said["bend"],
            misfits / powers,
            0.0,
            1.0,
            why=f"A power of B is off by {powers.mean():.2f}, and has as many parameters. Holds if below 1.",
        ),
        ratio_claim(
            *said["best_rate"],
            best[:, -1] / best[:, 0],
            1.0 + MORE,
            np.inf,
            why=f"With the largest batch it is the largest rate looked at in {largest:.0%} of the runs. "
            "Holds if above 1.",
        ),
        ratio_claim(
            *said["critical"], ratios, 0.1, 10.0, predicted=1.0, why=f"{words}Judged within a factor of 10."
        ),
        ratio_claim(
            *said["critical_close"],
            ratios,
            0.5,
            2.0,
            predicted=1.0,
            why=f"{words}Judged within a factor of 2.",
        ),
    ]


def _misfits_of_powers(steps: DataArray) -> Array:
    """Root mean square deviation of log S from the closest power of B, of each run."""
    found = []
    for row in steps.values:
        reached = np.isfinite(row)
        b, s = np.log(steps["B"].values[reached]), np.log(row[reached])
        enough = len(s) >= 3
        found.append(np.sqrt(np.mean((s - np.polyval(np.polyfit(b, s, 1), b)) ** 2)) if enough else np.nan)
    return np.array(found)


def _tails(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["tails"]
    one, many = data.sel(B=settings.tail_batches[0]), data.sel(B=settings.tail_batches[-1])
    single = mean_claim(
        *said["sample"],
        one["single"].values,
        0.0,
        1.9,
        why=f"Excess kurtosis {float(one['kurtosis'].mean()):.0f}: a unit is active on some samples only. "
        "Holds if below 1.9, but only here if the index of the largest batches is above: then it is of no "
        "stable law.",
    )
    grown = mean_claim(*said["sample"], many["single"].values, 1.9, np.inf)
    if single.verdict == "holds" and grown.verdict == "holds":
        single = dataclasses.replace(single, verdict="holds only here")
    kurtosis = f"Excess kurtosis {float(many['kurtosis'].mean()):.2g} in the median of coordinates. "
    return [
        mean_claim(*said["pooled"], many["pooled"].values, 0.0, 1.9, why="Gaussian: 2. Holds if below 1.9."),
        mean_claim(
            *said["single"],
            many["single"].values,
            0.0,
            1.9,
            why=f"{kurtosis}Gaussian: 2. Holds if below 1.9.",
        ),
        single,
        ratio_claim(
            *said["explained"],
            (many["pooled"] / many["pooled_gaussian"]).values,
            0.85,
            1.15,
            predicted=1.0,
            why=f"{float(many['pooled'].mean()):.2f} and {float(many['pooled_gaussian'].mean()):.2f}; each "
            f"coordinate divided by its deviation: {float(many['scaled'].mean()):.2f}. Judged within 0.15.",
        ),
    ]


def _descent(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["descent"]
    slim, broad = (
        data.sel(width=width) for width in (settings.descent_widths[0], settings.descent_widths[-1])
    )

    def gap(one: Dataset, name: str) -> Array:
        return np.asarray((one[name].sel(algorithm="SGD") - one[name].sel(algorithm="GD")).values)

    def both(one: Dataset, name: str, form: str) -> str:
        gd, sgd = (float(one[name].sel(algorithm=kind).mean()) for kind in ("GD", "SGD"))
        return f"GD {gd:{form}}, SGD {sgd:{form}}"

    apart = [100 * np.abs(gap(one, "rest_accuracy")) for one in (slim, broad)]
    after = f"after {settings.descent_steps} steps"
    return [
        mean_claim(
            *said["stuck"],
            100 * gap(slim, "rest_accuracy"),
            WORTH,
            np.inf,
            unit="percentage points",
            why=f"{both(slim, 'rest_accuracy', '.1%')} in the minima below; {after} "
            f"{both(slim, 'test_accuracy', '.1%')}, SGD's last iterate with its noise. Holds if above "
            f"{WORTH:g}.",
        ),
        mean_claim(
            *said["stuck_loss"],
            gap(slim, "rest_loss"),
            -np.inf,
            -LOWER,
            why=f"{both(slim, 'rest_loss', '.3f')} in the minima below; {after} {both(slim, 'loss', '.3f')}. "
            f"Holds if below -{LOWER:g}.",
        ),
        mean_claim(
            *said["same"],
            100 * gap(broad, "rest_accuracy"),
            -WORTH,
            WORTH,
            predicted=0.0,
            unit="percentage points",
            why=f"{both(broad, 'rest_accuracy', '.1%')} in the minima below; {after} "
            f"{both(broad, 'test_accuracy', '.1%')}. Judged within {WORTH:g} point.",
        ),
        ratio_claim(
            *said["same_loss"],
            np.exp(gap(broad.assign(loss=np.log(broad["loss"])), "loss")),
            0.8,
            1.25,
            predicted=1.0,
            why="On the way, at one constant rate: in the end both are nil. Judged within 0.8 and 1.25.",
        ),
        mean_claim(
            *said["nearer"],
            apart[0] - apart[1],
            MORE,
            np.inf,
            unit="percentage points",
            why=f"{apart[0].mean():.1f} and {apart[1].mean():.1f} points apart in the mean, in the minima "
            "below, either way. Holds if above 0.",
        ),
    ]
