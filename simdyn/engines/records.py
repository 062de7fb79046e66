"""What an engine reports: exit records, and the running totals for a progress display."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tally:
    """Running totals of a first-passage run."""

    events: int = 0
    censored: int = 0
    diverged: int = 0
    path_steps: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.events + other.events,
            self.censored + other.censored,
            self.diverged + other.diverged,
            self.path_steps + other.path_steps,
        )


Report = Callable[[Tally], None]
"""Called now and then with the totals so far."""


@dataclass(frozen=True)
class ExitRecords:
    """How each path of a batch ended.

    Attributes
    ----------
    steps
        Steps taken, shape (n,): up to the exit, the divergence, or the end of observation.
    code
        Shape (n,): k + 1 for an exit through channel k, 0 for a path that was still inside (censored), -1 for
        a diverged one.
    state
        Shape (n, d): the point just after the exit; NaN for censored paths.
    complete
        False when the run was interrupted: some paths are then censored early, others missing.
    """

    steps: np.ndarray
    code: np.ndarray
    state: np.ndarray
    complete: bool = True

    @property
    def exited(self) -> np.ndarray:
        """Mask of the paths that left."""
        return self.code > 0

    @property
    def tally(self) -> Tally:
        """Totals."""
        return Tally(
            int((self.code > 0).sum()),
            int((self.code == 0).sum()),
            int((self.code < 0).sum()),
            int(self.steps.sum()),
        )

    @property
    def counts(self) -> ExitCounts:
        """The same without the points, and without telling paths apart."""
        if len(self.code) == 0:
            return ExitCounts.none()
        kinds = int(self.code.max()) + 2
        key = self.steps * kinds + (self.code + 1)
        span = int(key.max()) + 1
        if span <= max(4 * len(key), 1 << 16):
            # Counted in place; sorting takes far longer.
            every = np.bincount(key)
            found = np.flatnonzero(every)
            paths = every[found]
        else:
            found, paths = np.unique(key, return_counts=True)
        return ExitCounts(found // kinds, found % kinds - 1, paths.astype(np.int64))

    def first(self, paths: int) -> ExitRecords:
        """Those of the first paths alone, whose memory does not hold on to that of the others."""
        if paths >= len(self.code):
            return self
        steps, code, state = (array[:paths].copy() for array in (self.steps, self.code, self.state))
        return ExitRecords(steps, code, state, self.complete)

    @staticmethod
    def join(parts: list[ExitRecords]) -> ExitRecords:
        """Batches one after the other."""
        return ExitRecords(
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.code for part in parts]),
            np.concatenate([part.state for part in parts]),
            all(part.complete for part in parts),
        )


@dataclass(frozen=True)
class ExitCounts:
    """How many paths ended how after how many steps.

    All that is to be known about the law of the ends, in memory that grows with the number of different
    numbers of steps, not with that of paths. Counts of parts of an ensemble add up to those of the whole,
    whatever the parts.

    Attributes
    ----------
    steps, code
        Shape (m,), each pair once, by steps and then by code; as in `ExitRecords`.
    paths
        How many there are of each, shape (m,).
    """

    steps: np.ndarray
    code: np.ndarray
    paths: np.ndarray

    @staticmethod
    def none() -> ExitCounts:
        """Of no paths."""
        return ExitCounts(*(np.zeros(0, dtype=np.int64) for _ in range(3)))

    def __add__(self, other: ExitCounts) -> ExitCounts:
        steps = np.concatenate([self.steps, other.steps])
        code = np.concatenate([self.code, other.code])
        order = np.lexsort((code, steps))
        steps, code = steps[order], code[order]
        paths = np.concatenate([self.paths, other.paths])[order]
        new = np.ones(len(steps), dtype=bool)
        new[1:] = (np.diff(steps) != 0) | (np.diff(code) != 0)
        begins = np.flatnonzero(new)
        together = np.add.reduceat(paths, begins) if len(begins) else paths
        return ExitCounts(steps[begins], code[begins], together)

    @property
    def exited(self) -> np.ndarray:
        """Mask of the entries of paths that left."""
        return self.code > 0

    @property
    def total(self) -> int:
        """Number of paths."""
        return int(self.paths.sum())

    @property
    def tally(self) -> Tally:
        """Totals."""
        return Tally(
            int(self.paths[self.code > 0].sum()),
            int(self.paths[self.code == 0].sum()),
            int(self.paths[self.code < 0].sum()),
            int((self.steps * self.paths).sum()),
        )
