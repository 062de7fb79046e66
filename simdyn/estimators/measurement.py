"""What every way of measuring an escape gives to the question that asked."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from simdyn.results import Estimate


class Measurement(Protocol):
    """A mean escape time, how it was measured, and a sample of the exits."""

    @property
    def method(self) -> str:
        """ "direct" or "splitting"."""

    @property
    def backend(self) -> str:
        """ "cpu" or "gpu"."""

    @property
    def seconds(self) -> float:
        """Wall-clock time."""

    @property
    def path_steps(self) -> int:
        """Steps taken by all paths."""

    @property
    def complete(self) -> bool:
        """False when Ctrl-C ended it early."""

    @property
    def relative_error(self) -> float:
        """Relative standard error of the mean."""

    @property
    def shares(self) -> np.ndarray:
        """Share of the escapes through each channel."""

    @property
    def exit_points(self) -> np.ndarray:
        """Points just after the exit, of a sample of paths, shape (n, d)."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what a reader should know before trusting the value."""

    def estimate(self, confidence: float = 0.95) -> Estimate:
        """The mean with its interval."""
