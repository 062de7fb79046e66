"""How far apart the looks of a long run may be: as rare as costs little, rarer where nothing is lost by it.

Of a series whose correlations are exp(-k / t), the mean of every s-th value of a long run has a variance
(s / tau) coth(s / tau) times that of the mean of all of them, where tau = 2 t is the integrated time: 2.1 %
more at s = tau / 4, 0.5 % at s = tau / 8, and s / tau times as much where values are forgotten between looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.dynamics import MinibatchUpdate, Rule
from simdyn.inference import memory_of
from simdyn.noise import Seed
from simdyn.recorders import Ensemble, Quantity, Schedule, SnapshotsRecorder, run_ensemble
from simdyn.recorders.run import Engine

Array = np.ndarray

_LOOK = 60
"""Steps of the cheapest rule, the double well's, that a look costs on a line or in many dimensions."""

_LOOK_IN_PLANE = 150
"""The same in two dimensions, with their joint law and basins of any shape."""

_COST = 0.2
"""Share of the run that looks may add."""

_GROUP = 64

_CLOSE = 4
"""Looks in an integrated time that lose next to nothing."""

_PILOT_PATHS = 32
_PILOT_LOOKS = 512
_RAREFIED = 4
"""Each pilot is so many times longer than the one before, with as many looks."""

_PILOT_SHARE = 1 / 16
"""Of the work of the run, for all pilots together."""

_BRANCH = 0x100C
"""Child of the run's seed whose paths are those of the pilot."""


@dataclass(frozen=True)
class LookSpacing:
    """Steps between looks, and what they were chosen by.

    Attributes
    ----------
    every
        Steps between looks.
    memory
        The shortest integrated autocorrelation time of what is watched, around the mean of each path, in
        steps; None where the spacing was given, or the pilot too short to tell.
    pilot_paths, pilot_steps
        Of the pilot; 0 where there was none.
    """

    every: int
    memory: float | None = None
    pilot_paths: int = 0
    pilot_steps: int = 0

    @property
    def loss(self) -> float | None:
        """Variance of means over that of looks at every step, less 1, for correlations that decay like an
        exponential."""
        return None if self.memory is None else thinning_loss(self.every, self.memory)


def thinning_loss(every: int, memory: float) -> float:
    """Relative gain in variance of the mean of every n-th value of a series over that of all of them.

    With integrated time tau = (1 + r) / (1 - r) and so r = (tau - 1) / (tau + 1), that of every n-th value is
    n (1 + r^n) / (1 - r^n) steps.
    """
    if memory <= 1.0:
        return every / memory - 1.0
    power = ((memory - 1.0) / (memory + 1.0)) ** every
    return every * (1.0 + power) / (1.0 - power) / memory - 1.0


def least_spacing(update: Rule) -> int:
    """The closest looks that cost at most a fifth of the cheapest rule of that dimension.

    A step that goes through samples is so many times dearer.
    """
    look = _LOOK_IN_PLANE if update.dim == 2 else _LOOK
    samples = 1.0
    if isinstance(update, MinibatchUpdate):
        samples = float(update.batch_size if update.noise == "minibatch" else update.potential.size)
    least = math.ceil(look / _COST / max(1.0, samples))
    # Whole groups of steps, of which a look inside breaks up one.
    return least if least < _GROUP else -(-least // _GROUP) * _GROUP


def chosen_spacing(
    update: Rule,
    quantities: Sequence[Quantity],
    starts: Array,
    engine: Engine,
    *,
    most: int,
    limit: int,
    dtype: np.dtype,
    seed: Seed,
) -> LookSpacing:
    """The spacing by a pilot on a branch of the seed: nothing but the problem and the seed decides.

    Parameters
    ----------
    update, quantities, starts
        The rule, what is watched, and where paths begin, shape (paths, d).
    most
        The largest spacing that leaves enough looks.
    limit
        The largest number of steps of the run, of which the pilot does a small share of the work.
    """
    least = least_spacing(update)
    if 2 * least > most:
        # A short run: as close as it takes to have enough looks.
        while least > most:
            least = max(1, least // 2)
        return LookSpacing(least)
    few = starts[:: max(1, len(starts) // _PILOT_PATHS)][:_PILOT_PATHS]
    budget = int(_PILOT_SHARE * limit * len(starts) / len(few))
    parent = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(int(seed))
    branch = np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, _BRANCH))
    state = np.array(update.at_rest(few).T, dtype=dtype, order="C")
    dim, every, done = starts.shape[1], 1, 0
    names = tuple(str(i) for i in range(dim))
    memory = None
    while memory is None and _PILOT_LOOKS * every <= budget:
        schedule = Schedule(_PILOT_LOOKS * every, every)
        recorder = SnapshotsRecorder(Ensemble(len(few), names, dtype), schedule)
        recorder.begin()
        run = run_ensemble(
            engine, state, schedule, [recorder], dim=dim, seed=branch, threads=1, first_step=done
        )
        if run.steps_done < schedule.steps:
            raise KeyboardInterrupt
        done = schedule.steps
        late = recorder.variables(schedule.looks)["snapshots"][1][_PILOT_LOOKS // 2 :]
        memory = _shortest(late, quantities, every)
        every *= _RAREFIED
    wanted = 0.0 if memory is None else memory / _CLOSE
    spacing = least
    while 2 * spacing <= min(wanted, most):
        spacing *= 2
    return LookSpacing(spacing, memory, len(few), done)


def _shortest(states: Array, quantities: Sequence[Quantity], every: int) -> float | None:
    """The shortest memory of the quantities in steps, or None while none can be told.

    Around the mean of each path: how long paths stay in a basin says nothing of how often they have to be
    looked at there.
    """
    found = []
    looks, paths, dim = states.shape
    flat = states.reshape(-1, dim).T.astype(np.float64)
    for quantity in quantities:
        with np.errstate(all="ignore"):
            series = np.asarray(quantity.values(flat)).reshape(looks, paths).T
        series = series[np.isfinite(series).all(axis=1)]
        if not len(series):
            continue
        memory = memory_of(series - series.mean(axis=1, keepdims=True))
        # A constant has no memory, and what is forgotten within a look none that can be seen.
        if memory.resolved and memory.error > 0.0:
            # To take away a path's own mean takes tau / looks off every correlation that is summed.
            lost = (2 * memory.window + 1) / looks
            found.append(max(1.0, memory.time / (1.0 - lost)) * every)
    return min(found) if found else None
