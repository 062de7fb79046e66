"""Laws of a discrete Gaussian chain: stationary, quasi-stationary, spectral gap; which exit comes first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simdyn.exact.chain import METHOD, Chain
from simdyn.exact.chain_extent import Cut, cut_both_sides
from simdyn.exact.chain_mesh import chain_panels
from simdyn.exact.curves import Density
from simdyn.exact.errors import alike_modes
from simdyn.exact.hops import Hops
from simdyn.exact.panels import Array, Function
from simdyn.results import Reference

MAX_ITERATIONS = 4000
CONVERGED = 1e-15
LEVELS = ((10, 3.4, 0.0), (12, 2.8, 1.0))
"""Order, stride and more reach of the coarse and of the fine mesh."""


def chain_committor(
    mean: Function, sd: Function, start: float, *, lower: float, upper: float, breakpoints: Sequence[float]
) -> Reference:
    """Probability that the first point of x' ~ N(mean(x), sd(x)^2) outside (lower, upper) is above.

    Parameters and errors as in `chain_first_passage`.
    """
    coarse, fine, cutting = Chain(mean, sd, start, lower, upper, tuple(breakpoints)).discretised()

    def above(hops: Hops) -> float:
        row, _ = hops.from_start(start)
        chance = hops.elimination.solve(hops.steps.above(hops.points, upper))
        return float(row @ chance) + float(hops.steps.above(np.array([start]), upper)[0])

    value = above(fine)
    error = abs(above(coarse) - value) + cutting + 1e-13 * value
    return Reference(value=value, error=error, unit="1", method=METHOD)


def chain_stationary(mean: Function, sd: Function, centre: float, breakpoints: Sequence[float]) -> Density:
    """Stationary density of x' ~ N(mean(x), sd(x)^2), which `centre` should be a typical point of.

    Raises
    ------
    NoReference
        No stationary law, or a mesh too large.
    """
    cut = cut_both_sides(mean, sd, centre, breakpoints)
    coarse, fine = (_hops(cut, *level) for level in LEVELS)
    return _density(fine, fine.stationary(centre), coarse, coarse.stationary(centre), 1.0, METHOD)


def chain_spectral_gap(
    mean: Function, sd: Function, centre: float, breakpoints: Sequence[float]
) -> Reference:
    """1 - |lambda_2| of x' ~ N(mean(x), sd(x)^2), per step.

    The eigenvalue next to 1 comes from powers of the inverse of I - K on functions of mean zero, which keeps
    a small gap relatively accurate; that no other one is larger in modulus is checked.

    Raises
    ------
    NoReference
        No stationary law, or a mesh too large.
    """
    cut = cut_both_sides(mean, sd, centre, breakpoints)
    coarse, fine = (_gap(_hops(cut, *level), centre) for level in LEVELS)
    return Reference(
        value=fine, error=abs(fine - coarse) + 1e-13 * fine, unit="1/steps", method=f"{METHOD}; second mode"
    )


def chain_quasi_stationary(
    mean: Function, sd: Function, start: float, *, lower: float, upper: float, breakpoints: Sequence[float]
) -> tuple[Reference, Density]:
    """Exit probability per step in the long run, and the density of the chain that is still inside.

    Parameters and errors as in `chain_first_passage`.
    """
    coarse, fine, cutting = Chain(mean, sd, start, lower, upper, tuple(breakpoints)).discretised()
    (rough, rough_law), (rate, law) = (_slowest(hops) for hops in (coarse, fine))
    method = f"{METHOD}; slowest mode"
    error = abs(rough - rate) + (cutting + 1e-13) * rate
    density = _density(fine, law, coarse, rough_law, 1.0 - rate, method)
    return Reference(value=rate, error=error, unit="1/steps", method=method), density


def _hops(cut: Cut, order: int, stride: float, more: float) -> Hops:
    panels = chain_panels(cut.steps, cut.breakpoints, order=order, stride=stride, reach=cut.reach + more)
    return Hops(cut.steps, panels)


def _slowest(hops: Hops) -> tuple[float, Array]:
    """1 - lambda and the masses of the left eigenvector of K to its largest eigenvalue lambda."""
    law = np.full(len(hops.points), 1.0 / len(hops.points))
    last = math.inf
    for _ in range(MAX_ITERATIONS):
        law = hops.elimination.solve_left(law)
        growth = float(law.sum())
        law /= growth
        if abs(growth / last - 1) < CONVERGED:
            return 1.0 / growth, law
        last = growth
    raise alike_modes()


def _gap(hops: Hops, centre: float) -> float:
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    law = hops.stationary(centre)
    dense = hops.corrected()
    # Dominant in modulus, the constant apart: tells whether the gap is that of a slow mode at all.
    deflated = dense - np.ones((len(law), 1)) * law
    start = np.cos(np.arange(len(law)))
    try:
        second = eigs(deflated, k=1, which="LM", v0=start, return_eigenvectors=False)[0]
    except ArpackNoConvergence:
        raise alike_modes() from None
    modulus = float(abs(second))
    if second.real < 0.5 * modulus or abs(second.imag) > 1e-9 * modulus:
        return 1.0 - modulus
    mode = hops.points - law @ hops.points
    last = math.inf
    for _ in range(MAX_ITERATIONS):
        larger = hops.mean_zero_solution(mode, law, centre)
        growth = float(law @ (larger * mode)) / float(law @ (mode * mode))
        mode = larger / np.sqrt(law @ (larger * larger))
        if abs(growth / last - 1) < 10 * CONVERGED:
            break
        last = growth
    return min(1.0 / growth, 1.0 - modulus) if 1.0 - modulus < 0.9 / growth else 1.0 / growth


def _density(fine: Hops, law: Array, coarse: Hops, rough: Array, decay: float, method: str) -> Density:
    """One more step makes a smooth density out of the masses of the states."""

    def at(x: Array) -> Array:
        inside = (x[:, 0] >= fine.steps.lower) & (x[:, 0] <= fine.steps.upper)
        return np.where(inside, fine.density_of(law, x[:, 0]) / decay, 0.0)

    nodes = fine.panels.nodes.ravel()
    values = fine.density_of(law, nodes) / decay
    error = np.abs(coarse.density_of(rough, nodes) / decay - values).max() + 1e-13 * values.max()
    return Density(
        points=nodes[:, None],
        weights=fine.panels.weights.ravel(),
        values=values,
        error=float(error),
        method=method,
        edges=fine.panels.edges,
        _at=at,
    )
