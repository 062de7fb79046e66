"""What the engines of the CPU have in common: their paths are in memory, and may be looked at on the way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from simdyn.engines.first_passage import FirstPassage, Lanes
from simdyn.engines.records import ExitRecords
from simdyn.noise import Seed, key_words


class PathsInMemory(ABC):
    """Paths that can be followed, gone through again, and run on from any states."""

    by_columns: ClassVar[bool]
    """Whether kernels hold a path in a column, or in a row."""
    state_dim: int
    dtype: np.dtype
    threads: int
    _lanes: int

    @abstractmethod
    def _advance(
        self,
        x: np.ndarray,
        numbers: np.ndarray,
        first_step: int,
        last_step: int,
        every: int,
        key: tuple[np.uint64, np.uint64],
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Take steps in place, and show the states after those that are a multiple of `every`."""

    @abstractmethod
    def _lanes_of(self, run: FirstPassage, shifts: np.ndarray) -> Lanes:
        """One thread's lanes in a run whose paths are numbered from its first one by `shifts`."""

    @property
    def lanes(self) -> int:
        """Paths that run at the same time."""
        return self.threads * self._lanes

    def paths_that_fit(self) -> None:
        """No limit: states are in memory already."""
        return None

    def follow(
        self, x: np.ndarray, *, steps: int, every: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Take `steps` more steps in place, in this thread, and show the states on the way.

        Parameters
        ----------
        x
            Shape (state_dim, n), contiguous and of the engine's dtype: states at step `first_step`, which end
            as those after the last step.
        every
            The states after each step that is a multiple of it are shown.
        steps, seed, first_path, first_step
            As in `integrate`.

        Yields
        ------
        step, states
            Of shape (state_dim, n), to be read before the next are asked for.
        """
        numbers = consecutive(first_path, x.shape[1])
        return self._advance(x, numbers, first_step, first_step + steps, every, key_words(seed))

    def retrace(
        self, x: np.ndarray, numbers: np.ndarray, *, steps: int, seed: Seed, first_step: int = 0
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Take `steps` more steps of paths of any numbers in place, and show the states after each.

        Parameters
        ----------
        x
            Shape (state_dim, n), contiguous and of the engine's dtype: states at step `first_step`, which end
            as those after the last step.
        numbers
            Shape (n,): the number of each path, as `passages` was given it.
        steps, seed, first_step
            As in `integrate`.

        Yields
        ------
        step, states
            Of shape (state_dim, n), to be read before the next are asked for.
        """
        numbers = np.asarray(numbers, dtype=np.uint64)
        return self._advance(x, numbers, first_step, first_step + steps, 1, key_words(seed))

    def passages(self, states: np.ndarray, numbers: np.ndarray, *, max_steps: int, seed: Seed) -> ExitRecords:
        """Run paths, each from a state of its own, until each leaves, diverges, or has taken `max_steps`.

        Parameters
        ----------
        states
            Shape (n, state_dim): the entries of the update's state, then those of the score, if there is one.
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
        count = len(states)
        if count == 0:
            nothing = np.empty((0, self.state_dim), dtype=self.dtype)
            return ExitRecords(np.zeros(0, np.int64), np.zeros(0, np.int64), nothing)
        given = np.asarray(states, dtype=self.dtype)
        begin = np.ascontiguousarray(given.T if self.by_columns else given)
        ends = np.full_like(begin, np.nan)
        first = int(np.min(numbers))
        shifts = (np.asarray(numbers) - first).astype(np.int64)
        run = FirstPassage(begin, ends, count, max_steps, first, key_words(seed), self._lanes)
        if not run.execute(self.threads, lambda: self._lanes_of(run, shifts), None):
            raise KeyboardInterrupt
        return run.records(ends.T if self.by_columns else ends, complete=True)


def consecutive(first_path: int, count: int) -> np.ndarray:
    """Numbers of paths that follow one another."""
    return np.arange(first_path, first_path + count, dtype=np.uint64)
