"""The score by which splitting ranks paths when nobody gives one."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from potentials import CriticalPoint, DriftField, InputError, Potential, Valley
from potentials.descent import ways_down
from simdyn.dynamics import Rule, Update
from simdyn.estimators.climb_score import climb_score
from simdyn.estimators.landing_score import Table, landing_score
from simdyn.exits import Exit, Score, progress

COMMITTOR = "committor of the discrete chain, within steps"

MOST_COORDINATES, MOST_SADDLES = 10, 4
"""Up to which a score looks for the ways to saddles: each is eight points in so many coordinates."""

_BEYOND = 1e-3


def automatic_score(update: Rule, exit: Exit, start: np.ndarray, potential: Potential | DriftField) -> Score:
    """A committor, or the height on the way to a saddle, or the share of the way to the exit.

    The committor is for independent coordinates of a discrete chain whose noise depends on the state: where
    the noise is strong a path leaps, and the way out need not lead towards the exit. With noise like the
    curvature it first climbs the outer wall, and the committor of each coordinate knows that. The height is
    for coupled coordinates, where the way to a saddle bends.
    """
    found = _committor(update, exit, start) or _climb(update, exit, start, potential)
    return found or progress(exit, start)


def _climb(update: Rule, exit: Exit, start: np.ndarray, potential: Potential | DriftField) -> Score | None:
    if not isinstance(potential, Potential) or not 2 <= potential.dim <= MOST_COORDINATES:
        return None
    if exit.box() is not None and potential.separable:
        return None
    try:
        valley = exit.valley or potential.valley(start)
    except InputError:
        return None
    saddles = [saddle for saddle in valley.saddles if _leads_out(potential, valley, saddle, exit)]
    if not 1 <= len(saddles) <= MOST_SADDLES:
        return None
    return climb_score(potential, valley.minimum, saddles)


def _leads_out(potential: Potential, valley: Valley, saddle: CriticalPoint, exit: Exit) -> bool:
    """Whether the way down beyond a saddle ends outside."""
    if exit.valley is not None and exit.kind == "hit":
        return True
    scale = float(np.linalg.norm(saddle.x - valley.minimum.x))
    outwards = np.linalg.eigh(saddle.hessian)[1][:, 0]
    sides = saddle.x + _BEYOND * scale * np.stack([outwards, -outwards])
    ends = ways_down(potential, sides, scale)
    home = np.linalg.norm(ends - valley.minimum.x, axis=1) < _BEYOND * scale
    far = ends[~home & np.isfinite(ends).all(axis=1)]
    return bool((exit.channel_of(far) >= 0).any())


def _committor(update: Rule, exit: Exit, start: np.ndarray) -> Score | None:
    if not isinstance(update, Update) or update.unit == "time" or not update.noisy or update.additive:
        return None
    box = exit.box() if update.factorised else None
    if box is None:
        return None
    # What computes committors takes long to import.
    from simdyn.exact import NoReference
    from simdyn.exact.coordinates import Laws, coordinate
    from simdyn.exact.log_committor import log_committor

    tables: dict[int, Table] = {}
    of_kind: dict[Hashable, Table] = {}
    laws: Laws = {}
    try:
        for i, (x0, lower, upper) in enumerate(zip(start, *box, strict=True)):
            if np.isinf(lower) and np.isinf(upper):
                continue
            one = coordinate(update, i, float(x0), float(lower), float(upper), laws)
            if one.key not in of_kind:
                of_kind[one.key] = log_committor(one)
            tables[i] = of_kind[one.key]
    except NoReference:
        return None
    return landing_score(update, tables, COMMITTOR)
