"""What this run says of networks in the course of training, of their size, and of what holds them back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from simdyn.inference import jackknife
from simdyn.study import Claim, Results, judge, mean_claim, ratio_claim
from studies.memorisation.experiment import judged_radius
from studies.memorisation.samples import INPUTS, LABELS, REAL, noisy
from studies.memorisation.settings import Settings
from studies.memorisation.statements import FEW, between, statements
from studies.memorisation.training import regularisers, sgd_settings

if TYPE_CHECKING:
    from xarray import Dataset

Array = np.ndarray

POINTS = "percentage points"

ROUNDING = 1e-9


def falls(data: Dataset) -> tuple[Array, Array]:
    """How far test accuracy falls from its peak to the end in each run, and the peaks, shape (runs, 2).

    The peak is the epoch at which one half of the test samples is right most often; its height is read off
    the other half, and both ways are averaged: of many epochs one is always the best by chance, and by how
    much the other half does not see.
    """
    halves = np.stack([data[name].transpose("run", "epoch").values for name in ("first_half", "second_half")])
    runs = np.arange(halves.shape[1])
    peaks = halves.argmax(2)
    other = halves[::-1]
    heights = np.stack([other[k, runs, peaks[k]] - other[k, :, -1] for k in (0, 1)])
    return heights.mean(0), peaks.T


def fall_claim(claim: str, source: str, data: Dataset, why: str = "") -> Claim:
    """A claim that test accuracy falls from its peak."""
    fall, _ = falls(data.sortby("epoch"))
    end = float(data["test_accuracy"].sortby("epoch").isel(epoch=-1).mean())
    return mean_claim(
        claim,
        source,
        100 * fall,
        1e-9,
        np.inf,
        unit=POINTS,
        why=f"{why}To {end:.1%} at the end. Holds if above 0.",
    )


def of_courses(results: Results, settings: Settings) -> list[Claim]:
    """Accuracies, critical samples and sensitivities in the course of training."""
    said, data = statements(settings), results["course"].sortby("epoch")
    kinds = between(settings)
    fall = {kind: falls(data.sel(data=kind))[0] for kind in (REAL, *kinds)}
    end = data.isel(epoch=-1)
    chosen = data.sel(data=noisy(settings.noise_share))
    wrong, trained, tested = (
        chosen[name].transpose("run", "epoch").values
        for name in ("learnt_wrong", "train_accuracy", "test_accuracy")
    )
    peaks = falls(chosen)[1]
    at_peak = np.take_along_axis(wrong, peaks, 1).mean(1)
    # Of ten classes one is the true and one the wrong label; an error meets each of the others as often.
    unlearnt = (1 - float(np.take_along_axis(tested, peaks, 1).mean())) / 9
    return [
        mean_claim(
            *said["memorise"],
            end["train_accuracy"].sel(data=LABELS).values,
            0.99,
            np.inf,
            predicted=1.0,
            why=f"{float(end['test_accuracy'].sel(data=LABELS).mean()):.1%} of the other digits are right. "
            "Holds if above 0.99.",
        ),
        *(fall_claim(*said[f"fall {kind}"], data.sel(data=kind)) for kind in kinds),
        mean_claim(
            *said["fall none"],
            100 * fall[REAL],
            -1.0,
            1.0,
            predicted=0.0,
            unit=POINTS,
            why="Judged within 1.",
        ),
        mean_claim(
            *said["fall grows"],
            100 * (fall[kinds[-1]] - fall[kinds[0]]),
            1e-9,
            np.inf,
            unit=POINTS,
            why="Holds if above 0.",
        ),
        mean_claim(
            *said["before"],
            at_peak,
            0.0,
            FEW,
            predicted=unlearnt,
            why=f"{unlearnt:.1%} would come by errors alone, as often as on other digits. "
            f"Training accuracy there {np.take_along_axis(trained, peaks, 1).mean():.1%}; at the end "
            f"{wrong[:, -1].mean():.1%} of the wrong labels are reproduced. Holds if below {FEW:g}.",
        ),
        *_critical(results, settings),
        *_gini(data, settings),
    ]


def _critical(results: Results, settings: Settings) -> list[Claim]:
    said = statements(settings)
    boxes = results["critical"]["critical"].sortby("epoch")
    data = boxes.sel(radius=judged_radius(settings))
    # After the very first steps outputs are nearly equal, and what is critical depends on first parameters.
    early, last = data.sel(epoch=settings.critical_epochs[1]), data.isel(epoch=-1)
    found = []
    for name, kind in (("labels", LABELS), ("inputs", INPUTS), ("noisy", noisy(settings.noise_share))):
        one, other = last.sel(data=kind), last.sel(data=REAL)
        means = [float(one.mean()), float(other.mean())]
        # Where no box reaches a boundary, or all do, samples cannot differ.
        told = 0 < means[0] + means[1] < 2
        found.append(
            mean_claim(
                *said[f"critical {name}"],
                100 * (one - other).values if told else np.full(one.size, np.nan),
                1e-9,
                np.inf,
                unit=POINTS,
                why=f"{means[0]:.1%} and {means[1]:.1%} of the training samples. Holds if above 0.",
            )
        )
    rise = last.sel(data=LABELS) - early.sel(data=LABELS)
    real, inputs = (float((last - early).sel(data=kind).mean()) for kind in (REAL, INPUTS))
    rises = mean_claim(
        *said["critical rises"],
        100 * rise.values,
        ROUNDING,
        np.inf,
        unit=POINTS,
        why=f"With real labels it changes by {100 * real:.0f}, with random inputs by {100 * inputs:.0f}. "
        "Holds if above 0, but only here if random inputs, or boxes of another size, do the opposite.",
    )
    falling = [(early - last).sel(data=INPUTS)]
    for radius in settings.radii:
        box = boxes.sel(radius=radius, data=LABELS)
        falling.append(box.sel(epoch=settings.critical_epochs[1]) - box.isel(epoch=-1))
    opposite = [mean_claim(*said["critical rises"], one.values, ROUNDING, np.inf).verdict for one in falling]
    if rises.verdict == "holds" and "holds" in opposite:
        rises = dataclasses.replace(rises, verdict="holds only here")
    return [*found, rises]


def _gini(data: Dataset, settings: Settings) -> list[Claim]:
    said = statements(settings)
    means = data["gini"].where(data.epoch >= 1, drop=True).mean("epoch")
    return [
        mean_claim(
            *said[f"gini {name}"],
            (means.sel(data=REAL) - means.sel(data=kind)).values,
            0.0,
            np.inf,
            why=f"{float(means.sel(data=REAL).mean()):.2f} and {float(means.sel(data=kind).mean()):.2f}; at "
            f"the end {float(data['gini'].sel(data=REAL).isel(epoch=-1).mean()):.2f} and "
            f"{float(data['gini'].sel(data=kind).isel(epoch=-1).mean()):.2f}. Holds if above 0.",
        )
        for name, kind in (("labels", LABELS), ("inputs", INPUTS))
    ]


def of_sizes(results: Results, settings: Settings) -> list[Claim]:
    """Hidden units and numbers of samples."""
    said = statements(settings)
    data = results["capacity"].sortby("units")["train_accuracy"]
    units = np.log(data["units"].values)
    needed = {
        kind: np.array([_first_at(units, data.sel(data=kind, run=run).values, 0.99) for run in settings.runs])
        for kind in (REAL, LABELS)
    }
    never = int((data.sel(data=LABELS).max("units") < 0.99).sum())
    steps = results["time"]["steps"]
    steps = steps.copy(data=np.log(steps.values))
    counts = np.log(np.array(settings.counts, dtype=float))

    def powers(kind: str) -> Array:
        chosen = steps.sel(data=kind, units=settings.width, samples=list(settings.counts))
        return np.polyfit(counts, chosen.transpose("samples", "run").values, 1)[0]

    real = powers(REAL)
    narrow, wide = (steps.sel(samples=settings.counts[-1], units=m * settings.width) for m in (1, 2))
    gain = narrow - wide
    return [
        ratio_claim(
            *said["units"],
            np.exp(needed[LABELS] - needed[REAL]),
            1.0,
            np.inf,
            why=f"{np.exp(needed[LABELS].mean()):.1f} and {np.exp(needed[REAL].mean()):.1f} in each of two "
            f"layers, for {settings.samples} samples, after {settings.epochs[-1]} epochs, interpolated; "
            f"{never} of {len(settings.runs)} networks never fit random labels so well, and count as the "
            "largest. Holds if above 1.",
        ),
        *(
            mean_claim(
                *said[f"time {name}"],
                powers(kind) - real,
                0.0,
                np.inf,
                why=f"{powers(kind).mean():.2f} and {real.mean():.2f} in the mean, from "
                f"{settings.counts[0]} to {settings.counts[-1]} samples. Holds if above 0.",
            )
            for name, kind in (("labels", LABELS), ("inputs", INPUTS))
        ),
        ratio_claim(
            *said["time units"],
            np.exp((gain.sel(data=LABELS) - gain.sel(data=REAL)).values),
            1.0,
            np.inf,
            why=f"{float(np.exp(gain.sel(data=LABELS).mean())):.2f} and "
            f"{float(np.exp(gain.sel(data=REAL).mean())):.2f} with {settings.counts[-1]} samples. Holds if "
            "above 1.",
        ),
    ]


def _first_at(x: Array, values: Array, level: float) -> float:
    """Where values first reach a level, linear in between; the last place if they never do."""
    over = np.flatnonzero(values >= level)
    if not len(over):
        return float(x[-1])
    k = int(over[0])
    if k == 0:
        return float(x[0])
    return float(x[k - 1] + (level - values[k - 1]) / (values[k] - values[k - 1]) * (x[k] - x[k - 1]))


def at_cost(tests: Array, trained: Array, cost: float) -> float:
    """Accuracy on random labels with so much of a regulariser as costs so much accuracy on real digits.

    Strengths grow from none. Accuracies are replaced by the nearest ones that do not rise with the strength,
    for with many strengths the chance of single ones would let a strong one pass for cheap; in between they
    are linear. That of the strongest if it costs less."""
    from scipy.optimize import isotonic_regression

    falling, learnt = (isotonic_regression(one, increasing=False).x for one in (tests, trained))
    least = tests[0] - cost
    k = int(np.flatnonzero(falling >= least)[-1])
    if k == len(falling) - 1:
        return float(learnt[k])
    part = (falling[k] - least) / (falling[k] - falling[k + 1])
    return float((1 - part) * learnt[k] + part * learnt[k + 1])


def of_regularisers(results: Results, settings: Settings) -> list[Claim]:
    """Dropout, weight decay, and the noise of SGD."""
    said, data = statements(settings), results["regularisers"]
    noise = results["noise"]["test_accuracy"]
    names = list(regularisers(settings))
    columns = {
        name: [k for k, one in enumerate(names) if one == "none" or one.startswith(name)]
        for name in ("dropout", "weight decay")
    }
    tests, trained = (
        100 * data[quantity].sel(data=kind, regulariser=names).transpose("run", "regulariser").values
        for quantity, kind in (("test_accuracy", REAL), ("train_accuracy", LABELS))
    )
    # Where a cost is met is read off the same runs, so they are left out of that as well.
    sums = np.stack([tests, trained, np.ones_like(tests)], axis=1)

    def at(total: Array) -> Array:
        tests, trained = total[:2] / total[2]
        found = [at_cost(tests[c], trained[c], settings.allowed) for c in columns.values()]
        return np.array([*(one - trained[0] for one in found), found[0] - found[1]])

    reached = jackknife(sums, at)
    none = trained[:, 0].mean()
    facts = (
        f"{none + reached.value[0]:.1f} % with dropout, {none + reached.value[1]:.1f} % with weight decay, "
    )
    facts += f"{none:.1f} % with none, in the last quarter of {settings.epochs[-1]} epochs"
    bands = {"dropout": (-1.0, "-1"), "weight decay": (-1.0, "-1"), "best": (0.0, "0")}
    # The best strength is chosen anew without each run, so that the interval knows of the choice.
    plain = jackknife(tests, lambda total: total[0] / total.max())
    found = [
        Claim(
            claim=said["plain"][0],
            source=said["plain"][1],
            predicted=1.0,
            measured=plain.value,
            low=plain.low,
            high=plain.high,
            verdict=judge(plain.low, plain.high, 0.95, 1.0 + ROUNDING),
            why=f"{len(tests)} networks, jackknife. {tests[:, 0].mean():.1f} % with none, the most with "
            f"{names[int(tests.mean(0).argmax())]}. Holds if above 0.95. That SGD does it is another matter: "
            "the linearised network above has none.",
        ),
    ]
    found += [
        Claim(
            claim=said[name][0],
            source=said[name][1],
            measured=reached.value[k],
            # No accuracy falls below zero.
            low=max(reached.low[k], -100.0 if name == "best" else -none),
            high=reached.high[k],
            verdict=judge(reached.low[k], reached.high[k], -np.inf, most),
            why=f"{len(tests)} networks, jackknife. {facts}. Holds if below {words}.",
            unit=POINTS,
        )
        for k, (name, (most, words)) in enumerate(bands.items())
    ]
    # The first and the last have the same noise, and the one between them less.
    usual, larger, both = (noise.sel(sgd=name) for name in sgd_settings(settings))
    means = [float(one.mean()) for one in (usual, larger, both)]
    return [
        *found,
        mean_claim(
            *said["more noise"],
            100 * (usual - larger).values,
            0.0,
            np.inf,
            unit=POINTS,
            why=f"{means[0]:.1%} and {means[1]:.1%} in the mean. Holds if above 0.",
        ),
        mean_claim(
            *said["more rate"],
            100 * (both - larger).values,
            0.0,
            np.inf,
            unit=POINTS,
            why=f"{means[2]:.1%} and {means[1]:.1%} in the mean. Holds if above 0.",
        ),
        mean_claim(
            *said["same noise"],
            100 * (both - usual).values,
            -1.5,
            1.5,
            predicted=0.0,
            unit=POINTS,
            why=f"{means[2]:.1%} and {means[0]:.1%} in the mean. Judged within 1.5.",
        ),
    ]
