"""What a recorder sees, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from simdyn.lowering import DIVERGENCE_BOUND

Variable = tuple[tuple[str, ...], np.ndarray, dict[str, Any]]
"""Dimensions, values and attributes of one variable or coordinate of a dataset."""


@dataclass(frozen=True)
class Observation:
    """Some paths at one recorded step.

    Attributes
    ----------
    look
        Number of the recorded step, from 0.
    first_path
        Number of the first of these paths; a multiple of `pairs.LEAF`.
    x
        Shape (d, n): one row a coordinate.
    """

    look: int
    first_path: int
    x: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """Shape (n,): whether a path is finite and within the divergence bound at this step."""
        return self._inside[0]

    @property
    def outside(self) -> int:
        """Number of paths that are not."""
        return len(self._inside[0]) - self._inside[1]

    @cached_property
    def _inside(self) -> tuple[np.ndarray, int]:
        from simdyn.recorders.kernels import find_inside

        inside = np.empty(self.x.shape[1], dtype=bool)
        return inside, find_inside(self.x, DIVERGENCE_BOUND, inside)

    @property
    def paths(self) -> slice:
        """Where these paths lie in an array of all paths."""
        return slice(self.first_path, self.first_path + self.x.shape[1])


class Recorder(Protocol):
    """Sees all paths at all recorded steps, some paths at a time, from several threads and in any order.

    What it hands back must not depend on that order, nor on how many paths it is shown at a time.
    """

    def size(self) -> int:
        """Bytes that it will hold."""

    def begin(self) -> None:
        """Get the memory; after `size` has been found to fit."""

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""

    def coordinates(self) -> dict[str, Variable]:
        """Coordinates of its variables, other than the step and the names of the coordinates."""

    def variables(self, looks: int) -> dict[str, Variable]:
        """What it has kept of the first `looks` recorded steps."""
