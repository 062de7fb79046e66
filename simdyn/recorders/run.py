"""Advances an ensemble and shows it to recorders as it goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simdyn.engines.device import OnDevice
from simdyn.noise import Seed
from simdyn.recorders.ensemble import Progress, Schedule
from simdyn.recorders.observation import Observation, Observer, Step, StepRecorder
from simdyn.recorders.pairs import LEAF

_ROUND_SECONDS = 0.2
"""How long a round should last: short enough for a prompt Ctrl-C and a lively progress bar."""

_CHUNK_NUMBERS = 1 << 16
"""Numbers of the state of the paths that are advanced and looked at together: they stay in the cache."""

_ROUND_STEPS = 8
"""Steps of the first round, and what the length of every round is a multiple of: whole groups of steps."""

_WORTHWHILE_STEPS = 128
"""A round of no more steps may last up to `_LONGEST_SECONDS`: to fetch a path from memory and put it back
takes as long as a step or two, which large ensembles should not do every eighth."""

_LONGEST_SECONDS = 3.0


class Engine(Protocol):
    """What a run needs of an engine."""

    def paths_that_fit(self) -> int | None:
        """Paths that can be advanced together on a device; None on the CPU, where they go by the cache."""

    def follow(
        self, x: np.ndarray, *, steps: int, every: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> Iterator[tuple[int, Any]]:
        """Take steps in place, and show states on the way: arrays, or `OnDevice`; called from several threads
        at once."""


@dataclass(frozen=True)
class Run:
    """How far an ensemble came.

    Attributes
    ----------
    state
        Shape (D, paths): the engine's whole state, of which the first d rows are the coordinates.
    steps_done
        Steps that all paths have taken; fewer than asked for after Ctrl-C.
    seconds
        Wall-clock time, without that to load the kernels.
    """

    state: np.ndarray
    steps_done: int
    seconds: float


def run_ensemble(
    engine: Engine,
    state: np.ndarray,
    schedule: Schedule,
    recorders: Sequence[Observer],
    *,
    dim: int,
    seed: Seed,
    threads: int,
    report: Callable[[Progress], None] | None = None,
    first_step: int = 0,
) -> Run:
    """Take `schedule.steps` steps with all paths, some of them at a time in each thread.

    All paths go through a number of steps (a round) before any goes further. After Ctrl-C the round is
    brought to its end, so that everything recorded is what a shorter run would have recorded; a second Ctrl-C
    ends the run at once and keeps nothing.

    Parameters
    ----------
    engine
        Runs one thread; threads are shared out here, so that recorders run in them too.
    state
        Shape (D, paths), contiguous: the engine's state at step 0. It is advanced in place.
    schedule, recorders
        When to look, and who.
    dim
        Number of coordinates d, the first rows of the state.
    seed
        Seed of the run.
    threads
        Number of threads; nothing depends on it but the time.
    report
        Called after each round.
    first_step
        Step at which the state stands, where an earlier run has ended: a multiple of the steps of a round.
    """
    return _Runner(engine, state, schedule, recorders, dim, seed, threads).execute(report, first_step)


class _Runner:
    def __init__(
        self,
        engine: Engine,
        state: np.ndarray,
        schedule: Schedule,
        recorders: Sequence[Observer],
        dim: int,
        seed: Seed,
        threads: int,
    ) -> None:
        self._engine = engine
        self._state = state
        self._schedule = schedule
        self._recorders = recorders
        self._dim = dim
        # Made once: to make one of a number takes as long as some thousands of path-steps.
        self._seed = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(int(seed))
        self._threads = threads
        self._chunk = chunk_size(len(state), state.shape[1], threads, engine.paths_that_fit())

    def execute(self, report: Callable[[Progress], None] | None, first_step: int) -> Run:
        paths, steps = self._state.shape[1], self._schedule.steps
        # Loads the kernels here, before threads could do so side by side, and before the clock runs.
        for _ in self._follow(self._state[:, :1].copy(), 0, min(_ROUND_STEPS, steps), 0):
            pass
        begun = time.perf_counter()
        turn = _Round(first_step, min(first_step + _ROUND_STEPS, steps), range(0, paths, self._chunk))
        with ThreadPoolExecutor(self._threads) as pool:
            try:
                while True:
                    round_begun = time.perf_counter()
                    self._complete(turn, pool)
                    if report is not None:
                        report(Progress(turn.end, steps, paths))
                    if turn.end == steps:
                        break
                    length = _next_length(turn.end - turn.begin, time.perf_counter() - round_begun)
                    end = min(turn.end + length, steps)
                    turn = _Round(turn.end, end, range(0, paths, self._chunk))
            except KeyboardInterrupt:
                # Whatever had been done of the round by then. Chunks that a thread has in hand are waited for
                # where the pool is left.
                self._complete(turn, pool)
        return Run(self._state, turn.end, time.perf_counter() - begun)

    def _complete(self, turn: _Round, pool: ThreadPoolExecutor) -> None:
        for worker in [pool.submit(self._work, turn) for _ in range(self._threads)]:
            worker.result()

    def _work(self, turn: _Round) -> None:
        for first in turn:
            chunk = slice(first, first + self._chunk)
            here = self._state[:, chunk]
            x = np.ascontiguousarray(here)
            if turn.begin == 0:
                self._show(Observation(0, first, x[: self._dim]))
            for begin, end in self._pieces(turn):
                if end - begin == 1 and self._is_pair(begin):
                    self._show_step(x, begin, first)
                    continue
                for step, states in self._follow(x, begin, end, first):
                    self._show(self._seen(step // self._schedule.every, first, states))
            if x is not here:
                here[:] = x

    def _is_pair(self, step: int) -> bool:
        """Whether the step that begins here is shown as such."""
        schedule = self._schedule
        return schedule.pairs is not None and step % (schedule.every * schedule.pairs) == 0

    def _pieces(self, turn: _Round) -> Iterator[tuple[int, int]]:
        """Parts of a round: single steps that are shown as such, and what lies between them."""
        schedule, begin = self._schedule, turn.begin
        apart = None if schedule.pairs is None else schedule.every * schedule.pairs
        while begin < turn.end:
            if apart is None:
                end = turn.end
            elif begin % apart == 0:
                end = begin + 1
            else:
                end = min(turn.end, (begin // apart + 1) * apart)
            yield begin, end
            begin = end

    def _show_step(self, x: np.ndarray, begin: int, first: int) -> None:
        before = x[: self._dim].copy()
        for step, states in self._follow(x, begin, begin + 1, first):
            self._show(self._seen(step // self._schedule.every, first, states))
        for recorder in self._recorders:
            if isinstance(recorder, StepRecorder):
                look = begin // self._schedule.every
                recorder.observe_step(Step(look, first, before, x[: self._dim]))

    def _follow(self, x: np.ndarray, begin: int, end: int, first: int) -> Iterator[tuple[int, Any]]:
        """Advance the paths from `first` on, and show them as often as somebody looks."""
        every = self._schedule.every if self._recorders else max(end, 1)
        return self._engine.follow(
            x, steps=end - begin, every=every, seed=self._seed, first_path=first, first_step=begin
        )

    def _seen(self, look: int, first: int, states: Any) -> Observation:
        """What recorders see of the states that the engine shows."""
        if isinstance(states, OnDevice):
            from simdyn.recorders.device_observation import DeviceObservation

            return DeviceObservation(look, first, states.device, states.states, self._dim)
        return Observation(look, first, states[: self._dim])

    def _show(self, seen: Observation) -> None:
        for recorder in self._recorders:
            recorder.observe(seen)


class _Round:
    """Steps `begin` to `end` of all paths: a queue of chunks, of which each goes to one thread."""

    def __init__(self, begin: int, end: int, chunks: Iterable[int]) -> None:
        self.begin = begin
        self.end = end
        self._chunks = iter(chunks)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        while True:
            with self._lock:
                first = next(self._chunks, None)
            if first is None:
                return
            yield first


def chunk_size(numbers: int, paths: int, threads: int, fitting: int | None = None) -> int:
    """Paths in a chunk, a multiple of `LEAF`: few enough for all threads to have some, and for the device.

    On the CPU 2^k leaves, few enough for the cache.

    Parameters
    ----------
    numbers
        Size of the state of one path.
    fitting
        Paths that the device has room for, if there is one.
    """
    share = max(1, -(-paths // (threads * LEAF)))
    if fitting is not None:
        return LEAF * min(share, max(1, fitting // LEAF))
    leaves = min(share, max(1, _CHUNK_NUMBERS // (numbers * LEAF)))
    return LEAF << (leaves.bit_length() - 1)


def _next_length(length: int, seconds: float) -> int:
    """Steps of the next round, so that it lasts about as long as it should."""
    if seconds < _ROUND_SECONDS / 2:
        return 2 * length if seconds > _ROUND_SECONDS / 8 else 8 * length
    if length < _WORTHWHILE_STEPS and seconds < _LONGEST_SECONDS / 2:
        return 2 * length
    if seconds > (2 * _ROUND_SECONDS if length > _WORTHWHILE_STEPS else _LONGEST_SECONDS):
        return max(length // 2 // _ROUND_STEPS, 1) * _ROUND_STEPS
    return length
