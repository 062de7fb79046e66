"""The engine for means over samples: real batches, drawn per path and step, one Python thread per core."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from potentials.tape import Tape
from simdyn.dynamics import MinibatchUpdate
from simdyn.engines.first_passage import FirstPassage
from simdyn.engines.paths_in_memory import PathsInMemory, consecutive
from simdyn.engines.precision import checked_dtype
from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.engines.threads import default_threads, in_threads
from simdyn.errors import InputError
from simdyn.exits import Exit, Score
from simdyn.lowering import MachineCode, loaded_code
from simdyn.lowering.minibatch_kernels import BATCH_LANES, minibatch_kernel
from simdyn.noise import Seed, key_words

_DRAWS = 128
"""Draws of a path that are made at once: enough to fill vectors."""

_LANE_NUMBERS = 1 << 24
"""Numbers that the lanes of a thread may hold for a permutation or for the normals of all samples."""


def check_horizon(update: MinibatchUpdate, last_step: int) -> None:
    """Refuse a run beyond the steps for which the settings of a rule are tabulated.

    Raises
    ------
    InputError
        A run that is too long.
    """
    horizon = update.horizon
    if horizon is not None and last_step > horizon:
        raise InputError(
            f"The schedule still changes after {horizon:,} steps, up to which it is tabulated on means "
            f"over samples, and the run has {last_step:,}; run fewer steps, or let it end in a "
            'constant, as "cosine(first, last, steps)" does.'
        )


class MinibatchEngine(PathsInMemory):
    """Advances ensembles of paths of one update rule on a mean over samples.

    Parameters
    ----------
    update
        One step of the dynamics.
    exit
        Needed for `first_passage`.
    dtype
        "float64" or "float32".
    noise
        "standard": normals up to 7.54 in size; "wide": up to 8.57.
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
    by_columns: ClassVar[bool] = False

    def __init__(
        self,
        update: MinibatchUpdate,
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
        self.dim, self.score = update.dim, score
        self.state_dim = update.state_dim + (0 if score is None else 4)
        kernel = minibatch_kernel(update, exit, noise == "wide", dtype, score)
        self.source = kernel.source
        n = update.potential.size
        drawn = update.noise == "minibatch"
        batch = int(update.batch_sizes.max()) if drawn else n
        permuted = drawn and update.sampling == "epoch_shuffle"
        if update.noise == "empirical":
            span, numbers = 1, n
        else:
            span = int(np.clip(_DRAWS // batch, 1, 32)) if drawn and not permuted else 16
            numbers = n if permuted else span * batch if drawn else 0
        if update.kicks.any():
            numbers += span * self.dim
        self._lanes = int(np.clip(_LANE_NUMBERS // max(1, numbers), 1, BATCH_LANES))
        self._model: tuple[Any, ...] = (
            self._lanes, span, kernel.rows, kernel.data, kernel.constants,
            update.batch_sizes.astype(np.int64) if drawn else np.ones(1, dtype=np.int64),
            update.places if drawn else np.zeros((1, 2), dtype=np.int64),
            batch, n, update.sampling != "with_replacement", update.rates, update.kicks,
            self.dtype.type(update.momentum), np.sqrt(update.covariance_factors / n),
        )  # fmt: skip

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps.

        Parameters
        ----------
        x
            Shape (n, d): positions at step `first_step`, at rest; or, with momentum, (n, 2 d): positions and
            velocities. With a score (n, state_dim), of which the score comes up to date and the rest stays.
        steps
            Number of steps.
        seed
            Seed of the run.
        first_path, first_step
            Number of the first path, and of the step at which `x` stands: path p with seed s takes the same
            course however a run is cut into pieces, in the middle of an epoch, too.

        Returns
        -------
        numpy.ndarray
            The shape of `x`.
        """
        check_horizon(self.update, first_step + steps)
        key = key_words(seed)
        given = np.asarray(x, dtype=self.dtype)
        state = self._state(given)
        numbers = consecutive(first_path, len(state))
        share = max(1, -(-len(state) // (self.threads * self._lanes))) * self._lanes
        pieces = [(begin, min(len(state), begin + share)) for begin in range(0, len(state), share)]

        def work(begin: int, end: int) -> None:
            self._kernels.integrate(
                state[begin:end], numbers[begin:end], first_step, first_step + steps, *self._model, *key
            )

        if len(pieces) == 1:
            work(*pieces[0])
        else:
            in_threads([partial(work, *piece) for piece in pieces])
        self._bring_scores_up_to_date(state)
        return state[:, : given.shape[1]]

    def _advance(
        self,
        x: np.ndarray,
        numbers: np.ndarray,
        first_step: int,
        last_step: int,
        every: int,
        key: tuple[np.uint64, np.uint64],
    ) -> Iterator[tuple[int, np.ndarray]]:
        check_horizon(self.update, last_step)
        state = np.ascontiguousarray(x.T)
        while first_step < last_step:
            step = min(last_step, (first_step // every + 1) * every)
            self._kernels.integrate(state, numbers, first_step, step, *self._model, *key)
            self._bring_scores_up_to_date(state)
            x[:] = state.T
            first_step = step
            if step % every == 0:
                yield step, x

    def _bring_scores_up_to_date(self, state: np.ndarray) -> None:
        """Only kernels that watch paths keep them."""
        if self.score is not None:
            at = self.update.state_dim
            (state[:, at],) = self._score_of(*state[:, : self.dim].T)

    @cached_property
    def _score_of(self) -> Tape:
        assert self.score is not None
        return Tape(self.update.variables, [self.score.numeric])

    @cached_property
    def _kernels(self) -> MachineCode:
        return loaded_code(self.source)

    def _state(self, x: np.ndarray) -> np.ndarray:
        """A copy of `x` with a column for each number of the state; velocities that are not there are
        zero."""
        if x.ndim != 2 or x.shape[1] not in (self.dim, self.update.state_dim, self.state_dim):
            wanted = " or ".join(f"(paths, {k})" for k in sorted({self.dim, self.state_dim}))
            raise InputError(f"The states have shape {x.shape}, but it must be {wanted}.")
        state = np.zeros((len(x), self.state_dim), dtype=self.dtype)
        state[:, : x.shape[1]] = x
        return state

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
        """Run paths from one start, at rest, until each leaves, diverges, or has taken `max_steps` steps.

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
        check_horizon(self.update, max_steps)
        state = self._state(np.asarray(start, dtype=self.dtype)[None, :])
        ends = np.full((paths, self.dim), np.nan, dtype=self.dtype)
        run = FirstPassage(state, ends, paths, max_steps, first_path, key_words(seed), self._lanes)
        complete = run.execute(self.threads, lambda: _Lanes(self, run, np.zeros(1, np.int64)), report)
        return run.records(ends, complete)

    def _lanes_of(self, run: FirstPassage, shifts: np.ndarray) -> _Lanes:
        return _Lanes(self, run, shifts)


class _Lanes:
    """One thread's set of lanes in a first-passage run."""

    def __init__(self, engine: MinibatchEngine, run: FirstPassage, shifts: np.ndarray) -> None:
        self._engine, self._run, self._shift_of = engine, run, shifts
        self._state = np.zeros((engine._lanes, engine.state_dim), dtype=engine.dtype)
        self._slots, self._steps = (np.zeros(engine._lanes, dtype=np.int64) for _ in range(2))

    def advance(self, width: int, slot: int, end: int, rounds: int, drain: bool) -> tuple[int, int, Tally]:
        run = self._run
        width, slot, *totals = self._engine._kernels.first_passage(
            self._state, self._slots, self._steps, width, slot, end, run.first_path, run.start,
            self._shift_of, run.max_steps, rounds, drain, run.steps, run.code, run.state,
            *self._engine._model, *run.key,
        )  # fmt: skip
        return width, slot, Tally(*totals)

    def running(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        return self._slots[:width], self._steps[:width]
