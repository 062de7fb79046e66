"""The engine for means over samples: real batches, drawn per path and step, one Python thread per core."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from simdyn.dynamics import MinibatchUpdate
from simdyn.engines.cpu import DTYPES, NOISES
from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.engines.threads import default_threads, in_threads
from simdyn.errors import InputError
from simdyn.exits import Exit
from simdyn.lowering import load_kernels
from simdyn.lowering.minibatch_kernels import BATCH_LANES, minibatch_kernel
from simdyn.noise import Seed, key_of

_CALL_SECONDS = 0.05
"""How long one kernel call should last: short enough for a prompt Ctrl-C and a lively progress bar."""

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


class MinibatchEngine:
    """Advances ensembles of paths of one update rule on a mean over samples.

    Parameters
    ----------
    update
        One step of the dynamics.
    exit
        Needed for `first_passage`.
    dtype
        "float64".
    noise
        "standard": normals up to 7.54 in size; "wide": up to 8.57.
    threads
        Number of threads; by default one for each core that this process may use. Results do not depend on
        it.

    Raises
    ------
    InputError
        Another dtype, an unknown noise, a thread count below one, or a function that kernels do not have.
    """

    def __init__(
        self,
        update: MinibatchUpdate,
        exit: Exit | None = None,
        *,
        dtype: str = "float64",
        noise: str = "standard",
        threads: int | None = None,
    ) -> None:
        if dtype != "float64":
            known = "sums over samples are computed in float64" if dtype in DTYPES else "it is not known"
            raise InputError(f'dtype is {dtype!r}, but {known}; use dtype="float64".')
        if noise not in NOISES:
            raise InputError(f"The normals are {noise!r}, but they must be one of: {', '.join(NOISES)}.")
        self.threads = default_threads(threads)
        self.dtype = np.dtype(dtype)
        self.update = update
        self.dim, self.state_dim = update.dim, update.state_dim
        kernel = minibatch_kernel(update, exit, noise == "wide")
        self.source = kernel.source
        n = update.potential.size
        drawn = update.noise == "minibatch"
        batch = int(update.batch_size) if drawn else n
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
            self._lanes, span, kernel.rows, kernel.data, kernel.constants, batch, n,
            update.sampling != "with_replacement", update.rates, update.kicks, float(update.momentum),
            float(np.sqrt(update.covariance_factor / n)),
        )  # fmt: skip

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps.

        Parameters
        ----------
        x
            Shape (n, d): positions at step `first_step`, at rest; or, with momentum, (n, 2 d): positions and
            velocities.
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
        kernels = load_kernels(self.source)
        key = tuple(np.uint64(word) for word in key_of(seed))
        given = np.asarray(x, dtype=self.dtype)
        state = self._state(given)
        share = max(1, -(-len(state) // (self.threads * self._lanes))) * self._lanes
        pieces = [(begin, min(len(state), begin + share)) for begin in range(0, len(state), share)]

        def work(begin: int, end: int) -> None:
            kernels.integrate(
                state[begin:end], first_path + begin, first_step, first_step + steps, *self._model, *key
            )

        if len(pieces) == 1:
            work(*pieces[0])
        else:
            in_threads([partial(work, *piece) for piece in pieces])
        return state[:, : given.shape[1]]

    def _state(self, x: np.ndarray) -> np.ndarray:
        """A copy of `x` with a column for each number of the state; velocities that are not there are
        zero."""
        if x.ndim != 2 or x.shape[1] not in (self.dim, self.state_dim):
            wanted = " or ".join(f"(paths, {k})" for k in sorted({self.dim, self.state_dim}))
            raise InputError(f"The states have shape {x.shape}, but it must be {wanted}.")
        state = np.zeros((len(x), self.state_dim))
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
        (state,) = self._state(np.asarray(start, dtype=self.dtype)[None, :])
        run = _FirstPassage(self, state, paths, max_steps, first_path, seed)
        return run.execute(report)


class _FirstPassage:
    """One run: a queue of path numbers, shared by the threads, and the records that they fill."""

    def __init__(
        self,
        engine: MinibatchEngine,
        start: np.ndarray,
        paths: int,
        max_steps: int,
        first_path: int,
        seed: Seed,
    ) -> None:
        self.engine = engine
        self.kernel = load_kernels(engine.source).first_passage
        self.start = start
        self.max_steps = max_steps
        self.first_path = first_path
        self.key = tuple(np.uint64(word) for word in key_of(seed))
        self.steps = np.zeros(paths, dtype=np.int64)
        self.code = np.full(paths, _NOT_RUN, dtype=np.int64)
        self.state = np.full((paths, engine.dim), np.nan)
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
        return ExitRecords(self.steps[ran], self.code[ran], self.state[ran], complete=not interrupted)

    def _queue(self, paths: int) -> Iterator[tuple[int, int]]:
        share = max(1, min(self.engine._lanes, -(-paths // self.engine.threads)))
        for begin in range(0, paths, share):
            yield begin, min(paths, begin + share)

    def _work(self) -> None:
        """Keep one set of lanes busy until the queue is empty and its lanes have ended."""
        lanes = self.engine._lanes
        state = np.zeros((lanes, self.engine.state_dim))
        slots, steps = (np.zeros(lanes, dtype=np.int64) for _ in range(2))
        width, slot, end = 0, 0, 0
        drain = False
        rounds = 4
        while not self.stop.is_set():
            if slot == end and not drain:
                with self._lock:
                    piece = next(self._ranges, None)
                drain = piece is None
                slot, end = piece or (0, 0)
            begun = time.perf_counter()
            width, slot, events, censored, diverged, done = self.kernel(
                state, slots, steps, width, slot, end, self.first_path, self.start, self.max_steps, rounds,
                drain, self.steps, self.code, self.state, *self.engine._model, *self.key,
            )  # fmt: skip
            seconds = time.perf_counter() - begun
            with self._lock:
                self._tally += Tally(events, censored, diverged, done)
            if width == 0 and drain:
                break
            # No result depends on how long a call is.
            if seconds < _CALL_SECONDS / 2:
                rounds = min(2 * rounds, 1 << 20)
            elif seconds > 2 * _CALL_SECONDS:
                rounds = max(rounds // 2, 1)
        for j in range(width):
            self.steps[slots[j]], self.code[slots[j]] = steps[j], 0


_NOT_RUN = -9
