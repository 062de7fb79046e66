"""The score by which splitting ranks paths when nobody gives one."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from simdyn.dynamics import Rule, Update
from simdyn.estimators.landing_score import Table, landing_score
from simdyn.exits import Exit, Score, progress

COMMITTOR = "committor of the discrete chain, within steps"


def automatic_score(update: Rule, exit: Exit, start: np.ndarray) -> Score:
    """The committor of a discrete chain whose noise depends on the state, else the share of the way.

    Where the noise is strong a path leaps, and the way out need not lead towards the exit: with noise like
    the curvature it first climbs the outer wall. The committor of each coordinate knows that.
    """
    way = progress(exit, start)
    if not isinstance(update, Update) or update.unit == "time" or not update.noisy or update.additive:
        return way
    # What computes committors takes long to import.
    from simdyn.exact import NoReference
    from simdyn.exact.coordinates import Laws, coordinate
    from simdyn.exact.log_committor import log_committor

    box = exit.box() if update.factorised else None
    if box is None:
        return way
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
        return way
    return landing_score(update, tables, COMMITTOR)
