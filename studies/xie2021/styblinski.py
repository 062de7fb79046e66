"""The Styblinski-Tang function: SGLD and SGD in ten dimensions, least actions, flux, and shifted data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import (
    FiniteSum,
    Potential,
    shifted_styblinski_tang,
    shifted_styblinski_tang_covariance,
    styblinski_tang,
)
from simdyn.study import Dimension, Execution, Grid, Quantity
from studies.xie2021.quantities import EXACT, MEASURED, PREDICTED, escape, of_answer

if TYPE_CHECKING:
    from numpy.random import SeedSequence
    from xarray import Dataset

    from simdyn import SGD, SGLD
    from studies.xie2021.settings import Settings

DIM = 10
OVERSHOOT_LIMIT = 0.01
"""Largest share of escapes beyond |x| = 5 (where the next step explodes) at which a cell counts as escape at
all."""
OVERSHOOT = Quantity(
    "overshoot", "", "share of first-exit states beyond |x| = 5 (in units of the unscaled landscape)"
)
MEASURED_GRIDS = ("sgld_temperature", "sgld_curvature", "sgd_batch", "sgd_learning_rate", "sgd_curvature")
"""The grids of the paper's own experiment, which are simulated in ten dimensions."""


def styblinski_grids(settings: Settings) -> list[Grid]:
    """The paper's four experiments, exact values where no simulation reaches, and what goes with them."""
    curvature = Dimension("k", settings.curvatures, "", "curvature scale")
    ratios = tuple(rate / settings.learning_rates[0] for rate in settings.learning_rates)
    temperature = "temperature, the diffusion coefficient"
    quantities = [*MEASURED, OVERSHOOT, *EXACT, PREDICTED]
    return [
        Grid(
            "sgld_temperature",
            "SGLD against temperature",
            [Dimension("D", settings.temperatures, "loss", temperature)],
            [*quantities, Quantity("single", "steps", "exact mean escape time of one coordinate alone")],
            f"Learning rate {settings.sgld_learning_rate:g}, k = 1.",
        ),
        Grid(
            "sgld_curvature",
            "SGLD against curvature",
            [curvature],
            quantities,
            f"Learning rate {settings.curvature_learning_rate:g}, D = {settings.curvature_temperature:g}.",
        ),
        Grid(
            "sgd_batch",
            "SGD against batch size",
            [Dimension("B", settings.batch_sizes, "", "effective batch size, batch size over temperature")],
            quantities,
            f"Learning rate {settings.batch_learning_rate:g}, k = 1, C = |H|/B.",
        ),
        Grid(
            "sgd_learning_rate",
            "SGD against learning rate",
            [Dimension("eta", settings.learning_rates, "", "learning rate")],
            quantities,
            f"Effective batch size {settings.rate_batch_size:g}, k = 1, C = |H|/B.",
        ),
        Grid(
            "sgd_curvature",
            "SGD against curvature",
            [Dimension("k", ratios, "", "curvature scale")],
            quantities,
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
        Grid(
            "log_law",
            "The exponent at small learning rates",
            [Dimension("eta", settings.log_rates, "", "learning rate")],
            [
                Quantity("scaled", "", "eta times the least action of the chain at B = 1"),
                Quantity("scaled_error", "", "its numerical error"),
                Quantity("formula", "", "the exponent of equation (7) times eta / B"),
                Quantity("slope", "", "4 g / kappa at the point without curvature"),
            ],
            "One coordinate, C = |H|/B; log N grows like B times the least action as B grows.",
        ),
        Grid(
            "flux",
            "Flux over population",
            [Dimension("D", settings.flux_temperatures, "loss", temperature)],
            [*MEASURED, *EXACT, PREDICTED],
            f"SGLD of the first grid; {settings.flux_paths:,} paths that go back to the minimum as they "
            "leave, "
            "the population over the flux out of it. Predicted: population and flux in the quadratic "
            "approximation of minimum and saddles.",
        ),
        Grid(
            "data",
            "Shifted data",
            [Dimension("B", settings.data_batch_sizes, "", "batch size")],
            [*MEASURED, Quantity("gaussian", "steps", "exact value with Gaussian noise of that covariance")],
            f"The mean of f(x - s) over {settings.data_samples:,} normal quantiles s, in one dimension; "
            "batches "
            f"with replacement, learning rate {settings.data_rate:g}, from the deepest minimum over the "
            "barrier.",
        ),
    ]


def styblinski_cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """One mean escape time, measured (where that is possible), exact and by a closed form."""
    if grid == "log_law":
        return _least_action(float(parameters["eta"]))
    if grid == "flux":
        return _flux(float(parameters["D"]), seed, settings, execution)
    if grid == "data":
        return _data(int(parameters["B"]), seed, settings, execution)
    from simdyn import exact, theory

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
    answer = escape(
        landscape, dynamics, "deepest", "valley", settings.target_error, settings, seed, execution
    )
    scale = np.sqrt(landscape.parameters["k"])
    landed = np.abs(answer.measurement.exit_points).max(axis=1) * scale
    found = of_answer(answer) | {"overshoot": float((landed > 5.0).mean()), "predicted": prediction.value}
    if grid == "sgld_temperature":
        found["single"] = exact.escape_time(styblinski_tang(), dynamics, "deepest", "valley").value
    return found


def problem(grid: str, parameters: Mapping[str, Any], settings: Settings) -> tuple[Potential, SGD | SGLD]:
    """Landscape and dynamics of a cell of the paper's experiment."""
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


def _least_action(eta: float) -> dict[str, float]:
    from simdyn import SGD, exact, theory

    line = styblinski_tang()
    bottom, rim = line.deepest(), line.saddles(line.deepest())[0]
    least = exact.minimum_action(line, SGD(eta, 1.0, noise="hessian", floor=0.0), bottom, rim)
    # The exponent is proportional to B / eta, so two batch sizes give it without the prefactor.
    times = [
        theory.xie2021(line, SGD(eta, size, noise="hessian", floor=0.0), "deepest", "valley").value
        for size in (eta, 2 * eta)
    ]
    # f'' = 6 x^2 - 16 vanishes here, with the slope g and the third derivative kappa = 12 |x|.
    bare = -np.sqrt(8.0 / 3.0)
    slope = abs(float(line.gradient(np.array([bare]))[0]))
    return {
        "scaled": eta * least.value,
        "scaled_error": eta * least.error,
        "formula": float(np.log(times[1] / times[0])),
        "slope": 4 * slope / (12 * abs(bare)),
    }


def _flux(D: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import escape_time, theory

    landscape, dynamics = problem("sgld_temperature", {"D": D}, settings)
    answer = escape_time(
        landscape,
        dynamics,
        "deepest",
        "valley",
        paths=settings.flux_paths,
        method="flux",
        seed=seed,
        threads=execution.threads,
    )
    valley = landscape.valley(landscape.deepest())
    bottom, rim = valley.minimum, valley.saddles[0]
    prediction = theory.langer_time(rim.energy - bottom.energy, bottom.hessian, rim.hessian, np.eye(DIM), D)
    # A hit takes half of a commit; the fluxes over all saddles add, and all are alike.
    ways = 2 * len(valley.saddles)
    return of_answer(answer) | {"predicted": float(prediction.value) / ways / settings.sgld_learning_rate}


def shifted_samples(count: int) -> FiniteSum:
    """The mean of f(x - s) over equally likely quantiles s of the normal law."""
    from scipy.special import ndtri

    s = ndtri((np.arange(count) + 0.5) / count)
    return FiniteSum("((x - s)**4 - 16*(x - s)**2 + 5*(x - s))/2", {"s": s}, variables="x")


def shifted_exponents() -> tuple[float, float, float]:
    """Exponents of the mean escape time in units of B / eta: (7) with C = H / B, (7) with the true
    covariances at minimum and saddle, and that of the SDE, 2 times the integral of L' / C_1."""
    from scipy.integrate import quad
    from scipy.optimize import brentq

    line = shifted_styblinski_tang()
    bottom, rim = line.deepest(), line.saddles(line.deepest())[0]
    covariance = Potential(shifted_styblinski_tang_covariance()[0].replace("k", "1"), variables="x")

    def at(function: Any, x: float) -> float:
        return float(np.ravel(function(np.array([x])))[0])

    a, b = float(bottom.x[0]), float(rim.x[0])
    barrier = float(rim.energy - bottom.energy)
    bare = float(brentq(lambda x: at(line.hessian, x), a, b))
    s = (at(line.energy, bare) - float(bottom.energy)) / barrier
    by_curvature = [abs(at(line.hessian, x)) for x in (a, b)]
    by_noise = [at(covariance.energy, x) for x in (a, b)]
    whole, _ = quad(lambda x: at(line.gradient, x) / at(covariance.energy, x), a, b)
    first, second = (2 * barrier * (s / low + (1 - s) / high) for low, high in (by_curvature, by_noise))
    return first, second, 2 * whole


def _data(batch: int, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import SGD, exact

    landscape = shifted_samples(settings.data_samples)
    bottom = landscape.minima()[0]
    rim = landscape.saddles(bottom)[0]
    answer = escape(
        landscape,
        SGD(settings.data_rate, batch, sampling="with_replacement"),
        f"x={float(bottom.x[0])!r}",
        f"x >= {float(rim.x[0])!r}",
        settings.target_error,
        settings,
        seed,
        execution,
    )
    gaussian = SGD(settings.data_rate, batch, noise=shifted_styblinski_tang_covariance())
    return of_answer(answer) | {
        "gaussian": exact.escape_time(shifted_styblinski_tang(), gaussian, "deepest", "valley").value
    }
