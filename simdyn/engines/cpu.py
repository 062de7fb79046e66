"""The CPU engine: Numba kernels on blocks of lanes, one Python thread per core."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

import numpy as np

from simdyn.dynamics import Update
from simdyn.engines.first_passage import FirstPassage
from simdyn.engines.paths_in_memory import PathsInMemory, consecutive
from simdyn.engines.precision import checked_dtype
from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.engines.threads import default_threads, in_threads
from simdyn.exits import Exit, Score
from simdyn.lowering import kernels_of, lower
from simdyn.noise import Seed, key_words


class CpuEngine(PathsInMemory):
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

    backend: ClassVar[str] = "cpu"
    by_columns: ClassVar[bool] = True

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
        self.dtype = checked_dtype(dtype, noise, update)
        self.threads = default_threads(threads)
        self.update = update
        program = lower(update, exit, score)
        self.state_dim = program.dim
        chosen = kernels_of(program, dtype, noise == "wide")
        self.source, self._kernels = chosen.source, chosen.code
        self._lanes, self._group, self._constants = chosen.lanes, chosen.group, chosen.constants

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
        key = key_words(seed)
        columns = np.array(np.asarray(x, dtype=self.dtype).T, order="C")
        paths = columns.shape[1]
        # Whole blocks of lanes to each thread; a copy, so that a thread's memory is contiguous.
        share = max(1, -(-paths // (self.threads * self._lanes))) * self._lanes
        pieces = [(begin, min(paths, begin + share)) for begin in range(0, paths, share)]

        def work(piece: tuple[int, int]) -> None:
            begin, end = piece
            part = np.ascontiguousarray(columns[:, begin:end])
            numbers = consecutive(first_path + begin, end - begin)
            for _ in self._advance(part, numbers, first_step, first_step + steps, None, key):
                pass
            columns[:, begin:end] = part

        if len(pieces) == 1:
            work(pieces[0])
        else:
            in_threads([partial(work, piece) for piece in pieces])
        return columns.T

    def _advance(
        self,
        x: np.ndarray,
        numbers: np.ndarray,
        first_step: int,
        last_step: int,
        every: int | None,
        key: tuple[np.uint64, np.uint64],
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Whole groups as far as nobody looks at a step within one, and other groups with a look inside."""
        size = self._group.steps
        shown = np.empty((0 if every is None else -(-size // every), *x.shape), dtype=x.dtype)
        step = first_step
        while step < last_step:
            group, offset = divmod(step, size)
            stop = last_step if every is None else min(last_step, (step // every + 1) * every)
            if offset == 0 and stop // size > group:
                step = stop // size * size
                self._kernels.integrate(x, numbers, group, step // size, self._constants, *key)
                if every is not None and step % every == 0:
                    yield step, x
                continue
            end = min(last_step, (group + 1) * size)
            looks = range(stop, end + 1, every) if every is not None and stop % every == 0 else range(0)
            after = range(group * size + 1, (group + 1) * size + 1)
            places = np.array([looks.index(s) if s in looks else -1 for s in after])
            self._kernels.integrate_part(
                x, numbers, group, offset, end - group * size, places, shown, self._constants, *key
            )
            yield from zip(looks, shown[: len(looks)], strict=True)
            step = end

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
        ends = np.full((self.state_dim, paths), np.nan, dtype=self.dtype)
        run = FirstPassage(state[:, None], ends, paths, max_steps, first_path, key_words(seed), self._lanes)
        complete = run.execute(self.threads, lambda: _Lanes(self, run, np.zeros(1, np.int64)), report)
        return run.records(ends.T[:, : self.update.dim], complete)

    def _lanes_of(self, run: FirstPassage, shifts: np.ndarray) -> _Lanes:
        return _Lanes(self, run, shifts)


class _Lanes:
    """One thread's block of lanes in a first-passage run."""

    def __init__(self, engine: CpuEngine, run: FirstPassage, shifts: np.ndarray) -> None:
        self._engine, self._run, self._shift_of = engine, run, shifts
        dim, self._steps_of_group = engine.state_dim, engine._group.steps
        self._lanes = np.zeros(dim * engine._lanes, dtype=engine.dtype)
        counter = np.int64 if engine.dtype == np.float64 else np.int32
        self._slots, self._shifts, self._groups = (np.zeros(engine._lanes, dtype=counter) for _ in range(3))
        self._every = 1
        # Looking at a lane costs about as much as one step in one dimension; a path that has ended waits half
        # a window; this balances the two.
        self._look = 2.0 / (self._steps_of_group * dim)
        self._ended = self._path_steps = 0

    def advance(self, width: int, slot: int, end: int, rounds: int, drain: bool) -> tuple[int, int, Tally]:
        run = self._run
        width, slot, *totals = self._engine._kernels.first_passage(
            self._lanes, self._slots, self._shifts, self._groups, width, slot, end, run.first_path, run.start,
            self._shift_of, run.max_steps, rounds, self._every, drain, self._engine._constants, *run.key,
            run.steps, run.code, run.state,
        )  # fmt: skip
        tally = Tally(*totals)
        self._ended += tally.events + tally.censored + tally.diverged
        self._path_steps += tally.path_steps
        if self._ended:
            age = self._path_steps / self._ended / self._steps_of_group
        else:
            age = float(self._groups[:width].max(initial=1))
        # Changes no result: only how often lanes are looked at.
        self._every = int(np.clip(np.sqrt(self._look * age), 1, 32))
        return width, slot, tally

    def running(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        return self._slots[:width], self._groups[:width].astype(np.int64) * self._steps_of_group
