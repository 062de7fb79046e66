"""A few paths ahead of a measurement, to see whether it can find anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simdyn.dynamics import Rule
from simdyn.engines import Tally, engine_for
from simdyn.estimators.direct import Progress
from simdyn.exits import Exit
from simdyn.noise import Seed

SHARE_AT_FIRST = 0.01
"""Of the paths of the measurement, which is what a pilot costs where paths do escape, at most."""

_MOST_AT_FIRST = 1_000_000
"""No more of them tell more, and their records are in memory at the same time."""

_FIRST_STEPS = 1_000


@dataclass(frozen=True)
class Pilot:
    """How many of a few paths ended, by escape or by blowing up, within how many steps."""

    paths: int
    ended: int
    steps: int


def run_pilot(
    update: Rule,
    exit: Exit,
    start: np.ndarray,
    *,
    paths: int,
    enough: int,
    max_steps: int,
    seed: Seed = 0,
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    report: Callable[[Progress], None] | None = None,
) -> Pilot:
    """Follow a hundredth of the paths until one ends; if none does in all its steps, follow `enough` of them.

    The budget of the hundredth is raised step by step, so that little is spent where paths escape soon. They
    are paths beyond those of the measurement: what it finds does not depend on what they did.

    Parameters
    ----------
    update, exit, start
        The dynamics on its landscape, what counts as leaving, and where to begin, shape (d,).
    paths, max_steps
        Of the measurement.
    enough
        Number of paths to follow when the first have shown nothing.
    seed, threads, dtype, normals
        See the engine.
    report
        Called about ten times a second, and when paths have taken their steps.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C; there is nothing to keep.
    """
    few = max(1, min(round(SHARE_AT_FIRST * paths), _MOST_AT_FIRST))
    engine = engine_for("cpu", update, exit, dtype=dtype, noise=normals, threads=threads)

    def ended(first: int, count: int, steps: int) -> int:
        tell = None if report is None else lambda tally: report(Progress(tally, count, "pilot"))
        records = engine.first_passage(
            start, paths=count, max_steps=steps, seed=seed, first_path=first, report=tell
        )
        if not records.complete:
            raise KeyboardInterrupt
        if tell is not None:
            tell(records.tally)
        tally: Tally = records.tally
        return tally.events + tally.diverged

    steps = min(_FIRST_STEPS, max_steps)
    while not (found := ended(paths, few, steps)) and steps < max_steps:
        steps = min(4 * steps, max_steps)
    if found or enough <= few:
        return Pilot(few, found, steps)
    return Pilot(enough, ended(paths + few, enough - few, max_steps), max_steps)
