"""How many paths of which coordinates are run, for how long, and at which steps somebody looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ensemble:
    """The paths of a run.

    Attributes
    ----------
    paths
        Their number.
    coordinates
        Names of the coordinates.
    dtype
        Of the states.
    """

    paths: int
    coordinates: tuple[str, ...]
    dtype: np.dtype

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.coordinates)


@dataclass(frozen=True)
class Schedule:
    """The steps of a run.

    Attributes
    ----------
    steps
        Length of the run.
    every
        Recorders see the steps 0, every, 2 every, ... up to `steps`.
    pairs
        From each `pairs`-th recorded step, those who ask for it see the step that follows, too; None for
        never.
    """

    steps: int
    every: int
    pairs: int | None = None

    @property
    def recorded(self) -> np.ndarray:
        """The steps that recorders see."""
        return np.arange(0, self.steps + 1, self.every, dtype=np.int64)

    @property
    def looks(self) -> int:
        """Number of recorded steps."""
        return self.looks_done(self.steps)

    def looks_done(self, step: int) -> int:
        """Number of recorded steps up to and with `step`."""
        return step // self.every + 1


@dataclass(frozen=True)
class Progress:
    """State of a running simulation, for a display."""

    steps_done: int
    steps: int
    paths: int
