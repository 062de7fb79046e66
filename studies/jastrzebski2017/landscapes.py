"""The landscapes: two wells, one valley of fixed depth, a floor between walls that steepen."""

from __future__ import annotations

import numpy as np

from potentials import FiniteSum, Potential

SHARP, FLAT = 9.0, 1.0
"""Curvatures of the two parabolas from which the wells are made."""

SAMPLES = 256
"""Of the sum over samples whose gradients differ by constants."""

_SQUARES = {1: ("(x + 1)**2", "(x - 1)**2"), 2: ("((x + 1)**2 + y**2)", "((x - 1)**2 + y**2)")}


def _wells(dim: int) -> str:
    first, second = (
        f"{curvature}*{square}/2" for curvature, square in zip(("sharp", "flat"), _SQUARES[dim], strict=True)
    )
    return f"({first} + lift + {second})/2 - sqrt(({first} - lift - {second})**2/4 + mix**2)"


def wells(lift: float, sharp: float = SHARP, flat: float = FLAT, dim: int = 1) -> Potential:
    """A sharp well around x = -1 and a flat one around x = 1: the smooth minimum of two parabolas.

    Its slope grows linearly, so that chains have a stationary law.

    Parameters
    ----------
    lift
        By how much the flat one is shallower, before the two are smoothed into one.
    sharp, flat
        Curvature of either, in all directions.
    """
    return Potential(
        _wells(dim),
        parameters={"sharp": sharp, "flat": flat, "lift": lift, "mix": 0.5},
        name="wells",
        domain=((-3.0, 5.0), (-3.0, 3.0))[:dim],
    )


def flat_is_lower(landscape: Potential, points: np.ndarray) -> np.ndarray:
    """Whether points, shape (..., d), lie in the flat well: where its parabola is the lower of the two."""
    known = landscape.parameters
    across = (points[..., 1:] ** 2).sum(axis=-1)
    first, second = (
        known[curvature] / 2 * ((points[..., 0] - place) ** 2 + across)
        for curvature, place in (("sharp", -1.0), ("flat", 1.0))
    )
    return np.asarray(known["lift"] + second < first)


def curvature_covariance() -> str:
    """An expression that is the curvature of the well one is in, over the geometric mean of the two."""
    first, second = (
        f"{curvature}*{square}/2" for curvature, square in zip(("sharp", "flat"), _SQUARES[1], strict=True)
    )
    excess = f"({first} - lift - {second})/2"
    share = f"(1 - {excess}/sqrt(({excess})**2 + mix**2))/2"
    return f"(flat + (sharp - flat)*{share})/sqrt(sharp*flat)"


def sampled_wells(lift: float, variance: float) -> FiniteSum:
    """The wells as a mean over samples: the gradients differ by constants, spread like an exponential law."""
    quantiles = -np.log(1 - (np.arange(SAMPLES) + 0.5) / SAMPLES)
    pull = quantiles - quantiles.mean()
    return FiniteSum(
        f"{_wells(1)} + pull*x",
        {"pull": pull * np.sqrt(variance / np.mean(pull**2))},
        variables=["x"],
        parameters={"sharp": SHARP, "flat": FLAT, "lift": lift, "mix": 0.5},
    )


def valley_of_depth(curvature: float) -> Potential:
    """A valley of depth 1 and width curvature^(-1/2) in a plain."""
    return Potential(
        "-exp(-curvature*x**2/2)", parameters={"curvature": curvature}, name="valley", domain=((-3.0, 3.0),)
    )


MIDDLE, SWING = 20.0, float(np.log(10.0))
"""The curvature of the walls goes from a tenth to ten times the first, as x goes from left to right."""


def wall_curvature(x: np.ndarray) -> np.ndarray:
    """Curvature across the floor."""
    return np.asarray(MIDDLE * np.exp(SWING * x / np.sqrt(1 + x**2)))


def steepening_valley(pull: float, factor: float = 1.0) -> Potential:
    """A floor along x, which is level but for a weak pull to the middle, between walls of growing curvature.

    A learning rate that is `factor` times as large along y alone is the same as one learning rate for
    u = y / factor^(1/2): u' = u - eta (dL/du + factor^(1/2) zeta) where y' = y - eta factor (dL/dy + zeta).
    So this is the landscape of (x, u).
    """
    return Potential(
        "pull*x**2/2 + middle*exp(swing*x/sqrt(1 + x**2))*factor*y**2/2",
        parameters={"pull": pull, "middle": MIDDLE, "swing": SWING, "factor": factor},
        name="steepening_valley",
        domain=((-6.0, 6.0), (-2.0, 2.0)),
    )
