"""A table that tells, from where a path is, in which basin it is and whether it is deep inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BasinTable:
    """Basins by the intervals that some coordinates are in.

    Attributes
    ----------
    points
        The minimum (or attractor) of each basin, shape (K, d).
    axes
        Coordinates that are looked at.
    edges
        For each of them ascending edges; with n edges there are n + 1 intervals.
    basin
        Basin of each product of intervals, in row-major order.
    core
        The same where it is the core of a basin, -1 elsewhere: a path has changed its basin when it has come
        from one core to another, not when it has crossed a rim and come back.
    method
        How the table was made, in one sentence.
    """

    points: np.ndarray
    axes: tuple[int, ...]
    edges: tuple[np.ndarray, ...]
    basin: np.ndarray
    core: np.ndarray
    method: str

    @property
    def count(self) -> int:
        """Number of basins K."""
        return len(self.points)
