"""Paths on their way out: from the last time they are near the minimum until they have left.

Nothing of a measurement's paths was stored but where and under which number each of them began: its noise is
a function of that number and of the step, so its course can be gone through again, to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simdyn.dynamics import Rule
from simdyn.dynamics.portions import PLACE, in_portions
from simdyn.engines import watching_engine
from simdyn.errors import InputError
from simdyn.estimators.direct import DirectMeasurement
from simdyn.estimators.hill import SplittingMeasurement
from simdyn.estimators.measurement import Measurement
from simdyn.estimators.splitting import SCORE, Splitter
from simdyn.exits import Exit, Score
from simdyn.noise import Seed

if TYPE_CHECKING:
    from simdyn.engines.backends import WatchingEngine

_SETTLING = 1_000
"""Paths whose settled scores say how far the neighbourhood of the minimum reaches."""

_WINDOW = 4_000_000
"""Numbers that are held at a time while paths are gone through."""


@dataclass(frozen=True)
class Setting:
    """What the paths of a measurement were paths of.

    Attributes
    ----------
    update, exit, start, score, relaxation
        The problem, as for `measure_by_splitting`.
    seed, dtype, normals, threads
        How paths were computed.
    """

    update: Rule
    exit: Exit
    start: np.ndarray
    score: Score
    relaxation: int
    seed: Seed
    dtype: str
    normals: str
    threads: int | None


@dataclass(frozen=True)
class ReactivePaths:
    """A sample of transition paths.

    Attributes
    ----------
    points
        Of each path the points, shape (steps + 1, d): from the last one within the neighbourhood of the
        minimum to the first one beyond the exit.
    weights
        Shares of the paths, shape (n,), which add up to 1.
    runs
        The run of splitting, or the number of the path in direct simulation, shape (n,): paths of different
        runs are independent.
    channels
        The channel of the exit that each path took, counted from 0, shape (n,).
    inner
        The neighbourhood of the minimum is where the score is at most this.
    """

    points: list[np.ndarray]
    weights: np.ndarray
    runs: np.ndarray
    channels: np.ndarray
    inner: float


def sample_reactive_paths(
    measurement: Measurement, setting: Setting, paths: int, inner: float | None = None
) -> ReactivePaths:
    """Transition paths of a measurement, evenly picked by weight.

    The runs of splitting count by their probabilities, the surviving replicas of a run equally, and so do the
    escapes of direct simulation.

    Parameters
    ----------
    measurement, setting
        What was found, and for what.
    paths
        How many to pick; those picked twice are given once, with twice the weight.
    inner
        Score up to which a point is near the minimum; by default that of half of all settled points.

    Raises
    ------
    InputError
        No escapes, an interrupted run, or a neighbourhood smaller than splitting's.
    """
    update = setting.update
    portions = setting.score.portions
    engine = watching_engine(
        in_portions(update, portions),
        setting.exit,
        setting.score,
        dtype=setting.dtype,
        noise=setting.normals,
        threads=setting.threads,
    )
    if isinstance(measurement, SplittingMeasurement):
        return _of_splitting(measurement, engine, setting.seed, paths, inner, portions)
    assert isinstance(measurement, DirectMeasurement)
    first = setting.score.at(setting.exit.variables, setting.start)
    start = np.concatenate([update.at_rest(setting.start), [first, first, math.inf, -math.inf]])
    if inner is None:
        if setting.relaxation < 1:
            raise InputError(
                "The start lies in the valley of no stable minimum, so that nothing says what is near it; "
                "give the score up to which a point is."
            )
        splitter = Splitter(engine, setting.exit, setting.relaxation, setting.seed)
        inner, _ = splitter.levels(np.tile(start, (_SETTLING, 1)))
    return _of_direct(measurement, engine, setting.seed, start, paths, inner)


def _of_splitting(
    measurement: SplittingMeasurement,
    engine: WatchingEngine,
    seed: Seed,
    paths: int,
    inner: float | None,
    portions: int,
) -> ReactivePaths:
    law, runs = measurement.law, measurement.runs
    if inner is not None and inner < law.inner:
        raise InputError(
            f"inner is {inner:g}, but splitting kept paths only from their last point with a score of at "
            f"most {law.inner:.6g}; give at least that."
        )
    inner = law.inner if inner is None else inner
    of_run = np.bincount(runs.run_of, minlength=len(runs.probability))
    picked, weights = _evenly(runs.probability[runs.run_of] / of_run[runs.run_of], paths)
    lineage = runs.lineage
    lines = [lineage.line(int(replica)) for replica in picked]
    entrances, entered = np.unique(lineage.entrances[picked], return_inverse=True)
    approaches = _gone_through(
        engine,
        law.origins[entrances],
        law.numbers[entrances],
        law.approach_steps[entrances],
        seed,
        inner,
    )
    needed: dict[int, int] = {}
    for line in lines:
        for stretch, steps in line:
            needed[stretch] = max(steps, needed.get(stretch, 0))
    stretches = np.array(list(needed), dtype=np.int64)
    courses = _gone_through(
        engine,
        lineage.states[stretches],
        lineage.numbers[stretches],
        np.array(list(needed.values()), dtype=np.int64),
        seed,
    )
    place = {int(stretch): n for n, stretch in enumerate(stretches)}
    dim = engine.update.dim
    points = []
    for replica, line, entrance in zip(picked, lines, entered, strict=True):
        parts = [approaches[entrance]]
        # A stretch begins with the point that ended the one before.
        parts += [courses[place[stretch]][1 : steps + 1] for stretch, steps in line]
        course = _from_last_visit(np.concatenate(parts), inner, runs.states[replica, :dim])
        points.append(course if portions == 1 else _whole_steps(course))
    return ReactivePaths(points, weights, runs.run_of[picked], runs.codes[picked] - 1, inner)


def _of_direct(
    measurement: DirectMeasurement,
    engine: WatchingEngine,
    seed: Seed,
    start: np.ndarray,
    paths: int,
    inner: float,
) -> ReactivePaths:
    records = measurement.records
    if not records.complete:
        raise InputError("The run was interrupted, so that its paths have lost their numbers; run it again.")
    escaped = np.flatnonzero(records.exited)
    picked, weights = _evenly(np.ones(len(escaped)), paths)
    numbers = escaped[picked]
    courses = _gone_through(
        engine, np.tile(start, (len(numbers), 1)), numbers, records.steps[numbers], seed, inner
    )
    points = [
        _from_last_visit(course, inner, records.state[number])
        for course, number in zip(courses, numbers, strict=True)
    ]
    return ReactivePaths(points, weights, numbers, records.code[numbers] - 1, inner)


def _evenly(weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places picked at even distances along the weights laid end to end, and each one's share."""
    if len(weights) == 0 or not weights.sum() > 0:
        raise InputError("No path has escaped, so there is none to show; take more paths or more steps.")
    reached = np.cumsum(weights)
    evenly = (np.arange(count) + 0.5) / count * reached[-1]
    picked, times = np.unique(np.searchsorted(reached, evenly), return_counts=True)
    return picked, times / count


