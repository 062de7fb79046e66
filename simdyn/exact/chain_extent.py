"""Where to cut the open sides of a chain, and where its noise vanishes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.errors import InputError
from simdyn.exact.chain_mesh import chain_panels
from simdyn.exact.errors import NoReference, check_size, too_large
from simdyn.exact.hops import Hops, Steps
from simdyn.exact.panels import Array, Function
from simdyn.markov.elimination import Elimination

NEGLIGIBLE = 1e-12
NEVER = 1e-18
SCAN = 1e4


@dataclass(frozen=True)
class Cut:
    """A chain on a finite interval.

    Attributes
    ----------
    steps
        The chain with the open sides cut.
    breakpoints
        Kinks and zeros of the sd inside.
    reach
        How many sd a step may go and still matter to the mean time.
    error
        Relative error of the mean time from cutting.
    """

    steps: Steps
    breakpoints: Array
    reach: float
    error: float


def cut_open_sides(
    mean: Function,
    sd: Function,
    start: float,
    lower: float,
    upper: float,
    breakpoints: Sequence[float],
    landing: bool = False,
) -> Cut:
    """Move the open sides outwards until what lies beyond does not matter.

    A cut is good when the path reaches it before the exit with probability below `NEGLIGIBLE`, or when from
    there and from anywhere beyond, the next step leaves by the exit: steep walls throw a discrete path over
    the whole valley.

    With `landing` the point matters at which the path leaves, so that the cut has to be out of reach
    altogether, and the error is the probability to reach it.

    Raises
    ------
    NoReference
        An open side that does not confine, noise that vanishes where the chain rests, or no noise at all.
    """
    finite = [abs(end - start) for end in (lower, upper) if math.isfinite(end)]
    span = max(1e-3, *finite)
    whole = Steps(mean, sd, lower, upper, math.isfinite(lower), math.isfinite(upper))
    at_start = float(whole.law(np.array([start]))[1][0])
    sides = [end for end in (lower, upper) if math.isinf(end)]
    if not sides:
        inner = _breakpoints(whole, lower, upper, breakpoints)
        return Cut(whole, inner, _reach(whole, inner, start), 0.0)
    sign = -1.0 if math.isinf(lower) else 1.0
    home = _last_turning(whole, start, sign, span)
    distance = home + max(
        4 * at_start, 4 * float(whole.law(np.array([start + sign * home]))[1][0]), 0.1 * span
    )
    if home >= SCAN * span:
        raise _unconfined(start, sign)
    for _ in range(60):
        end = start + sign * distance
        steps = Steps(mean, sd, end if sign < 0 else lower, end if sign > 0 else upper, sign > 0, sign < 0)
        inner = _breakpoints(steps, steps.lower, steps.upper, breakpoints)
        hops = Hops(steps, chain_panels(steps, inner, order=8, stride=3.0, reach=7.0))
        visit = _visits_end(hops, start)
        lost = visit if landing else visit * min(1.0, _stays(whole, start, sign, distance))
        if lost < (NEVER if landing else NEGLIGIBLE):
            return Cut(steps, inner, _reach(steps, inner, start), lost)
        distance *= 1.5
    raise _unconfined(start, sign)


def cut_both_sides(mean: Function, sd: Function, centre: float, breakpoints: Sequence[float]) -> Cut:
    """An interval around `centre` outside of which a chain without exit is with negligible probability.

    Raises
    ------
    NoReference
        Steps that lead ever further out from somewhere (so that there is no stationary law), tails so heavy
        that no interval holds all but `NEVER` of it, or noise that vanishes.
    """
    whole = Steps(mean, sd, -math.inf, math.inf, False, False)
    spread = float(whole.law(np.array([centre]))[1][0])
    _check_return(whole, centre, spread)
    # Every place where the mean step turns is inside from the outset: a well that a rough look does not reach
    # would be cut off unseen.
    low, high = (
        centre + sign * (_last_turning(whole, centre, sign, 8 * spread) + 8 * spread) for sign in (-1.0, 1.0)
    )
    for _ in range(60):
        steps = Steps(mean, sd, low, high, False, False)
        inner = _breakpoints(steps, low, high, breakpoints)
        hops = Hops(steps, chain_panels(steps, inner, order=8, stride=3.0, reach=9.0))
        law = hops.stationary(centre)
        # What lies beyond an end, and the last sixteenth of the interval before it.
        edge = (high - low) / 16
        left = float(law[hops.points <= low + edge].sum())
        right = float(law[hops.points >= high - edge].sum())
        if left < NEVER and right < NEVER:
            return Cut(steps, inner, 9.0, 0.0)
        width = high - low
        low -= 0.25 * width * (left >= NEVER)
        high += 0.25 * width * (right >= NEVER)
    raise NoReference(
        "The discrete rule has no stationary law with tails light enough to compute it; give an exit and ask "
        "for the quasi-stationary law."
    )


def _check_return(steps: Steps, centre: float, spread: float) -> None:
    """Refuse chains that a step throws further out than they were, at any distance."""
    distance = spread * np.geomspace(1.0, 1e8, 4001)
    for sign in (-1.0, 1.0):
        mean, sd = steps.law(centre + sign * distance)
        with np.errstate(all="ignore"):
            returns = (np.abs(mean - centre) < distance) & np.isfinite(sd)
        # Inside the valley anything may happen; what counts is how it is as far out as the formula holds.
        if not returns[np.isfinite(mean)][-400:].all():
            raise NoReference(
                "The discrete rule has no stationary law: from far out each step leads further out, so that "
                "it explodes sooner or later; give an exit and ask for the quasi-stationary law, or ask for "
                "the SDE."
            )


def _unconfined(start: float, sign: float) -> NoReference:
    return NoReference(
        f"The discrete rule is not confined {'below' if sign < 0 else 'above'} x = {start:g}, so its mean "
        "escape time has no exact value here; give an exit on that side too."
    )


def _visits_end(hops: Hops, start: float) -> float:
    """Probability to be thrown beyond the open end before the exit."""
    beyond = hops.transitions[:-1, -1]
    chain = np.ascontiguousarray(hops.transitions[:-1, :-1])
    try:
        chance = Elimination.of(chain, hops.killing[:-1] + beyond).solve(beyond)
    except ZeroDivisionError:
        raise too_large() from None
    row, _ = hops.from_start(start)
    return float(row[:-1] @ chance + row[-1])


def _stays(steps: Steps, start: float, sign: float, distance: float) -> float:
    """Largest probability not to leave in the next step, over all points from the cut outwards."""
    points = start + sign * distance * np.concatenate([np.linspace(1, 4, 400), np.geomspace(4, SCAN, 400)])
    with np.errstate(all="ignore"):
        mean, sd = steps.law(points)
        usable = np.isfinite(mean) & np.isfinite(sd)
        remain = steps.below(points, steps.upper) if sign < 0 else steps.above(points, steps.lower)
    return float(remain[usable].max(initial=0.0))


def _last_turning(steps: Steps, start: float, sign: float, span: float) -> float:
    """Distance beyond which the mean step points back, as far as one can see."""
    distance = np.concatenate(
        [np.linspace(0, 50 * span, 8001), np.geomspace(50 * span, SCAN * span, 2001)[1:]]
    )
    points = start + sign * distance
    mean, _ = steps.law(points)
    with np.errstate(all="ignore"):
        outward = np.flatnonzero(np.isfinite(mean) & (sign * (mean - points) >= 0))
    return 0.0 if not outward.size else float(distance[min(outward[-1] + 1, len(distance) - 1)])


def _breakpoints(steps: Steps, lower: float, upper: float, given: Sequence[float]) -> Array:
    """Given kinks, and the zeros of the sd, of which none may be a resting point of the mean step."""
    grid = np.linspace(lower, upper, 4001)[1:-1]
    zeros = dips(lambda x: steps.law(x)[1], grid)
    if np.all(steps.law(grid)[1] == 0):
        raise NoReference(
            "The rule has no noise, so that it never escapes over a barrier; there is no mean to compute."
        )
    for zero in zeros:
        moved = float(steps.law(np.array([zero]))[0][0]) - zero
        if abs(moved) < 1e-6 * (upper - lower):
            raise NoReference(
                f"The noise vanishes at x = {zero:.6g}, where the mean step stands still, so that paths "
                "freeze there; give the noise a floor."
            )
    known = np.asarray(given, dtype=float)
    near = 1e-7 * (upper - lower)
    new = [zero for zero in zeros if not known.size or np.abs(known - zero).min() > near]
    return np.unique(np.concatenate([known, np.asarray(new, dtype=float)]))


def dips(function: Function, grid: Array) -> Array:
    """Interior points where a non-negative function falls to zero between the points of a grid."""
    values = function(grid)
    if np.any(values < 0):
        raise InputError(f"The noise is negative at x = {grid[np.argmax(values < 0)]:.6g}; it must not be.")
    found = []
    for i in np.flatnonzero((values[1:-1] <= values[:-2]) & (values[1:-1] < values[2:])) + 1:
        low, high = grid[i - 1], grid[i + 1]
        ratio = (math.sqrt(5) - 1) / 2
        for _ in range(90):
            one, two = high - ratio * (high - low), low + ratio * (high - low)
            if function(np.array([one]))[0] <= function(np.array([two]))[0]:
                high = two
            else:
                low = one
        where = 0.5 * (low + high)
        # The square of the sd is what is smooth: a root of it leaves sd at the root of a rounding.
        if function(np.array([where]))[0] ** 2 <= 1e-12 * float(np.median(values)) ** 2:
            found.append(where)
    return np.array(found)


def _reach(steps: Steps, breakpoints: Array, start: float) -> float:
    """How many sd a single step may go and still matter, from a rough mean time."""
    hops = Hops(steps, chain_panels(steps, breakpoints, order=8, stride=3.0, reach=7.0))
    row, _ = hops.from_start(start)
    rough = 1.0 + float(row @ hops.elimination.solve(np.ones(len(hops.points))))
    check_size(rough)
    return math.sqrt(2 * math.log(rough) + 50)
