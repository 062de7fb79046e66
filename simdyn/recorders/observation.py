"""What a recorder sees, and what it hands back."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol, runtime_checkable

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
    def x64(self) -> np.ndarray:
        """The same in double precision."""
        return self.x.astype(np.float64, copy=False)

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
        return slice(self.first_path, self.first_path + self.count)

    def moments(self, begin: int, leaves: int) -> np.ndarray:
        """Moments of `leaves` leaves, a power of two, from column `begin` on; see `kernels.moments_of`."""
        from simdyn.recorders.kernels import moments_of

        return np.asarray(moments_of(self.x, self.inside, begin, leaves))

    def count_coordinate(
        self, index: int, edges: np.ndarray, counts: np.ndarray, rest: np.ndarray
    ) -> tuple[float, float]:
        """Add one coordinate to bins; see `kernels.count_in_bins`."""
        from simdyn.recorders.kernels import count_in_bins

        values = np.ascontiguousarray(self.x[index], dtype=np.float64)
        least, greatest = count_in_bins(values, self.inside, edges, counts, rest)
        return least, greatest


class Step:
    """One step of some paths, from the recorded step `look` on.

    Parameters
    ----------
    look, first_path
        See `Observation`.
    before, after
        Shape (d, n): coordinates at the recorded step and one step later.
    """

    def __init__(self, look: int, first_path: int, before: np.ndarray, after: np.ndarray) -> None:
        self.look = look
        self.first_path = first_path
        self.before = before
        self.after = after

    @cached_property
    def inside(self) -> np.ndarray:
        """Shape (n,): whether a path is finite and within the divergence bound before and after."""
        inside: np.ndarray = Observation(self.look, self.first_path, self.before).inside
        return inside & Observation(self.look, self.first_path, self.after).inside


class Observer(Protocol):
    """Sees all paths at all recorded steps, some paths at a time, from several threads and in any order.

    What it finds must not depend on that order, nor on how many paths it is shown at a time.
    """

    def size(self) -> int:
        """Bytes that it will hold."""

    def begin(self) -> None:
        """Get the memory; after `size` has been found to fit."""

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""


class Recorder(Observer, Protocol):
    """An observer that hands back variables of a dataset."""

    def coordinates(self) -> dict[str, Variable]:
        """Coordinates of its variables, other than the step and the names of the coordinates."""

    def variables(self, looks: int) -> dict[str, Variable]:
        """What it has kept of the first `looks` recorded steps."""


@runtime_checkable
class StepRecorder(Protocol):
    """A recorder that also sees single steps; see `Schedule.pairs`."""

    def observe_step(self, step: Step) -> None:
        """Take in one step of some paths, from several threads and in any order."""
