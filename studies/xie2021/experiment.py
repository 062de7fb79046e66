"""What is measured: settings, grids, and one cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, styblinski_tang
from simdyn.study import Dimension, Execution, Grid, Quantity

if TYPE_CHECKING:
    from numpy.random import SeedSequence
    from xarray import Dataset

    from simdyn import SGD, SGLD

DIM = 10
PAPER = "Xie, Sato & Sugiyama 2021"
OVERSHOOT_LIMIT = 0.01
"""Largest share of escapes beyond |x| = 5 (where the next step explodes) at which a cell counts as escape at
all."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    target_error
        Relative standard error of each measured mean.
    max_paths
        Largest number of paths of a cell.
    """

    target_error: float
    max_paths: int
    sgld_learning_rate: float
    temperatures: tuple[float, ...]
    curvature_learning_rate: float
    curvature_temperature: float
    curvatures: tuple[float, ...]
    batch_learning_rate: float
    batch_sizes: tuple[float, ...]
    rate_batch_size: float
    learning_rates: tuple[float, ...]
    large_batch_sizes: tuple[float, ...]
    large_batch_rates: tuple[float, ...]


QUICK = Settings(
    target_error=0.02,
    max_paths=4_000,
    sgld_learning_rate=0.001,
    temperatures=(4.0, 4.5, 5.0, 6.0, 8.0, 10.0),
    curvature_learning_rate=0.0005,
    curvature_temperature=5.0,
    curvatures=(0.25, 0.5, 1.0, 2.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.045, 0.05, 0.06, 0.07, 0.08),
    rate_batch_size=0.1,
    learning_rates=(0.02, 0.0225, 0.025, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.125, 0.25, 0.5, 1.0, 2.0, 3.0),
    large_batch_rates=(0.01, 0.014, 0.02, 0.028, 0.04),
)
FULL = Settings(
    target_error=0.01,
    max_paths=12_000,
    sgld_learning_rate=0.001,
    temperatures=(3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0),
    curvature_learning_rate=0.00025,
    curvature_temperature=5.0,
    curvatures=(0.25, 0.5, 1.0, 2.0, 4.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.045, 0.05, 0.055, 0.06, 0.065, 0.07, 0.075, 0.08),
    rate_batch_size=0.1,
    learning_rates=(0.02, 0.021, 0.0225, 0.025, 0.0275, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.1, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0),
    large_batch_rates=(0.01, 0.012, 0.014, 0.017, 0.02, 0.024, 0.028, 0.034, 0.04),
)

MEASURED = (
    Quantity("steps", "steps", "measured mean escape time N"),
    Quantity("low", "steps", "lower end of the 95 % interval"),
    Quantity("high", "steps", "upper end of the 95 % interval"),
    Quantity("relative_error", "", "relative standard error"),
    Quantity("escapes", "", "observed escapes"),
    Quantity("censored", "", "paths that ran out of budget"),
    Quantity("diverged", "", "paths that blew up before leaving"),
    Quantity(
        "overshoot", "", "share of first-exit states beyond |x| = 5 (in units of the unscaled landscape)"
    ),
)
EXACT = (
    Quantity("exact", "steps", "exact mean escape time of the same chain"),
    Quantity("exact_error", "steps", "numerical error of the exact value"),
)
PREDICTED = Quantity("predicted", "steps", "closed form of the paper")

MEASURED_GRIDS = ("sgld_temperature", "sgld_curvature", "sgd_batch", "sgd_learning_rate", "sgd_curvature")
"""The grids that are simulated; the others hold exact values alone."""


def grids(settings: Settings) -> list[Grid]:
    """The four experiments of the paper, and exact values where no simulation reaches."""
    curvature = Dimension("k", settings.curvatures, "", "curvature scale")
    ratios = tuple(rate / settings.learning_rates[0] for rate in settings.learning_rates)
    return [
        Grid(
            "sgld_temperature",
            "SGLD against temperature",
            [Dimension("D", settings.temperatures, "loss", "temperature, the diffusion coefficient")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.sgld_learning_rate:g}, k = 1.",
        ),
        Grid(
            "sgld_curvature",
            "SGLD against curvature",
            [curvature],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.curvature_learning_rate:g}, D = {settings.curvature_temperature:g}.",
        ),
        Grid(
            "sgd_batch",
            "SGD against batch size",
            [Dimension("B", settings.batch_sizes, "", "effective batch size, batch size over temperature")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.batch_learning_rate:g}, k = 1, C = |H|/B.",
        ),
        Grid(
            "sgd_learning_rate",
            "SGD against learning rate",
            [Dimension("eta", settings.learning_rates, "", "learning rate")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Effective batch size {settings.rate_batch_size:g}, k = 1, C = |H|/B.",
        ),
        Grid(
            "sgd_curvature",
            "SGD against curvature",
            [Dimension("k", ratios, "", "curvature scale")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.learning_rates[0]:g}, effective batch size "
            f"{settings.rate_batch_size:g}, C = |H|/B. "
            "The products of k and the learning rate are the learning rates of the grid before.",
        ),
        Grid(
            "sgd_batch_exact",
            "SGD against batch size, exact values alone",
            [Dimension("B", settings.large_batch_sizes, "", "effective batch size")],
            [*EXACT, PREDICTED],
            f"Learning rate {settings.batch_learning_rate:g}; no simulation reaches these times.",
        ),
        Grid(
            "sgd_learning_rate_exact",
            "SGD against learning rate, exact values alone",
            [Dimension("eta", settings.large_batch_rates, "", "learning rate")],
            [*EXACT, PREDICTED],
            "Batch size 1; no simulation reaches these times.",
        ),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """One mean escape time, measured (where that is possible), exact and by the paper's formula."""
    from simdyn import escape_time, exact, theory

    landscape, dynamics = problem(grid, parameters, settings)
    if grid.startswith("sgld"):
        prediction = theory.eyring_kramers(landscape, dynamics, "deepest", "valley")
    else:
        prediction = theory.xie2021(landscape, dynamics, "deepest", "valley")
    if grid.endswith("_exact"):
        reference = exact.escape_time(landscape, dynamics, "deepest", "valley")
        return {
            "exact": reference.value,
            "exact_error": reference.error,
            "predicted": prediction.value,
        }
    answer = escape_time(
        landscape,
        dynamics,
        "deepest",
        "valley",
        paths=settings.max_paths,
        target_error=settings.target_error,
        method="direct",
        seed=seed,
        threads=execution.threads,
        progress=execution.progress.of_escapes,
    )
    assert answer.reference is not None
    measurement = answer.measurement
    if not measurement.complete:
        # An interrupted measurement is an answer to a person, but not a finished cell.
        raise KeyboardInterrupt
    scale = np.sqrt(landscape.parameters["k"])
    landed = np.abs(measurement.exit_points).max(axis=1) * scale
    return {
        "steps": answer.value,
        "low": answer.low,
        "high": answer.high,
        "relative_error": measurement.relative_error,
        "escapes": answer.events,
        "censored": answer.censored,
        "diverged": answer.diverged,
        "overshoot": float((landed > 5.0).mean()),
        "exact": answer.reference.value,
        "exact_error": answer.reference.error,
        "predicted": prediction.value,
    }


