"""Mean and second moment of the exit time of a one-dimensional SDE, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.errors import InputError
from simdyn.exact.errors import NoReference
from simdyn.exact.extent import Extent, find_extent
from simdyn.exact.panels import Array, Function, Panels
from simdyn.exact.speed import Medium
from simdyn.results import Reference

LARGEST_LOG = 700.0
METHOD = "double quadrature of the one-dimensional exit problem (Gardiner, Stochastic Methods)"


@dataclass(frozen=True)
class Solution:
    """Logarithms of the first two moments of the exit time at the nodes and at the edges of panels.

    Attributes
    ----------
    panels
        p panels; the start is one of their edges.
    start
        Index of that edge.
    moments
        One pair (at nodes, at edges) per moment, shapes (p, n) and (p + 1,).
    """

    panels: Panels
    start: int
    moments: tuple[tuple[Array, Array], ...]

    def log_moment(self, k: int) -> float:
        """Logarithm of the k-th moment from the start, k = 1 or 2."""
        return float(self.moments[k - 1][1][self.start])


def first_passage(
    drift: Function,
    diffusion: Function,
    start: float,
    *,
    lower: float = -math.inf,
    upper: float = math.inf,
    breakpoints: Sequence[float] = (),
    moments: int = 1,
    alpha: float = 0.0,
) -> tuple[Reference, ...]:
    """Moments of the time at which dx = a(x) dt + (2 D(x))^(1/2) dW leaves (lower, upper).

    The moments solve D u'' + a u' = -1 and D v'' + a v' = -2 u with u = v = 0 at finite ends (Gardiner,
    Stochastic Methods, section 5.5). Green's function, a sum of positive terms, is integrated in logarithms,
    so that barriers of hundreds of D neither overflow nor lose digits. An infinite end is truncated where
    the stationary weight beyond it is negligible.

    Parameters
    ----------
    drift, diffusion
        a(x) and D(x), vectorised.
    start
        x0 with lower < x0 < upper.
    lower, upper
        Absorbing where finite; at least one must be.
    breakpoints
        Points where a or D jumps or has a kink.
    moments
        1 for the mean, 2 for the mean and the second moment.
    alpha
        Convention of the noise: 0 Ito, 1/2 Stratonovich, 1 Haenggi-Klimontovich; `drift` without the
        noise-induced drift alpha D'. Unlike that drift, this makes sense where D jumps.

    Returns
    -------
    tuple of Reference
        In units of time (and time squared), with errors from two resolutions.

    Raises
    ------
    InputError
        A start outside, no exit, or an infinite mean: an open side that does not confine, or D = 0 between
        the start and every exit.
    NoReference
        A value beyond double precision, or a mesh that grows too large.
    """
    coarse, fine = (
        solve(Medium(drift, diffusion, order, stride, alpha), start, lower, upper, breakpoints, moments, cut)
        for order, stride, cut in ((16, 4.0, 1e-17), (20, 2.5, 1e-20))
    )
    references = []
    for k in range(1, moments + 1):
        value, rough = fine.log_moment(k), coarse.log_moment(k)
        if value > LARGEST_LOG:
            raise NoReference(
                f"The exact escape time is about 10^{value / math.log(10):.0f}, beyond what double precision "
                "holds; raise the noise or lower the barrier."
            )
        if k == 2 and abs(value - rough) > 1e-6:
            raise NoReference(
                "The second moment of the escape time does not converge as the open side is extended, so it "
                "seems infinite; ask for the mean alone."
            )
        relative = abs(math.expm1(rough - value)) + 4 * np.finfo(float).eps * max(1.0, abs(value))
        mean = math.exp(value)
        references.append(Reference(value=mean, error=mean * float(relative), unit="time", method=METHOD))
    return tuple(references)


def solve(
    medium: Medium,
    start: float,
    lower: float,
    upper: float,
    breakpoints: Sequence[float],
    moments: int,
    cut: float,
) -> Solution:
    """One resolution of `first_passage`; open sides are truncated at a relative weight of `cut`."""
    if not lower < start < upper:
        raise InputError(f"The start {start:g} is not inside ({lower:g}, {upper:g}); move it inside.")
    if math.isinf(lower) and math.isinf(upper):
        raise InputError("There is no exit: both ends are infinite; give a finite lower or upper end.")
    extent = find_extent(medium, start, lower, upper, breakpoints, cut)
    panels = Panels(extent.edges, medium.order)
    slope, inverse = medium.sample(panels.nodes)
    phi, _ = panels.integral(slope)
    log_noise = -np.log(inverse)
    log_scale = phi - medium.alpha * log_noise
    log_speed = (medium.alpha - 1) * log_noise - phi
    found: list[tuple[Array, Array]] = []
    source = np.zeros_like(phi)
    for k in range(1, moments + 1):
        found.append(greens_integral(panels, extent, log_scale, log_speed + source))
        source = found[-1][0] + math.log(k + 1)
    return Solution(panels, int(np.searchsorted(panels.edges, start)), tuple(found))


def greens_integral(
    panels: Panels, extent: Extent, log_scale: Array, log_weight: Array
) -> tuple[Array, Array]:
    """log of the integral of Green's function times exp(log_weight), at nodes (p, n) and edges (p + 1,)."""
    if extent.lower_absorbs and extent.upper_absorbs:
        below, below_edges = panels.log_integral(log_scale)
        above, above_edges = panels.log_integral(log_scale, backwards=True)
        left, left_edges = panels.log_integral(log_weight + below)
        right, right_edges = panels.log_integral(log_weight + above, backwards=True)
        whole = below_edges[-1]
        return (
            np.logaddexp(left + above, right + below) - whole,
            np.logaddexp(left_edges + above_edges, right_edges + below_edges) - whole,
        )
    # One open side: all the weight between it and the point has to pass the point.
    outwards = extent.lower_absorbs
    reach, reach_edges = panels.log_integral(log_scale, backwards=not outwards)
    behind, behind_edges = panels.log_integral(log_weight, backwards=outwards)
    ahead, ahead_edges = panels.log_integral(log_weight + reach, backwards=not outwards)
    return np.logaddexp(behind + reach, ahead), np.logaddexp(behind_edges + reach_edges, ahead_edges)
