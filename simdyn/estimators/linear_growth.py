"""How linearised SGD grows, measured: the typical path, and the mean square for as long as it can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simdyn.counts import check_states, whole_number
from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.engines.linear import log_lengths
from simdyn.errors import InputError
from simdyn.inference.sample import Interval, mean_of, quantile_of
from simdyn.noise import Seed

_SHORT = 40
"""Steps whose mean square is looked at."""

_FEWEST = 100.0
"""A mean square needs so many effective paths, by their shares in the sum and by the spread of logarithms."""

_WORK = 3e9


@dataclass(frozen=True)
class LinearGrowth:
    """Lengths of paths from a random direction of length 1.

    Attributes
    ----------
    marks
        Step numbers.
    log_lengths
        log|x| there, shape (paths, marks).
    """

    marks: np.ndarray
    log_lengths: np.ndarray

    @property
    def paths(self) -> int:
        """Number of paths."""
        return len(self.log_lengths)

    @property
    def steps(self) -> int:
        """Steps of each path."""
        return int(self.marks[-1])

    @cached_property
    def exponent(self) -> Interval:
        """Growth of log|x| per step, once a quarter of the steps is over: the top Lyapunov exponent.

        The mean over paths; minus infinity where a path lands exactly on the minimum.
        """
        first = int(np.searchsorted(self.marks, self.steps / 4))
        last, early = self.log_lengths[:, -1], self.log_lengths[:, first]
        if not np.isfinite(last).all():
            return Interval(-np.inf, -np.inf, -np.inf)
        return mean_of((last - early) / (self.marks[-1] - self.marks[first]))

    def mean_log(self, mark: int) -> Interval:
        """The mean of log|x| at one of `marks`, by its index."""
        logs = self.log_lengths[:, mark]
        return mean_of(logs) if np.isfinite(logs).all() else Interval(-np.inf, -np.inf, -np.inf)

    def median_log(self, mark: int) -> Interval:
        """The median of log|x|."""
        ordered = np.sort(self.log_lengths[:, mark])
        if np.isfinite(ordered).all():
            return quantile_of(ordered, 0.5)
        # Order statistics alone: between minus infinity and a number there is no interpolation.
        found = quantile_of(np.arange(len(ordered), dtype=float), 0.5)
        value, low, high = (
            float(ordered[int(np.clip(x, 0, len(ordered) - 1))]) for x in (found.value, found.low, found.high)
        )
        return Interval(value, low, high)

    @cached_property
    def visible_steps(self) -> int:
        """Up to how many steps the mean of |x|^2 over these paths tells anything about E|x|^2.

        The mean square rests on fewer and fewer of the paths, and in the end on one that nobody has run. It
        counts as seen while the paths, weighted by their shares in the sum, are worth at least 100, and while
        they would be by the variance V of log|x|^2, were it normal: paths / exp(V).
        """
        seen = 0
        for k, mark in enumerate(self.marks[self.marks <= _SHORT]):
            squares = 2 * self.log_lengths[:, k]
            if not np.isfinite(squares).all():
                break
            weights = np.exp(squares - squares.max())
            effective = float(weights.sum() ** 2 / np.sum(weights**2))
            if min(effective, self.paths * np.exp(-float(np.var(squares)))) < _FEWEST:
                break
            seen = int(mark)
        return seen

    def mean_square(self, step: int) -> Interval:
        """The mean of |x|^2 after a step that is visible.

        Raises
        ------
        InputError
            A step beyond `visible_steps`, or before the first.
        """
        if not 1 <= step <= self.visible_steps:
            raise InputError(
                f"The mean square after {step} steps is not to be seen in {self.paths:,} paths, only up to "
                f"step {self.visible_steps}: beyond, it is made by paths rarer than these."
            )
        return mean_of(np.exp(2 * self.log_lengths[:, int(np.searchsorted(self.marks, step))]))


def measure_growth(
    linear: LinearisedSGD,
    *,
    paths: int | None = None,
    steps: int | None = None,
    seed: Seed = 0,
    threads: int | None = None,
    first_path: int = 0,
) -> LinearGrowth:
    """Run an ensemble of the linear recursion.

    Parameters
    ----------
    linear
        The recursion.
    paths, steps
        By default 2,000 and 2,000, or fewer where the steps are dear.
    seed, threads, first_path
        As in `simdyn.engines.linear.log_lengths`.

    Raises
    ------
    InputError
        Fewer than two paths or steps.
    """
    if paths is None or steps is None:
        rows = linear.curvatures.factors
        one = linear.curvatures.dim * (linear.curvatures.dim if rows is None else 2 * rows.shape[1])
        share = float(np.clip(np.sqrt(_WORK / (4e6 * one * (linear.batch_size or 1))), 0.1, 1.0))
        paths = round(2000 * share) if paths is None else paths
        steps = round(2000 * share) if steps is None else steps
    paths, steps = whole_number("paths", paths, 2), whole_number("steps", steps, 2)
    later = np.unique(np.linspace(1, steps, 61).round().astype(np.int64))
    marks = np.union1d(np.arange(1, min(steps, _SHORT) + 1), later)
    # What is kept of a path is the length at each mark.
    check_states(paths, len(marks))
    logs = log_lengths(
        linear, paths=paths, marks=marks.tolist(), seed=seed, first_path=first_path, threads=threads
    )
    return LinearGrowth(marks, logs)