def _from_last_visit(course: np.ndarray, inner: float, end: np.ndarray) -> np.ndarray:
    """A course from the last point near the minimum on, without the scores."""
    if not np.array_equal(course[-1, : len(end)], end):
        raise InputError(
            "The paths do not come to where they ended before: another version of simdyn, or another kind of "
            "machine, has measured this; measure again here."
        )
    near = np.flatnonzero(course[:, -1] <= inner)
    return course[near[-1] if len(near) else 0 :, :-1]


def _whole_steps(course: np.ndarray) -> np.ndarray:
    """The points between steps of a course that was taken in portions, the last column of which says how many
    of them have been drawn; the first point is where its step began."""
    between = course[:, -1] == 0
    between[0] = True
    return course[between, :-1]


def _gone_through(
    engine: WatchingEngine,
    states: np.ndarray,
    numbers: np.ndarray,
    steps: np.ndarray,
    seed: Seed,
    inner: float | None = None,
) -> list[np.ndarray]:
    """Points and scores along paths, each of shape (steps + 1, d + 1); with `inner` only from the last point
    of at most that score on. Between them, for steps in portions, how many of them have been drawn."""
    dim, variables = engine.update.dim, engine.update.variables
    place = [variables.index(PLACE)] if PLACE in variables else []
    order = np.argsort(-steps, kind="stable")
    x = np.array(np.asarray(states, dtype=engine.dtype)[order].T, order="C")
    rows = [*range(dim), *place, len(x) + SCORE]
    parts = [[x[rows, column][None]] for column in range(x.shape[1])]
    limit = steps[order]
    done, active = 0, int(np.count_nonzero(limit > 0))
    while active:
        x = np.ascontiguousarray(x[:, :active])
        span = int(min(limit[0] - done, max(16, _WINDOW // (len(rows) * active))))
        window = np.empty((span, len(rows), active), dtype=x.dtype)
        retraced = engine.retrace(x, numbers[order[:active]], steps=span, first_step=done, seed=seed)
        for step, seen in retraced:
            window[step - done - 1] = seen[rows]
        for column in range(active):
            part = window[: limit[column] - done, :, column]
            if inner is not None and len(near := np.flatnonzero(part[:, -1] <= inner)):
                parts[column].clear()
                part = part[near[-1] :]
            parts[column].append(part.copy())
        done += span
        active = int(np.count_nonzero(limit > done))
    found: list[np.ndarray] = [np.empty(0)] * len(order)
    for column, path in enumerate(order):
        found[path] = np.concatenate(parts[column])
    return found
