"""Landscapes on a line in which one thing varies at a time: floor of the noise, curvatures, ways out.

All are one polynomial of degree 8 with its coefficients as parameters, and its noise has always a floor, so
that one compiled kernel serves them all. Paths begin at x = 0 and leave beyond x = 1 or x = -1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, curved_valley
from simdyn.study import Dimension, Execution, Grid, Quantity, quantity_with_interval, value_with_interval
from studies.xie2021.quantities import EXACT, MEASURED, PREDICTED, measured

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from simdyn import SGD
    from studies.xie2021.settings import Settings

DEGREE = 8
OUT = "(x >= 1) | (x <= -1)"
FLAT = 1e6
"""Floor of |H| beside which no curvature counts: the noise is the same everywhere."""
ORDINARY = (3.0, 0.5, -3.0)
"""Curvature of the minimum, barrier, curvature of the two saddles, where none of them is varied."""
DEPTH = 1.0
"""Of the landscape of three wells, which is this times x^2 (x^2 - 1)^2."""


def polynomial(coefficients: Mapping[int, float]) -> Potential:
    """The sum of c_k x^k for k = 1 ... 8; coefficients that are not given are 0."""
    names = {f"c{k}": float(coefficients.get(k, 0.0)) for k in range(1, DEGREE + 1)}
    energy = " + ".join(f"c{k}*x**{k}" for k in range(1, DEGREE + 1))
    return Potential(energy, variables="x", parameters=names, name="polynomial")


def barriers(bottom: float, height: float, top: float) -> Potential:
    """A minimum of curvature `bottom` at 0 between saddles of curvature `top` < 0 at -1 and 1."""
    matrix = np.array([[1.0, 1.0, 1.0], [4.0, 6.0, 8.0], [12.0, 30.0, 56.0]])
    wanted = np.array([height - bottom / 2, -bottom, top - bottom])
    four, six, eight = np.linalg.solve(matrix, wanted)
    return polynomial({2: bottom / 2, 4: four, 6: six, 8: eight})


def inflection(landscape: Potential) -> tuple[float, float, float]:
    """Where the curvature vanishes between 0 and 1, the slope there, and the size of the third derivative."""
    from scipy.optimize import brentq

    c = [landscape.parameters[f"c{k}"] for k in range(1, DEGREE + 1)]
    energy = np.polynomial.Polynomial([0.0, *c])
    slope, curvature, third = energy.deriv(1), energy.deriv(2), energy.deriv(3)
    x = np.linspace(0.0, 1.0, 1001)
    changes = np.flatnonzero(np.diff(np.sign(curvature(x))))
    assert len(changes) == 1, "between the minimum and a saddle lies one inflection point"
    place = float(brentq(curvature, x[changes[0]], x[changes[0] + 1]))
    return place, abs(float(slope(place))), abs(float(third(place)))


def three_wells(outer: bool) -> Potential:
    """x^2 (x^2 - 1)^2 with minima at -1, 0 and 1, seen from the middle well, or with the left one at 0."""
    whole = np.polynomial.Polynomial([0.0, 0.0, DEPTH, 0.0, -2.0 * DEPTH, 0.0, DEPTH])
    seen = whole(np.polynomial.Polynomial([-1.0, 1.0])) if outer else whole
    return polynomial({k: float(seen.coef[k]) for k in range(1, 7)})


def shaped_noise(eta: float, batch_size: float, floor: float) -> SGD:
    """SGD with noise of covariance (H^2 + floor^2)^(1/2) / B."""
    from simdyn import SGD

    return SGD(eta, batch_size, noise="hessian", floor=floor)


def level_noise(eta: float, covariance: float) -> SGD:
    """SGD with this covariance everywhere, as the limit of a large floor, for which no kernel is compiled."""
    from simdyn import SGD

    return SGD(eta, 1.0, noise="hessian", floor=FLAT, temperature=covariance / FLAT)


def line_grids(settings: Settings) -> list[Grid]:
    """Floor of the noise, bent valleys, the two curvatures, and three wells."""
    noise = Dimension("noise", ("curvature", "constant"), "", "covariance |H| / B, or the same everywhere")
    of_both = (min(settings.curvature_scale), max(settings.curvature_scale))
    return [
        Grid(
            "floor",
            "Floor of the noise",
            [
                Dimension("eta", settings.floor_rates, "", "learning rate"),
                Dimension("delta", settings.floors, "", "floor of the curvature"),
            ],
            [
                *MEASURED,
                *EXACT,
                Quantity("sde", "steps", "exact mean escape time of the SDE over the learning rate"),
                Quantity("doubled", "steps", "the same with twice its noise, as equation (2) stands"),
                Quantity("power", "", "2 mu = 4 g / (epsilon kappa) at the point without curvature"),
            ],
            f"A minimum between two equal barriers, C = (H^2 + delta^2)^(1/2) / B with eta / B = "
            f"{settings.floor_noise:g} throughout.",
        ),
        Grid(
            "curved",
            "Straight and curved valley",
            [
                Dimension("c", settings.bends, "", "bend of the valley"),
                Dimension("delta", settings.bend_floors, "", "floor of the curvature"),
            ],
            [
                Quantity("sde", "time", "exact mean time of the SDE from (-1, 0) to the line x = 1"),
                Quantity("sde_error", "time", "its numerical error"),
            ],
            f"(x^2 - 1)^2/4 + (y + c (x^2 - 1))^2, D = epsilon/2 |H|_delta with epsilon = "
            f"{settings.bend_noise:g}. Exact values alone, by finite volumes.",
        ),
        Grid(
            "paths",
            "The most probable path of a bent valley",
            [Dimension("shape", ("white", "curvature"), "", "of the noise: white, or that of |H|")],
            [
                Quantity("across", "", "largest gradient across the path over the largest gradient on it"),
                Quantity("away", "", "how far it is from the floor of the valley, at most, in y"),
            ],
            f"Path of least action of the SDE from minimum to saddle, bend {max(settings.bends):g}, floor of "
            f"|H| {max(settings.bend_floors):g}.",
        ),
        Grid(
            "barrier",
            "Curvatures of minimum and saddle at one barrier",
            [
                noise,
                Dimension("at", ("minimum", "saddle"), "", "whose curvature is varied"),
                Dimension("h", settings.curvature_scale, "", "curvature there"),
            ],
            [*MEASURED, *EXACT, PREDICTED],
            f"Barrier {settings.barrier_height:g} on either side, learning rate {settings.barrier_rate:g}; "
            f"the curvature that is not varied is {settings.barrier_curvature:g}. B = "
            f"{settings.barrier_batch_size:g} for |H| / B, and the constant covariance is "
            f"{settings.barrier_covariance:g}. Predicted: equation (7), half of it for a hit and half of "
            "that for two ways out.",
        ),
        Grid(
            "favour",
            "Flat and sharp minimum by batch size",
            [
                noise,
                Dimension("B", settings.favour_batch_sizes, "", "effective batch size"),
                Dimension("h", of_both, "", "curvature of the minimum"),
            ],
            [*MEASURED, *EXACT, PREDICTED],
            f"The same barriers, saddles of curvature {settings.barrier_curvature:g}; the constant "
            "covariance is proportional to 1 / B, too.",
        ),
        Grid(
            "wells",
            "Three wells in a row",
            [Dimension("D", settings.well_temperatures, "loss", "temperature")],
            [
                *quantity_with_interval(
                    "middle", "steps", "measured mean time from the middle well to another minimum"
                ),
                *quantity_with_interval(
                    "outer", "steps", "measured mean time from an outer well to another minimum"
                ),
                Quantity("middle_exact", "steps", "exact value of the former"),
                Quantity("outer_exact", "steps", "exact value of the latter"),
                *quantity_with_interval("share", "", "measured share of the middle well in the long run"),
                Quantity("share_exact", "", "its exact value for the SDE"),
                Quantity("share_times", "", "equation (5): times alone, as measured"),
                Quantity("share_network", "", "rates between wells and how often each is visited"),
            ],
            f"{DEPTH:g} x^2 (x^2 - 1)^2, three minima of depth 0, white noise, learning rate "
            f"{settings.well_rate:g}.",
        ),
    ]


def floor_cell(
    eta: float, delta: float, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Times of the chain, measured and exact, beside that of the SDE."""
    from simdyn import SDE, exact

    landscape = barriers(*ORDINARY)
    dynamics = shaped_noise(eta, eta / settings.floor_noise, delta)
    # Twice the noise is a quarter of the batch size.
    doubled = shaped_noise(eta, eta / settings.floor_noise / 4, delta)
    of_sde, of_doubled = (
        exact.escape_time(landscape, SDE.limit_of(one), "x=0", OUT) for one in (dynamics, doubled)
    )
    _, slope, third = inflection(landscape)
    return {
        **measured(landscape, dynamics, "x=0", OUT, settings.line_error, settings, seed, execution),
        "sde": of_sde.value / eta,
        "doubled": of_doubled.value / eta,
        "power": 4 * slope / (settings.floor_noise * third),
    }


