"""Which of two ends a one-dimensional SDE reaches first, by quadrature of its scale function."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simdyn.errors import InputError
from simdyn.exact.extent import find_extent
from simdyn.exact.panels import Function, Panels
from simdyn.exact.speed import Medium
from simdyn.results import Reference

METHOD = "quadrature of the scale function of the one-dimensional SDE"


def splitting_probability(
    drift: Function,
    diffusion: Function,
    start: float,
    *,
    lower: float,
    upper: float,
    breakpoints: Sequence[float] = (),
    alpha: float = 0.0,
) -> Reference:
    """Probability that dx = a(x) dt + (2 D(x))^(1/2) dW reaches `upper` before `lower`.

    The scale function is integrated in logarithms, so that a probability of 1e-300 has all its digits. An
    end behind a point without noise that the drift points away from is never reached.

    Parameters
    ----------
    drift, diffusion, breakpoints, alpha
        As in `first_passage`.
    start
        x0 with lower < x0 < upper.
    lower, upper
        Both finite.

    Raises
    ------
    InputError
        A start outside, an infinite end, or neither end within reach.
    NoReference
        A mesh that grows too large.
    """
    if not lower < start < upper:
        raise InputError(f"The start {start:g} is not inside ({lower:g}, {upper:g}); move it inside.")
    if math.isinf(lower) or math.isinf(upper):
        raise InputError("A splitting probability needs two finite ends; give both.")
    fine, coarse = (
        _probability(Medium(drift, diffusion, order, stride, alpha), start, lower, upper, breakpoints)
        for order, stride in ((20, 2.5), (16, 4.0))
    )
    return Reference(
        value=fine, error=abs(fine - coarse) + 8 * np.finfo(float).eps * fine, unit="1", method=METHOD
    )


def _probability(
    medium: Medium, start: float, lower: float, upper: float, breakpoints: Sequence[float]
) -> float:
    extent = find_extent(medium, start, lower, upper, breakpoints, 1e-20)
    if not (extent.lower_absorbs and extent.upper_absorbs):
        return float(extent.upper_absorbs)
    panels = Panels(extent.edges, medium.order)
    slope, inverse = medium.sample(panels.nodes)
    phi, _ = panels.integral(slope)
    _, below = panels.log_integral(phi + medium.alpha * np.log(inverse))
    return math.exp(below[np.searchsorted(panels.edges, start)] - below[-1])
