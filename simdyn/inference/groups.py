"""Averages over independent groups: values, 95 % intervals, and how many independent draws they are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Figures:
    """One measured number or several, each with its interval.

    Attributes
    ----------
    value, error
        Values and their standard errors, of one shape.
    low, high
        Ends of the 95 % intervals.
    ess
        Effective sample size: how many independent draws would have this standard error; NaN where the
        spread of a single draw is not known.
    """

    value: Any
    error: Any
    low: Any
    high: Any
    ess: Any

    def __getitem__(self, index: Any) -> Figures:
        """Some of them."""
        return Figures(
            *(np.asarray(a)[index] for a in (self.value, self.error, self.low, self.high, self.ess))
        )

    def contains(self, value: Any) -> Any:
        """Whether values lie in the intervals."""
        return (np.asarray(value) >= self.low) & (np.asarray(value) <= self.high)


def jackknife(
    sums: Array, function: Callable[[Array], Any], spread: Callable[[Array], Any] | None = None
) -> Figures:
    """A function of averages over independent groups, with its error from leaving out each group once.

    The value is that of all groups together. The error is that of Student's t with one degree of freedom less
    than there are groups, and makes no use of how values within a group depend on one another.

    Parameters
    ----------
    sums
        Shape (G, ...): what each group adds to the sums over all.
    function
        From sums, shape (...), to a number or an array.
    spread
        From sums to the variance of a single draw of what is averaged, for the effective sample size.
    """
    from scipy import stats

    groups = len(sums)
    total = sums.sum(axis=0)
    with np.errstate(all="ignore"):
        value = np.asarray(function(total), dtype=np.float64)
        if groups < 2:
            error = np.full(value.shape, np.inf)
        else:
            left = np.stack([np.asarray(function(total - one), dtype=np.float64) for one in sums])
            error = np.sqrt((groups - 1) / groups * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
        single = (
            np.full(value.shape, np.nan) if spread is None else np.asarray(spread(total), dtype=np.float64)
        )
        ess = np.where(error > 0, single / error**2, np.nan)
    width = float(stats.t.ppf(0.975, max(1, groups - 1)))
    return Figures(*(_plain(a) for a in (value, error, value - width * error, value + width * error, ess)))


def agreement_of_halves(first: Array, second: Array) -> Array:
    """p-values of the hypothesis that groups have the same mean in two stretches of time.

    Parameters
    ----------
    first, second
        Shape (G, k): averages of k quantities in each group.
    """
    from scipy import stats

    change = second - first
    groups = len(change)
    if groups < 3:
        return np.ones(change.shape[1])
    with np.errstate(all="ignore"):
        error = change.std(axis=0, ddof=1) / np.sqrt(groups)
        score = np.where(error > 0, np.abs(change.mean(axis=0)) / error, 0.0)
    # What changes alike in all groups to the last digit has not settled either.
    score = np.where((error == 0) & (change.mean(axis=0) != 0), np.inf, score)
    return np.asarray(2 * stats.t.sf(score, groups - 1))


def scale_reduction(series: Array) -> Array:
    """The potential scale reduction of Gelman & Rubin (1992), 1 where groups have the same law.

    Parameters
    ----------
    series
        Shape (G, T, k): k quantities over time in each group.
    """
    groups, times, count = series.shape
    if groups < 2 or times < 2:
        return np.ones(count)
    with np.errstate(all="ignore"):
        within = series.var(axis=1, ddof=1).mean(axis=0)
        between = series.mean(axis=1).var(axis=0, ddof=1)
        ratio = np.sqrt((times - 1) / times + between / within)
    # Where nothing moves within groups, they either agree or never will.
    still = np.where(between > 0, np.inf, 1.0)
    return np.asarray(np.where(within > 0, ratio, still))


def _plain(array: Array) -> Any:
    return float(array) if array.ndim == 0 else array
