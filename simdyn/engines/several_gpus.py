"""Several GPUs as one engine: each takes a share of the paths."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Event
from typing import ClassVar

import numpy as np

from simdyn.engines.device import OnDevice
from simdyn.engines.gpu import GpuEngine
from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.engines.threads import in_threads
from simdyn.noise import Seed


class SeveralGpus:
    """Advances ensembles on several GPUs, with the results of one: a path keeps its number wherever it runs.

    Parameters
    ----------
    engines
        Engines of the same rule, each on a device of its own.
    """

    backend: ClassVar[str] = "gpu"

    def __init__(self, engines: Sequence[GpuEngine]) -> None:
        self.engines = tuple(engines)
        self.threads = len(self.engines)
        self.dtype = self.engines[0].dtype
        self.update = self.engines[0].update
        self._idle: SimpleQueue[GpuEngine] = SimpleQueue()
        for engine in self.engines:
            self._idle.put(engine)

    @property
    def lanes(self) -> int:
        """Paths that run at the same time."""
        return sum(engine.lanes for engine in self.engines)

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps; see `CpuEngine.integrate`."""
        states = np.asarray(x, dtype=self.dtype)
        parts: list[np.ndarray] = [states[:0]] * self.threads

        def work(number: int, begin: int, end: int) -> None:
            parts[number] = self.engines[number].integrate(
                states[begin:end],
                steps=steps,
                seed=seed,
                first_path=first_path + begin,
                first_step=first_step,
            )

        in_threads([partial(work, number, *share) for number, share in enumerate(self._shares(len(states)))])
        return np.concatenate(parts)

    def follow(
        self, x: np.ndarray, *, steps: int, every: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> Iterator[tuple[int, OnDevice]]:
        """Take `steps` more steps on a GPU that is idle; see `GpuEngine.follow`.

        To be called from at most `threads` threads at once.
        """
        engine = self._idle.get()
        try:
            yield from engine.follow(
                x, steps=steps, every=every, seed=seed, first_path=first_path, first_step=first_step
            )
        finally:
            self._idle.put(engine)

    def paths_that_fit(self) -> int:
        """Paths that can be advanced together on each, as far as memory goes."""
        return min(engine.paths_that_fit() for engine in self.engines)

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

        See `GpuEngine.first_passage`.
        """
        stop = Event()
        tallies = [Tally()] * self.threads
        parts: list[ExitRecords | None] = [None] * self.threads

        def work(number: int, begin: int, end: int) -> None:
            parts[number] = self.engines[number].first_passage(
                start, paths=end - begin, max_steps=max_steps, seed=seed, first_path=first_path + begin,
                report=partial(tallies.__setitem__, number), stop=stop,
            )  # fmt: skip

        def tick() -> None:
            if report is not None:
                report(sum(tallies, Tally()))

        shares = [(number, *share) for number, share in enumerate(self._shares(paths)) if share[1] > share[0]]
        with contextlib.suppress(KeyboardInterrupt):
            in_threads([partial(work, *share) for share in shares], stop, tick)
        tick()
        return ExitRecords.join([part for part in parts if part is not None])

    def _shares(self, paths: int) -> list[tuple[int, int]]:
        """First and last path, exclusive, of each engine."""
        bounds = [paths * number // self.threads for number in range(self.threads + 1)]
        return list(itertools.pairwise(bounds))
