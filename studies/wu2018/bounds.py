"""How far Theorem 1 and its bounds carry: more than one dimension, and other ways to draw batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import FiniteSum, QuadraticSum
from simdyn.study import Dimension, Grid, Quantity, quantity_with_interval, value_with_interval

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from simdyn.study import Execution
    from studies.wu2018.settings import Settings

Array = np.ndarray

PLANE = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
"""Samples x_i of two coordinates, with the curvatures x_i x_i'."""

CURVATURES = (0.2, 0.6, 1.0, 2.2)
"""Of the four samples whose batches are drawn in several ways."""

SCHEME_RATE, SCHEME_BATCH = 0.5, 2
"""Learning rate and batch size with them."""

SCHEMES = ("without_replacement", "with_replacement", "epoch_shuffle")


def bound_grids(settings: Settings) -> list[Grid]:
    """Two coordinates, and ways to draw batches."""
    return [
        Grid(
            "plane",
            "Stability in two dimensions",
            [Dimension("eta", settings.plane_rates, "", "learning rate")],
            [
                *quantity_with_interval(
                    "growth", "", "measured factor of a step on a quadratic measure of the mean square"
                ),
                Quantity("multiplier", "", "its exact value, the spectral radius of the second moments"),
                Quantity("share", "", "s over its bound 1/eta"),
                Quantity("theorem1", "", "largest eigenvalue in Theorem 1's inequality"),
            ],
            "Three samples of two coordinates with curvatures x x', x = (1, 0), (1, 1), (0, 2); batch size "
            "1. The measure x' P x, with a positive definite P, grows in every direction by the same factor.",
        ),
        Grid(
            "scheme",
            "Ways to draw batches",
            [Dimension("sampling", SCHEMES, "", "how batches are drawn")],
            [
                *quantity_with_interval(
                    "factor", "", "measured growth of the mean square over an epoch, by step"
                ),
                Quantity("theorem1", "", "(1 - eta a)^2 + eta^2 (n - B) / (B (n - 1)) s^2"),
            ],
            f"Four samples with curvatures {', '.join(f'{a:g}' for a in CURVATURES)} in one dimension, "
            f"eta = {SCHEME_RATE:g}, B = {SCHEME_BATCH}; an epoch has two steps.",
        ),
    ]


def second_moments(eta: float) -> tuple[float, Array]:
    """The factor rho and the measure P of the plane: E[x' P x] grows by rho in a step, from every x.

    P is the leading eigenmatrix of P -> E[A' P A], A = 1 - eta x_i x_i'.
    """
    steps = np.eye(2) - eta * PLANE[:, :, None] * PLANE[:, None, :]
    values, vectors = np.linalg.eig(np.mean([np.kron(a.T, a.T) for a in steps], axis=0))
    leading = int(np.argmax(values.real))
    measure = vectors[:, leading].real.reshape(2, 2)
    return float(values[leading].real), measure / np.trace(measure)


def plane(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """One step from points all around the minimum."""
    from potentials import curvatures_at
    from simdyn import SGD, simulate, theory
    from simdyn.inference import mean_of

    landscape = FiniteSum("(u*x + v*y)**2/2", {"u": PLANE[:, 0], "v": PLANE[:, 1]}, variables=["x", "y"])
    rho, measure = second_moments(eta)
    angles = np.pi * np.arange(settings.plane_paths) / settings.plane_paths
    start = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    data = simulate(
        landscape,
        SGD(eta, 1),
        start=start,
        paths=settings.plane_paths,
        steps=1,
        seed=seed,
        threads=execution.threads,
    )
    ends = data["final"].values
    lengths = [np.einsum("ka,ab,kb->k", x, measure, x) for x in (start, ends)]
    growth = mean_of(lengths[1] / lengths[0])
    curvatures = curvatures_at(landscape, np.zeros(2))
    mean = (PLANE.T @ PLANE) / len(PLANE)
    spread = np.mean([np.outer(x, x) @ np.outer(x, x) for x in PLANE], axis=0) - mean @ mean
    return {
        **value_with_interval("growth", growth),
        "multiplier": rho,
        "share": eta * float(np.sqrt(np.linalg.eigvalsh(spread)[-1])),
        "theorem1": float(theory.theorem1(curvatures, eta).value),
    }


def scheme(sampling: str, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """An epoch of two steps from a distance of 1."""
    from simdyn import SGD, simulate
    from simdyn.inference import Interval, mean_of

    n = len(CURVATURES)
    steps = n // SCHEME_BATCH
    data = simulate(
        QuadraticSum(np.array(CURVATURES)),
        SGD(SCHEME_RATE, SCHEME_BATCH, sampling=sampling),
        start=[1.0],
        paths=settings.plane_paths,
        steps=steps,
        seed=seed,
        threads=execution.threads,
    )
    square = mean_of(data["final"].values[:, 0] ** 2)
    by_step = Interval(*(max(v, 0.0) ** (1 / steps) for v in (square.value, square.low, square.high)))
    a, s = float(np.mean(CURVATURES)), float(np.std(CURVATURES))
    share = (n - SCHEME_BATCH) / (SCHEME_BATCH * (n - 1))
    return {
        **value_with_interval("factor", by_step),
        "theorem1": (1 - SCHEME_RATE * a) ** 2 + SCHEME_RATE**2 * share * s**2,
    }
