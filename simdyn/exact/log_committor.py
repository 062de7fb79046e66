"""The logarithm of a chain's chance to leave before it comes back to the middle of its well, as a table."""

from __future__ import annotations

import math

import numpy as np

from simdyn.exact.chain_extent import cut_open_sides
from simdyn.exact.chain_mesh import chain_panels
from simdyn.exact.coordinates import Coordinate
from simdyn.exact.errors import NoReference, too_large
from simdyn.exact.hops import Hops
from simdyn.exact.panels import Array
from simdyn.markov import Elimination

HALF = 0.6744897501960817
"""Standard deviations to either side of the mean within which half of a Gaussian law lies."""

_STEPS_TO_REST = 100_000
_LEAST = 1e-300


def log_committor(one: Coordinate) -> tuple[Array, Array]:
    """log P(to be outside (lower, upper) before being back in the middle), from each of many points.

    The middle is where a chain linearised about its resting point spends half its time. The chance is that
    from the next point on, so that it is continuous across the rim of the middle; it counts the exits at both
    ends.

    Parameters
    ----------
    one
        A coordinate with a start that leads to a resting point.

    Returns
    -------
    points, values
        Shape (n,) each, points in ascending order; beyond the last ones the values hardly change.

    Raises
    ------
    NoReference
        No stable resting point inside, a mesh too large, or what `chain_first_passage` refuses.
    """
    low, high = _middle(one)
    update = one.update
    cut = cut_open_sides(update.mean, update.sd, one.start, one.lower, one.upper, one.breakpoints)
    edges = np.unique(np.concatenate([cut.breakpoints, [low, high]]))
    hops = Hops(cut.steps, chain_panels(cut.steps, edges, order=10, stride=3.4, reach=cut.reach))
    inside = (hops.points > low) & (hops.points < high)
    outer = np.flatnonzero(~inside)
    back = hops.transitions[:, inside].sum(axis=1)
    try:
        factors = Elimination.of(
            np.ascontiguousarray(hops.transitions[np.ix_(outer, outer)]), (hops.killing + back)[outer]
        )
    except ZeroDivisionError:
        raise too_large() from None
    chance = hops.killing + hops.transitions[:, outer] @ factors.solve(hops.killing[outer])
    order = np.argsort(hops.points)
    return hops.points[order], np.log(np.clip(chance[order], _LEAST, 1.0))


def _middle(one: Coordinate) -> tuple[float, float]:
    """Where half of the settled points lie, from the linearised chain."""
    x = np.array([one.start])
    for _ in range(_STEPS_TO_REST):
        x, last = one.update.mean(x), x
        if abs(float(x[0] - last[0])) < 1e-10 * (1.0 + abs(float(x[0]))):
            break
    rest = float(x[0])
    step = 1e-5 * (1.0 + abs(rest))
    ahead, behind = one.update.mean(np.array([rest + step, rest - step]))
    slope = float(ahead - behind) / (2 * step)
    spread = float(one.update.sd(np.array([rest]))[0])
    if not (one.lower < rest < one.upper and abs(slope) < 1 and spread > 0):
        raise NoReference("The start does not lead to a resting point with noise inside the exit.")
    half = HALF * spread / math.sqrt(1 - slope**2)
    low, high = rest - half, rest + half
    if not (one.lower < low and high < one.upper):
        raise NoReference("The noise is as wide as the well.")
    return low, high
