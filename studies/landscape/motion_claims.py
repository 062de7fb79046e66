"""Claims about gradients, their noise, batch sizes, and GD beside SGD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, mean_claim, ratio_claim
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import statements
from studies.landscape.tradeoff import Tradeoff, fitted_tradeoff

if TYPE_CHECKING:
    from xarray import DataArray

Array = np.ndarray


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
    first, falling, last = (data.sel(step=settings.looks[place]) for place in (0, 2, -1))
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
            0.0,
            np.inf,
            why=f"{float(first['share'].mean()):.2f} before training. Holds if above 0.",
        ),
        ratio_claim(
            *said["noise_grows"],
            (last["simple"] / falling["simple"]).values,
            1.0,
            np.inf,
            why=f"{_course_of(data['simple'])} Holds if above 1.",
        ),
        ratio_claim(
            *said["noise_begins"],
            (last["simple"] / first["simple"]).values,
            1.0,
            np.inf,
            why="Holds if above 1.",
        ),
        ratio_claim(
            *said["noise_curved"],
            (last["curved"] / falling["curved"]).values,
            1.0,
            np.inf,
            why=f"{_course_of(data['curved'])} Holds if above 1.",
        ),
    ]


def _course_of(data: DataArray) -> str:
    means = data.mean("run").sortby("step")
    listed = ", ".join(f"{float(value):.0f}" for value in means)
    return f"In the mean {listed} samples after {', '.join(str(int(step)) for step in means['step'])} steps."


def log_scales_on_the_way(results: Results, settings: NetworkSettings) -> DataArray:
    """Log noise scale of each run, mean over looks before the loss of the trade-off is reached."""
    data = results["course"]
    before = data["simple"].where(data["loss"] >= settings.tradeoff_loss)
    return before.copy(data=np.log(before.values)).mean("step")


def _tradeoff(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, steps = statements(settings), results["tradeoff"]["steps"].sortby("B")
    curves = tradeoffs(results)
    critical = np.array([one.critical_batch for one in curves])
    scales = np.exp(log_scales_on_the_way(results, settings).values)
    best = steps["rate"].values[steps.fillna(np.inf).argmin("rate").transpose("run", "B").values]
    ratios = critical / scales
    words = f"Critical batch size {critical.mean():.0f}, noise scale {scales.mean():.0f} in the mean. "
    return [
        mean_claim(
            *said["tradeoff"],
            np.array([one.misfit for one in curves]),
            0.0,
            0.25,
            predicted=0.0,
            why=f"{steps.sizes['B']} batch sizes, each at the best of {steps.sizes['rate']} learning rates; "
            f"S_min {np.mean([one.fewest_steps for one in curves]):.0f}. Judged against 0.25.",
        ),
        ratio_claim(*said["best_rate"], best[:, -1] / best[:, 0], 1.0, np.inf, why="Holds if above 1."),
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


def _tails(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["tails"]
    one, many = data.sel(B=settings.tail_batches[0]), data.sel(B=settings.tail_batches[-1])
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
        mean_claim(
            *said["sample"],
            one["single"].values,
            0.0,
            1.9,
            why=f"Excess kurtosis {float(one['kurtosis'].mean()):.0f}: a unit is active on some samples "
            "only. No stable law, since the index goes to 2 with the batch size. Holds if below 1.9.",
        ),
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

    def gap(one: DataArray) -> Array:
        return np.asarray((one.sel(algorithm="SGD") - one.sel(algorithm="GD")).values)

    found, logs = [], []
    for suffix, one, accuracy_band, loss_band in (
        ("stuck", slim, (0.0, np.inf), (0.0, 1.0)),
        ("same", broad, (-1.0, 1.0), (0.8, 1.25)),
    ):
        judged = ("above 0", "below 1") if suffix == "stuck" else ("within 1 point", "within 0.8 and 1.25")
        means = [100 * float(one["test_accuracy"].sel(algorithm=name).mean()) for name in ("GD", "SGD")]
        logs.append(gap(one.assign(loss=np.log(one["loss"]))["loss"]))
        found += [
            mean_claim(
                *said[suffix],
                100 * gap(one["test_accuracy"]),
                *accuracy_band,
                unit="percentage points",
                why=f"GD {means[0]:.1f} %, SGD {means[1]:.1f} %, after as many steps. Holds if {judged[0]}.",
            ),
            ratio_claim(*said[f"{suffix}_loss"], np.exp(logs[-1]), *loss_band, why=f"Holds if {judged[1]}."),
        ]
    return [
        *found,
        mean_claim(*said["nearer"], np.abs(logs[0]) - np.abs(logs[1]), 0.0, np.inf, why="Holds if above 0."),
    ]