def curved_cell(c: float, delta: float, settings: Settings) -> dict[str, Any]:
    """Time of the SDE in the plane; a straight valley is left along one coordinate."""
    from simdyn import SDE, exact

    # Only the ratio of learning rate and batch size counts for the SDE.
    sde = SDE.limit_of(shaped_noise(0.01, 0.01 / settings.bend_noise, delta))
    if c == 0:
        found = exact.escape_time(Potential("(x**2 - 1)**2/4"), sde, "x=-1", "x >= 1")
    else:
        found = exact.escape_time(curved_valley(c), sde, "x=-1,y=0", "x >= 1")
    return {"sde": found.value, "sde_error": found.error}


def path_cell(shape: str, settings: Settings) -> dict[str, Any]:
    """How far from critical the path of least action is: on a critical path no gradient is across it."""
    from simdyn import SDE, exact

    c = max(settings.bends)
    valley, shaped = (
        curved_valley(c),
        shaped_noise(0.01, 0.01 / settings.bend_noise, max(settings.bend_floors)),
    )
    # The path does not depend on the temperature, nor on the step.
    sde = SDE(1.0, step=0.01) if shape == "white" else SDE.limit_of(shaped)
    path = np.asarray(exact.minimum_action(valley, sde, "x=-1,y=0", (0.0, c)).path)
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    gradient = valley.gradient(path)
    across = gradient - (gradient * tangent).sum(axis=1, keepdims=True) * tangent
    # At its ends, where the gradient vanishes, the path has no direction to speak of.
    largest = np.linalg.norm(across[2:-2], axis=1).max()
    return {
        "across": float(largest / np.linalg.norm(gradient, axis=1).max()),
        "away": float(np.abs(path[:, 1] + c * (path[:, 0] ** 2 - 1)).max()),
    }


