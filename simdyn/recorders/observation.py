"""What a recorder sees, and what it hands back."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from simdyn.lowering import DIVERGENCE_BOUND

Variable = tuple[tuple[str, ...], np.ndarray, dict[str, Any]]
"""Dimensions, values and attributes of one variable or coordinate of a dataset."""


class Observation:
    """Some paths at one recorded step.

    Parameters
    ----------
    look
        Number of the recorded step, from 0.
    first_path
        Number of the first of these paths; a multiple of `pairs.LEAF`.
    x
        Shape (d, n): one row a coordinate.
    """

    def __init__(self, look: int, first_path: int, x: np.ndarray) -> None:
        self.look = look
        self.first_path = first_path
        self.count = x.shape[1]
        self._x = x

    @property
    def x(self) -> np.ndarray:
        """Shape (d, n): one row a coordinate."""
        return self._x

    @cached_property
    def inside(self) -> np.ndarray:
        """Shape (n,): whether a path is finite and within the divergence bound at this step."""
        # A comparison with NaN is False.
        return np.asarray((np.abs(self.x) < DIVERGENCE_BOUND).all(axis=0))

    @property
    def paths(self) -> slice:
        """Where these paths lie in an array of all paths."""
        return slice(self.first_path, self.first_path + self.count)

    @property
    def outside(self) -> int:
        """Number of paths that are not inside."""
        return self.count - int(np.count_nonzero(self.inside))

    def moments(self, begin: int, leaves: int) -> np.ndarray:
        """Moments of `leaves` leaves, a power of two, from column `begin` on; see `kernels.moments_of`."""
        from simdyn.recorders.kernels import moments_of

        return np.asarray(moments_of(self.x, self.inside, begin, leaves))

    def row(self, index: int) -> Values:
        """One coordinate of the paths inside."""
        return GivenValues(self.x[index].astype(np.float64), self.inside)


class Values(Protocol):
    """Numbers, some of which count, that are to be sorted into bins."""

    uncounted: int

    def ends(self) -> tuple[float, float] | None:
        """The least and the greatest number that counts, if any does."""

    def in_bins(self, edges: np.ndarray) -> tuple[np.ndarray, int, int]:
        """How many lie in each bin, below all bins, and above all; see `kernels.count_in_bins`."""


class GivenValues:
    """Numbers in memory, and a mask of those that count."""

    def __init__(self, values: np.ndarray, counted: np.ndarray) -> None:
        self.uncounted = len(values) - int(np.count_nonzero(counted))
        self._values = np.ascontiguousarray(values[counted] if self.uncounted else values)

    def ends(self) -> tuple[float, float] | None:
        """The least and the greatest number that counts, if any does."""
        if len(self._values) == 0:
            return None
        return float(self._values.min()), float(self._values.max())

    def in_bins(self, edges: np.ndarray) -> tuple[np.ndarray, int, int]:
        """How many lie in each bin, below all bins, and above all."""
        from simdyn.recorders.kernels import count_in_bins

        counts = np.zeros(len(edges) - 1, dtype=np.int64)
        all_count = np.ones(len(self._values), dtype=bool)
        below, above = count_in_bins(self._values, all_count, edges, counts)
        return counts, int(below), int(above)


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
