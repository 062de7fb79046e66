"""The CPU engine: Numba kernels on blocks of lanes, one Python thread per core."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from types import ModuleType

import numpy as np

from simdyn.dynamics import Update
from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.engines.threads import default_threads, in_threads
from simdyn.errors import InputError
from simdyn.exits import Exit, Score
from simdyn.lowering import kernels_of, load_kernels, lower
from simdyn.noise import Seed, key_of

DTYPES = ("float64", "float32")
NOISES = ("standard", "wide")
_CALL_SECONDS = 0.05
"""How long one kernel call should last: short enough for a prompt Ctrl-C and a lively progress bar."""


class CpuEngine:
    """Advances ensembles of paths of one update rule.

    Parameters
    ----------
    update
        One step of the dynamics.
    exit
        Needed for `first_passage`.
    dtype
        "float64" or "float32".
    noise
        "standard": normals up to 7.54 in size; "wide": up to 8.57, for rules where a single large kick
        matters.
    threads
        Number of threads; by default one for each core that this process may use. Results do not depend on
        it.
    score
        What paths keep a record of, for `passages`.

    Raises
    ------
    InputError
        An unknown dtype or noise, a thread count below one, or a function that kernels do not have.
    """

    def __init__(
        self,
        update: Update,
        exit: Exit | None = None,
        *,
        dtype: str = "float64",
        noise: str = "standard",
        threads: int | None = None,
        score: Score | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise InputError(f"dtype is {dtype!r}, but it must be one of: {', '.join(DTYPES)}.")
        if noise not in NOISES:
            raise InputError(f"The normals are {noise!r}, but they must be one of: {', '.join(NOISES)}.")
        self.threads = default_threads(threads)
        self.dtype = np.dtype(dtype)
        self.update = update
        if update.uniforms and dtype == "float32":
            raise InputError('Alpha-stable kicks need double precision; use dtype="float64".')
        program = lower(update, exit, score)
        self.state_dim = program.dim
        chosen = kernels_of(program, dtype, noise == "wide")
        self.source, self._lanes, self._group = chosen.source, chosen.lanes, chosen.group
        self._constants = chosen.constants

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps.

        Parameters
        ----------
        x
            Shape (n, state_dim): states at step `first_step`; of paths at rest, `update.at_rest(points)`.
        steps
            Number of steps.
        seed
            Seed of the run.
        first_path, first_step
            Number of the first path, and of the step at which `x` stands: path p with seed s takes the same
            course however a run is cut into pieces.

        Returns
        -------
        numpy.ndarray
            Shape (n, state_dim).
        """
        kernels = load_kernels(self.source)
        key0, key1 = (np.uint64(word) for word in key_of(seed))
        columns = np.array(np.asarray(x, dtype=self.dtype).T, order="C")
        paths = columns.shape[1]
        # Whole blocks of lanes to each thread; a copy, so that a thread's memory is contiguous.
        share = max(1, -(-paths // (self.threads * self._lanes))) * self._lanes
        pieces = [(begin, min(paths, begin + share)) for begin in range(0, paths, share)]

        def work(piece: tuple[int, int]) -> None:
            begin, end = piece
            part = np.ascontiguousarray(columns[:, begin:end])
            self._advance(kernels, part, first_path + begin, first_step, first_step + steps, (key0, key1))
            columns[:, begin:end] = part

        if len(pieces) == 1:
            work(pieces[0])
        else:
            in_threads([partial(work, piece) for piece in pieces])
        return columns.T

    def _advance(
        self,
        kernels: ModuleType,
        x: np.ndarray,
        first_path: int,
        first_step: int,
        last_step: int,
        key: tuple[np.uint64, np.uint64],
    ) -> None:
        """Steps `first_step` to `last_step` in place: part of a group, whole groups, part of a group."""
        size = self._group.steps
        step = first_step
        while step < last_step:
            group, offset = divmod(step, size)
            whole = last_step // size
            if offset == 0 and whole > group:
                kernels.integrate(x, first_path, group, whole, self._constants, *key)
                step = whole * size
            else:
                end = min(size, last_step - group * size)
                kernels.integrate_part(x, first_path, group, offset, end, self._constants, *key)
                step = group * size + end

    def first_passage(
        self,
        start: np.ndarray,
        *,
        paths: int,
        max_steps: int,
        seed: Seed,
        first_path: int = 0,
        report: Report | None = None,
    ) -> ExitRecords:
        """Run paths from one start until each leaves, diverges, or has taken `max_steps` steps.

        Ctrl-C ends the run early: paths that had ended keep their records, running ones count as censored
        where they stand, and the records say that they are not complete.

        Parameters
        ----------
        start
            Shape (d,).
        paths
            Number of paths; they are numbered from `first_path`.
        max_steps
            Step budget of each path.
        seed
            Seed of the run.
        report
            Called in this thread about ten times a second with the totals so far.
        """
        state = self.update.at_rest(start).astype(self.dtype)
        run = _FirstPassage(self, state[:, None], paths, max_steps, first_path, seed)
        records = run.execute(report)
        return replace(records, state=records.state[:, : self.update.dim])

    def passages(self, states: np.ndarray, numbers: np.ndarray, *, max_steps: int, seed: Seed) -> ExitRecords:
        """Run paths, each from a state of its own, until each leaves, diverges, or has taken `max_steps`.

        Parameters
        ----------
        states
            Shape (n, entries of the state): those of the update, then those of the score, if there is one.
        numbers
            Shape (n,), integers: the number of each path, which with the seed determines its noise. The same
            number from the same state takes the same course.
        max_steps, seed
            As for `first_passage`.

        Returns
        -------
        ExitRecords
            With whole states.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C; nothing is kept.
        """
        if len(states) == 0:
            return ExitRecords(
                np.zeros(0, np.int64), np.zeros(0, np.int64), np.array(states, dtype=self.dtype)
            )
        columns = np.ascontiguousarray(np.asarray(states, dtype=self.dtype).T)
        first = int(np.min(numbers))
        shifts = (np.asarray(numbers) - first).astype(np.int64)
        if len(states) == 1:
            first, shifts = int(numbers[0]), np.zeros(1, dtype=np.int64)
        records = _FirstPassage(self, columns, len(states), max_steps, first, seed, shifts).execute(None)
        if not records.complete:
            raise KeyboardInterrupt
        return records


class _FirstPassage:
    """One run: a queue of path numbers, shared by the threads, and the records that they fill."""

    def __init__(
        self,
        engine: CpuEngine,
        start: np.ndarray,
        paths: int,
        max_steps: int,
        first_path: int,
        seed: Seed,
        shifts: np.ndarray | None = None,
    ) -> None:
        self.engine = engine
        self.kernel = load_kernels(engine.source).first_passage
        self.start = start
        self.max_steps = max_steps
        self.first_path = first_path
        self.shifts = np.zeros(1, dtype=np.int64) if shifts is None else shifts
        self.key = tuple(np.uint64(word) for word in key_of(seed))
        self.steps = np.zeros(paths, dtype=np.int64)
        self.code = np.full(paths, _NOT_RUN, dtype=np.int64)
        self.state = np.full((engine.state_dim, paths), np.nan, dtype=engine.dtype)
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._ranges = self._queue(paths)
        self._tally = Tally()

    def execute(self, report: Report | None) -> ExitRecords:
        workers = [self._work] * self.engine.threads
        interrupted = False
        try:
            in_threads(workers, self.stop, (lambda: report(self._tally)) if report else None)
        except KeyboardInterrupt:
            interrupted = True
        ran = self.code != _NOT_RUN
        points = self.state.T[ran]
        return ExitRecords(self.steps[ran], self.code[ran], points, complete=not interrupted)

    def _queue(self, paths: int) -> Iterator[tuple[int, int]]:
        share = max(1, min(self.engine._lanes, -(-paths // self.engine.threads)))
        for begin in range(0, paths, share):
            yield begin, min(paths, begin + share)

    def _work(self) -> None:
        """Keep one block of lanes busy until the queue is empty and its lanes have ended."""
        dim, dtype = self.engine.state_dim, self.engine.dtype
        width_of_block = self.engine._lanes
        lanes = np.zeros(dim * width_of_block, dtype=dtype)
        counter = np.int64 if dtype == np.float64 else np.int32
        slots, shifts, groups = (np.zeros(width_of_block, dtype=counter) for _ in range(3))
        width, slot, end = 0, 0, 0
        drain = False
        rounds, every = 16, 1
        # Looking at a lane costs about as much as one step in one dimension; a path that has ended waits half
        # a window; this balances the two.
        steps_of_group = self.engine._group.steps
        look = 2.0 / (steps_of_group * dim)
        ended = path_steps = 0
        while not self.stop.is_set():
            if slot == end and not drain:
                with self._lock:
                    piece = next(self._ranges, None)
                drain = piece is None
                slot, end = piece or (0, 0)
            begun = time.perf_counter()
            width, slot, events, censored, diverged, steps = self.kernel(
                lanes, slots, shifts, groups, width, slot, end, self.first_path, self.start, self.shifts,
                self.max_steps, rounds, every, drain, self.engine._constants, *self.key,
                self.steps, self.code, self.state,
            )  # fmt: skip
            seconds = time.perf_counter() - begun
            with self._lock:
                self._tally += Tally(events, censored, diverged, steps)
            if width == 0 and drain:
                break
            # Neither of these changes a result: only how often lanes are looked at, how long a call is.
            ended, path_steps = ended + events + censored + diverged, path_steps + steps
            age = path_steps / ended / steps_of_group if ended else float(groups[:width].max(initial=1))
            every = int(np.clip(np.sqrt(look * age), 1, 32))
            if seconds < _CALL_SECONDS / 2:
                rounds = min(2 * rounds, 1 << 20)
            elif seconds > 2 * _CALL_SECONDS:
                rounds = max(rounds // 2, 1)
        for j in range(width):
            self.steps[slots[j]], self.code[slots[j]] = int(groups[j]) * self.engine._group.steps, 0


_NOT_RUN = -9