def barrier_problem(parameters: Mapping[str, Any], settings: Settings) -> tuple[Potential, SGD, float, float]:
    """Landscape, dynamics, and both curvatures of a cell."""
    h, other = float(parameters["h"]), settings.barrier_curvature
    bottom, top = (h, other) if parameters.get("at", "minimum") == "minimum" else (other, h)
    eta, usual = settings.barrier_rate, settings.barrier_batch_size
    size = float(parameters.get("B", usual))
    dynamics = (
        shaped_noise(eta, size, settings.barrier_floor)
        if parameters["noise"] == "curvature"
        else level_noise(eta, settings.barrier_covariance * usual / size)
    )
    return barriers(bottom, settings.barrier_height, -top), dynamics, bottom, top


def barrier_cell(
    parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Times at one barrier and two curvatures; equation (7) whatever the noise really is."""
    from simdyn import theory

    landscape, dynamics, bottom, top = barrier_problem(parameters, settings)
    place, _, _ = inflection(landscape)
    height = settings.barrier_height
    share = float(landscape.energy(np.array([place]))) / height
    eta = settings.barrier_rate
    size = float(parameters.get("B", settings.barrier_batch_size))
    formula = theory.xie2021_time(height, bottom, top, eta, size, share)
    return {
        **measured(landscape, dynamics, "x=0", OUT, settings.line_error, settings, seed, execution),
        "predicted": float(formula.value) / eta / 4,
    }


def wells_cell(D: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """How long each well keeps a path, and where paths are in the long run."""
    from simdyn import SDE, exact, simulate, theory
    from simdyn.inference import Interval, share_of

    eta = settings.well_rate
    dynamics = level_noise(eta, 2 * D / eta)
    first, second, third = seed.spawn(3)
    found: dict[str, Any] = {}
    for name, outer, child in (("middle", False, first), ("outer", True, second)):
        times = measured(
            three_wells(outer), dynamics, "x=0", OUT, settings.line_error, settings, child, execution
        )
        found |= value_with_interval(name, Interval(times["steps"], times["low"], times["high"]))
        found[f"{name}_exact"] = times["exact"]
    middle = three_wells(outer=False)
    rim = 1 / math.sqrt(3)
    law = exact.stationary_density(middle, SDE(D, step=eta))
    inside = np.abs(law.points[:, 0]) < rim
    network = theory.rate_network(middle, D)
    # As many of the slowest times as leave nothing of where the paths began.
    steps = math.ceil(12 * float(network.relaxation_time.value) / eta)
    ends = simulate(
        middle, dynamics, "x=0", paths=settings.well_paths, steps=steps, seed=third, threads=execution.threads
    )["final"].values[:, 0]
    return {
        **found,
        **value_with_interval("share", share_of(np.abs(ends) < rim)),
        "share_exact": float((law.weights * law.values)[inside].sum()),
        "share_times": found["middle"] / (found["middle"] + 2 * found["outer"]),
        "share_network": float(network.occupation.value[network.well_of([0.0])]),
    }
