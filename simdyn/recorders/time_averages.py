"""Mean and variance over the later recorded steps of every path, with standard errors from the paths."""

from __future__ import annotations

import numpy as np

from simdyn.recorders.ensemble import Ensemble, Schedule
from simdyn.recorders.observation import Observation, Variable


class TimeAveragesRecorder:
    """Averages over paths and over the recorded steps beyond a burn-in.

    Steps of one path are correlated, paths are not: the standard errors come from the spread of the paths'
    own averages. A path that has diverged at any of these steps is left out; the variable `time_paths` says
    how many are not.

    Parameters
    ----------
    starts
        Shape (d, 1) or (d, paths): where paths start; sums are formed over deviations from there.
    burn_in
        The first recorded step that counts is the first one beyond this step.
    """

    def __init__(self, ensemble: Ensemble, schedule: Schedule, starts: np.ndarray, burn_in: int) -> None:
        self._shape = (ensemble.dim, ensemble.paths)
        self._dtype = ensemble.dtype
        self._starts = np.ascontiguousarray(starts, dtype=np.float64)
        self._first_look = burn_in // schedule.every + 1
        self._sums = np.zeros((0, 0))
        self._squares = np.zeros((0, 0))

    def size(self) -> int:
        """Bytes that it will hold."""
        return 2 * 8 * self._shape[0] * self._shape[1]

    def begin(self) -> None:
        """Get the memory, once it is known to be there, and the kernel."""
        from simdyn.recorders.kernels import add_deviations

        nothing, nobody = np.zeros((self._shape[0], 0), dtype=self._dtype), np.zeros(0, dtype=bool)
        self._sums, self._squares = np.zeros(self._shape), np.zeros(self._shape)
        add_deviations(nothing, nobody, self._starts, self._sums, self._squares, 0)

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        if seen.look < self._first_look:
            return
        from simdyn.recorders.kernels import add_deviations

        add_deviations(seen.x, seen.inside, self._starts, self._sums, self._squares, seen.first_path)

    def coordinates(self) -> dict[str, Variable]:
        """None of its own."""
        return {}

    def variables(self, looks: int) -> dict[str, Variable]:
        """`time_mean`, `time_variance`, their standard errors, and the number of paths behind them."""
        counted = max(0, looks - self._first_look)
        kept = np.isfinite(self._sums).all(axis=0) if counted else np.zeros(self._shape[1], dtype=bool)
        n = int(kept.sum())
        nothing = np.full(self._shape[0], np.nan)
        mean = variance = mean_error = variance_error = nothing
        if n:
            starts = self._starts if self._starts.shape[1] == 1 else self._starts[:, kept]
            sums, squares = (np.ascontiguousarray(a[:, kept]) / counted for a in (self._sums, self._squares))
            mean, mean_error = _over_paths(starts + sums)
            gap = starts - mean[:, None]
            variance, variance_error = _over_paths(squares + 2.0 * gap * sums + gap * gap)
        note = f"over paths and the {counted} recorded steps beyond the burn-in"
        return {
            "time_mean": (("coordinate",), mean, {"long_name": f"mean {note}"}),
            "time_mean_error": (("coordinate",), mean_error, {"long_name": "standard error of time_mean"}),
            "time_variance": (("coordinate",), variance, {"long_name": f"variance {note}"}),
            "time_variance_error": (
                ("coordinate",),
                variance_error,
                {"long_name": "standard error of time_variance"},
            ),
            "time_paths": (
                (),
                np.array(n, dtype=np.int64),
                {"long_name": "paths behind the time averages; the others have diverged", "units": "paths"},
            ),
        }


def _over_paths(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over paths and its standard error, which one path alone does not give."""
    n = values.shape[1]
    mean = values.mean(axis=1)
    spread = values.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(values), np.nan)
    return mean, spread
