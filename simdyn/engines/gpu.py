"""The engine of one GPU: a thread for each path, or persistent lanes that take path after path."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event
from typing import Any, ClassVar

import numpy as np

from simdyn.dynamics import MinibatchUpdate, Rule
from simdyn.engines.device import CupyDevice, Device, OnDevice
from simdyn.engines.minibatch import check_horizon
from simdyn.engines.precision import checked_dtype
from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.errors import InputError
from simdyn.exits import Exit
from simdyn.lowering import lower
from simdyn.lowering.cuda_kernels import THREADS, cuda_kernels_of
from simdyn.lowering.cuda_minibatch_kernels import CudaMinibatchKernel, cuda_minibatch_kernel
from simdyn.noise import Seed, key_of

_CALL_SECONDS = 0.1
"""How long one call should last: short enough for a prompt Ctrl-C and a lively progress bar."""

_REPORT_SECONDS = 0.1
"""Time between reports."""

_SHORTEST = 64
"""Steps, or groups of steps, of the first and of the shortest calls: whole groups, whatever their size."""

_LANES_OF_PROCESSOR = 4 * THREADS
"""Lanes that live on each multiprocessor: enough to hide the time that each operation takes."""

_MEMORY_SHARE = 0.5
"""Share of the free memory that the states of a chunk may take."""


class GpuEngine:
    """Advances ensembles of paths of one update rule on a GPU, with the results of `CpuEngine`.

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
    device
        By default the first device of CuPy.

    Raises
    ------
    InputError
        No device, an unknown dtype or noise, or a rule that runs on the CPU only.
    """

    backend: ClassVar[str] = "gpu"
    threads: ClassVar[int] = 1

    def __init__(
        self,
        update: Rule,
        exit: Exit | None = None,
        *,
        dtype: str = "float64",
        noise: str = "standard",
        device: Device | None = None,
    ) -> None:
        self.dtype = checked_dtype(dtype, noise, update)
        if dtype == "float32" and isinstance(update, MinibatchUpdate):
            raise InputError(
                'On the GPU sums over samples are computed in double precision; use dtype="float64", or '
                'backend="cpu".'
            )
        self.device: Device = CupyDevice() if device is None else device
        self.update = update
        # How many threads there are at most; each goes through path after path.
        self._lanes = self.device.processors * _LANES_OF_PROCESSOR
        if isinstance(update, MinibatchUpdate):
            kernel = cuda_minibatch_kernel(update, exit, noise == "wide")
            self.source, self._group_steps = kernel.source, 1
            self._model = self._samples(update, kernel)
        else:
            chosen = cuda_kernels_of(lower(update, exit), dtype, noise == "wide")
            self.source, self._group_steps = chosen.source, chosen.group.steps
            self._model = tuple(self.device.upload(array) for array in chosen.constants)

    def _samples(self, update: MinibatchUpdate, kernel: CudaMinibatchKernel) -> tuple[Any, ...]:
        """The arguments of minibatch kernels; takes lanes away if their permutations would not fit."""
        upload, size = self.device.upload, update.potential.size
        drawn = update.noise == "minibatch"
        batch = int(update.batch_sizes.max()) if drawn else size
        ordered = flags = 0
        if drawn and update.sampling == "epoch_shuffle":
            ordered = size
        elif drawn and update.sampling == "without_replacement" and batch > 1:
            ordered, flags = batch, -(-size // 32)
        fitting = int(_MEMORY_SHARE * self.device.free_memory()) // (4 * max(1, ordered + flags))
        self._lanes = max(1, min(self._lanes, fitting))
        scratch = (upload(np.zeros(max(1, n * self._lanes), dtype=np.uint32)) for n in (ordered, flags))
        sizes = update.batch_sizes.astype(np.int64) if drawn else np.full(1, size)
        places = update.places if drawn else np.zeros((1, 2), dtype=np.int64)
        spreads = np.sqrt(update.covariance_factors / size)
        return (
            upload(kernel.rows), upload(kernel.data), upload(kernel.constants), upload(sizes), upload(places),
            np.int64(len(sizes)), np.int64(size), np.int32(update.sampling != "with_replacement"),
            upload(update.rates), np.int64(len(update.rates)), upload(update.kicks),
            np.int64(len(update.kicks)), np.float64(update.momentum), upload(spreads),
            np.int64(len(spreads)), *scratch,
        )  # fmt: skip

    @property
    def lanes(self) -> int:
        """Paths that run at the same time."""
        return self._lanes

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps; see `CpuEngine.integrate`."""
        states = np.array(np.asarray(x, dtype=self.dtype).T, order="C")
        chunk = self.paths_that_fit()
        for begin in range(0, states.shape[1], chunk):
            part = self.device.upload(states[:, begin : begin + chunk])
            self.advance(part, first_path + begin, first_step, first_step + steps, seed)
            states[:, begin : begin + chunk] = self.device.download(part)
        return states.T

    def follow(
        self, x: np.ndarray, *, steps: int, every: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> Iterator[tuple[int, OnDevice]]:
        """Take `steps` more steps, and show the states on the way, on the device; see `CpuEngine.follow`.

        At most `paths_that_fit` paths at a time; `x` is what it should be once all states have been shown.
        """
        states = self.device.upload(x)
        step, last_step = first_step, first_step + steps
        while step < last_step:
            stop = min(last_step, (step // every + 1) * every)
            self.advance(states, first_path, step, stop, seed)
            step = stop
            if step % every == 0:
                yield step, OnDevice(self.device, states)
        x[:] = self.device.download(states)

    def paths_that_fit(self) -> int:
        """Paths that can be advanced together, as far as memory goes."""
        return self._fitting(self.update.state_dim * self.dtype.itemsize)

    def _fitting(self, size: int) -> int:
        """How many paths there is memory for, at `size` bytes each."""
        return max(1, int(_MEMORY_SHARE * self.device.free_memory()) // size)

    def advance(self, x: Any, first_path: int, first_step: int, last_step: int, seed: Seed) -> None:
        """Take states on the device, shape (state_dim, n), from one step to another, in place.

        Goes in calls that are short enough to be interrupted in between.
        """
        if isinstance(self.update, MinibatchUpdate):
            check_horizon(self.update, last_step)
        size = self._group_steps
        step, length = first_step, _SHORTEST
        while step < last_step:
            end = min(last_step, step + length)
            begun = time.perf_counter()
            group, offset = divmod(step, size)
            if offset == 0 and end // size > group:
                end = end // size * size
                self._launch(x, "integrate", first_path, seed, np.int64(group), np.int64(end // size))
            else:
                end = min(end, (group + 1) * size)
                part = np.int32(offset), np.int32(end - group * size)
                bounds = np.int64(group), np.int64(group + 1), *part
                self._launch(x, "integrate_part", first_path, seed, *bounds)
            self.device.download(x[:1, :1])
            length = _adapted(length, time.perf_counter() - begun, end - step)
            step = end

    def _launch(self, x: Any, name: str, first_path: int, seed: Seed, *bounds: np.generic) -> None:
        paths = x.shape[1]
        arguments = (x, np.int64(paths), np.uint64(first_path), *bounds, *self._model, *_key(seed))
        self.device.kernel(self.source, name)(*self.grid(paths), arguments)

    def grid(self, paths: int) -> tuple[tuple[int], tuple[int]]:
        """Blocks, and threads of each, that serve so many paths: no more than there are lanes."""
        threads = min(THREADS, self._lanes)
        return (-(-min(paths, self._lanes // threads * threads) // threads),), (threads,)

    def first_passage(
        self,
        start: np.ndarray,
        *,
        paths: int,
        max_steps: int,
        seed: Seed,
        first_path: int = 0,
        report: Report | None = None,
        stop: Event | None = None,
    ) -> ExitRecords:
        """Run paths from one start until each leaves, diverges, or has taken `max_steps` steps.

        As many at a time as their records fit the memory. Ctrl-C, or `stop` set in another thread, ends the
        run early: paths that had ended keep their records, running ones count as censored where they stand,
        and the records say that they are not complete. See `CpuEngine.first_passage`.
        """
        if isinstance(self.update, MinibatchUpdate):
            check_horizon(self.update, max_steps)
        stop = Event() if stop is None else stop
        state = self.update.at_rest(start).astype(self.dtype)
        fitting = self._fitting(_RECORD_BYTES + self.update.state_dim * self.dtype.itemsize)
        batches: list[ExitRecords] = []
        for begin in range(0, paths, fitting):
            count = min(fitting, paths - begin)
            run = _FirstPassage(self, state, count, max_steps, first_path + begin, seed)
            batches.append(run.execute(_after(batches, report), stop))
            if not batches[-1].complete:
                break
        return ExitRecords.join(batches)


class _FirstPassage:
    """One run: lanes on the device, the queue that they share, and the records that they fill."""

    def __init__(
        self, engine: GpuEngine, start: np.ndarray, paths: int, max_steps: int, first_path: int, seed: Seed
    ) -> None:
        self.engine, self.device = engine, engine.device
        self.paths = paths
        dim, upload = engine.update.state_dim, engine.device.upload
        self.grid = engine.grid(paths)
        lanes = self.grid[0][0] * self.grid[1][0]
        self.slots = upload(np.full(lanes, -1, dtype=np.int64))
        self.groups = upload(np.zeros(lanes, dtype=np.int64))
        self.steps = upload(np.zeros(paths, dtype=np.int64))
        self.code = upload(np.full(paths, _NOT_RUN, dtype=np.int64))
        self.state = upload(np.full((dim, paths), np.nan, dtype=engine.dtype))
        self.tally = upload(np.zeros(4, dtype=np.uint64))
        self.before = (
            upload(np.zeros((dim, lanes), dtype=engine.dtype)), self.slots, self.groups,
            upload(np.zeros(1, dtype=np.uint64)), np.int64(paths), np.uint64(first_path), upload(start),
            np.int64(max_steps),
        )  # fmt: skip
        self.after = (*engine._model, *_key(seed), self.steps, self.code, self.state, self.tally)

    def execute(self, report: Report | None, stop: Event) -> ExitRecords:
        """Calls until all paths have ended, or until Ctrl-C or `stop`."""
        kernel = self.device.kernel(self.engine.source, "first_passage")
        rounds, reported = _SHORTEST, 0.0
        complete = False
        try:
            while not complete and not stop.is_set():
                begun = time.perf_counter()
                kernel(*self.grid, (*self.before, np.int64(rounds), *self.after))
                tally = Tally(*(int(count) for count in self.device.download(self.tally)))
                complete = tally.events + tally.censored + tally.diverged == self.paths
                rounds = _adapted(rounds, time.perf_counter() - begun, rounds)
                if report is not None and (complete or time.perf_counter() - reported > _REPORT_SECONDS):
                    reported = time.perf_counter()
                    report(tally)
        except KeyboardInterrupt:
            pass
        return self._records(complete)

    def _records(self, complete: bool) -> ExitRecords:
        steps, code = self.device.download(self.steps), self.device.download(self.code)
        slots, groups = self.device.download(self.slots), self.device.download(self.groups)
        running = slots >= 0
        steps[slots[running]] = groups[running] * self.engine._group_steps
        code[slots[running]] = 0
        ran = code != _NOT_RUN
        points = self.device.download(self.state).T[ran, : self.engine.update.dim]
        return ExitRecords(steps[ran], code[ran], points, complete=complete)


def _after(batches: list[ExitRecords], report: Report | None) -> Report | None:
    """A report that counts what earlier batches have done."""
    if report is None or not batches:
        return report
    before = sum((batch.tally for batch in batches), Tally())
    return lambda tally: report(before + tally)


def _key(seed: Seed) -> tuple[np.uint32, np.uint32]:
    low, high = key_of(seed)
    return np.uint32(low), np.uint32(high)


def _adapted(length: int, seconds: float, done: int) -> int:
    """The length of the next call, so that it lasts about as long as it should; no result depends on it."""
    if seconds < _CALL_SECONDS / 2:
        # A call that was cut short says little.
        return min(2 * length, 1 << 40) if done >= length else length
    if seconds > 2 * _CALL_SECONDS:
        return max(length // 2, _SHORTEST)
    return length


_NOT_RUN = -9

_RECORD_BYTES = 16
"""What the record of a path takes beside its state: steps and code."""
