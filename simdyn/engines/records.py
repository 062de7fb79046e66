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

    @staticmethod
    def join(parts: list[ExitRecords]) -> ExitRecords:
        """Batches one after the other."""
        return ExitRecords(
            np.concatenate([part.steps for part in parts]),
            np.concatenate([part.code for part in parts]),
            np.concatenate([part.state for part in parts]),
            all(part.complete for part in parts),
        )