def problem(grid: str, parameters: Mapping[str, Any], settings: Settings) -> tuple[Potential, SGD | SGLD]:
    """Landscape and dynamics of a cell."""
    from simdyn import SGD, SGLD

    landscape = styblinski_tang(dim=DIM, k=float(parameters.get("k", 1.0)))
    if grid == "sgld_temperature":
        return landscape, SGLD(settings.sgld_learning_rate, parameters["D"])
    if grid == "sgld_curvature":
        return landscape, SGLD(settings.curvature_learning_rate, settings.curvature_temperature)
    if grid in ("sgd_batch", "sgd_batch_exact"):
        eta, batch = settings.batch_learning_rate, parameters["B"]
    elif grid == "sgd_curvature":
        eta, batch = settings.learning_rates[0], settings.rate_batch_size
    else:
        eta = parameters["eta"]
        batch = 1.0 if grid.endswith("_exact") else settings.rate_batch_size
    return landscape, SGD(eta, batch, noise="hessian", floor=0.0)


def usable(data: Dataset) -> np.ndarray:
    """Which cells are escapes rather than explosions: at most 1 % of overshoot and no diverged paths to speak
    of."""
    paths = data["escapes"] + data["censored"] + data["diverged"]
    return np.asarray((data["overshoot"] <= OVERSHOOT_LIMIT) & (data["diverged"] <= OVERSHOOT_LIMIT * paths))
