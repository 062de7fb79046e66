"""A score of points that kernels keep a record of on the way: how far a path has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy


@dataclass(frozen=True)
class Watched:
    """A function of the coordinates, and two bounds on it at which paths end.

    A kernel that watches adds four entries to the state: the score of the point, the best score since the
    start of the path, and the two bounds, which each path brings with it. A path ends where its best score
    exceeds the upper bound, or where its score is at or below the lower one; these are the two last channels,
    after those of the exit.

    Attributes
    ----------
    score
        Expression of the coordinates and of parameters.
    values
        Run-time values of its parameters.
    """

    score: sympy.Expr
    values: Mapping[str, float]

    ENTRIES = 4

    @staticmethod
    def states(x: np.ndarray, score: np.ndarray, best: np.ndarray, up: object, down: object) -> np.ndarray:
        """Full states, shape (n, d + 4), of points of shape (n, d) with their scores, records and bounds."""
        columns = np.broadcast_arrays(score, best, up, down)
        return np.column_stack([x, *columns])
