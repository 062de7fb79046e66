"""Mean and covariance across the ensemble at each recorded step, with standard errors."""

from __future__ import annotations

import numpy as np

from simdyn.recorders.ensemble import Ensemble, Schedule
from simdyn.recorders.observation import Observation, Variable
from simdyn.recorders.pairs import LEAF, Pairs, aligned_blocks


class MomentsRecorder:
    """Streams moments up to the fourth, which the errors of covariances need.

    A path that has diverged (see `Observation.inside`) does not count at that step; the variable
    `moment_paths` says how many do.
    """

    def __init__(self, ensemble: Ensemble, schedule: Schedule) -> None:
        self._coordinates = ensemble.coordinates
        self._dtype = ensemble.dtype
        self._looks = schedule.looks
        self._trees: list[Pairs] = []

    def size(self) -> int:
        """Bytes that it will hold."""
        dim = len(self._coordinates)
        return self._looks * 8 * (1 + dim + 3 * dim * dim)

    def begin(self) -> None:
        """Get the memory, once it is known to be there, and the kernels."""
        from simdyn.recorders.kernels import merge, moments_of

        dim = len(self._coordinates)
        nothing = np.zeros((dim, 1), dtype=self._dtype)
        merge(*(moments_of(nothing, np.ones(1, dtype=bool), 0, 1) for _ in range(2)), dim)
        self._trees = [Pairs(lambda left, right: merge(left, right, dim)) for _ in range(self._looks)]

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        first, leaves = seen.first_path // LEAF, -(-seen.count // LEAF)
        for level, place in aligned_blocks(first, leaves):
            begin = ((place << level) - first) * LEAF
            self._trees[seen.look].add(level, place, seen.moments(begin, 1 << level))

    def coordinates(self) -> dict[str, Variable]:
        """The names of the coordinates a second time, for the columns of covariances."""
        names = np.array(self._coordinates)
        return {"other_coordinate": (("other_coordinate",), names, {"long_name": "column of a covariance"})}

    def variables(self, looks: int) -> dict[str, Variable]:
        """`mean`, `covariance`, their standard errors, and the number of paths behind them."""
        d = len(self._coordinates)
        nodes = np.stack([tree.total() for tree in self._trees[:looks]])
        n, mean = nodes[:, 0, None, None], nodes[:, 1 : 1 + d]
        second, _, fourth = (nodes[:, 1 + d + k * d * d :][:, : d * d].reshape(-1, d, d) for k in range(3))
        with np.errstate(all="ignore"):
            mean = np.where(n[:, 0] > 0, mean, np.nan)
            covariance = np.where(n > 1, second / (n - 1), np.nan)
            variance = np.diagonal(covariance, axis1=1, axis2=2)
            # The variance of a sample covariance, e.g. Kendall & Stuart, The Advanced Theory of Statistics 1,
            # with the fourth moment of the sample in place of the law's.
            product = variance[:, :, None] * variance[:, None, :]
            spread = (fourth / n - (n - 2) / (n - 1) * covariance**2 + product / (n - 1)) / n
            errors = np.sqrt(np.maximum(spread, 0.0))
            mean_errors = np.sqrt(variance / n[:, 0])
        rows, squares = ("step", "coordinate"), ("step", "coordinate", "other_coordinate")
        return {
            "mean": (rows, mean, {"long_name": "mean over paths"}),
            "mean_error": (rows, mean_errors, {"long_name": "standard error of the mean"}),
            "covariance": (squares, covariance, {"long_name": "covariance over paths, unbiased"}),
            "covariance_error": (squares, errors, {"long_name": "standard error of the covariance"}),
            "moment_paths": (
                ("step",),
                nodes[:, 0].astype(np.int64),
                {"long_name": "paths behind the moments; the others have diverged", "units": "paths"},
            ),
        }
