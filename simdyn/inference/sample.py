"""Mean, spread and quantiles of a sample of independent values, with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 95 % interval, infinite where the sample gives no bound."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return 0.5 * (self.high - self.low)

    def mapped(self, rising: Callable[[float], float]) -> Interval:
        """The interval of a rising function of the value."""
        return Interval(rising(self.value), rising(self.low), rising(self.high))


def mean_of(sample: np.ndarray) -> Interval:
    """The mean, within 1.96 standard errors; no bounds from fewer than two values."""
    n = len(sample)
    mean = float(np.mean(sample)) if n else math.nan
    error = float(np.std(sample, ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Interval(mean, mean - NORMAL_975 * error, mean + NORMAL_975 * error)


def means_over_runs(
    values: np.ndarray, *, logarithmic: bool = False, skipna: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means along the last axis, and the ends of Student's 95 % intervals.

    Parameters
    ----------
    values
        Shape (..., runs). Of a single run the ends are the value itself, of none they are NaN.
    logarithmic
        Geometric means.
    skipna
        Leave out what is not finite; otherwise it makes the mean and its ends NaN or infinite.

    Returns
    -------
    tuple
        Mean, lower end, upper end, each of shape (...).
    """
    from scipy.stats import t

    kept = np.log(values) if logarithmic else np.asarray(values, dtype=float)
    known = np.isfinite(kept) if skipna else np.full(kept.shape, True)
    count = known.sum(-1)
    mean = np.where(count > 0, np.where(known, kept, 0.0).sum(-1) / np.maximum(count, 1), np.nan)
    squares = np.where(known, (kept - mean[..., None]) ** 2, 0.0).sum(-1)
    degrees = np.maximum(count - 1, 1)
    half = t.ppf(0.975, degrees) * np.sqrt(squares / degrees / np.maximum(count, 1))
    ends = mean, mean - np.where(count > 1, half, 0.0), mean + np.where(count > 1, half, 0.0)
    return tuple(np.exp(end) for end in ends) if logarithmic else ends  # type: ignore[return-value]


def share_of(hits: np.ndarray) -> Interval:
    """The share of true values, with an interval that covers it with at least 95 % (Clopper and Pearson)."""
    from scipy.stats import binomtest

    count, n = int(np.count_nonzero(hits)), len(hits)
    if n == 0:
        return Interval(math.nan, 0.0, 1.0)
    ends = binomtest(count, n).proportion_ci()
    return Interval(count / n, float(ends.low), float(ends.high))


def deviation_of(sample: np.ndarray) -> Interval:
    """The standard deviation, with the error of the variance that the sample's fourth moment gives."""
    n = len(sample)
    if n < 2:
        return Interval(math.nan, 0.0, math.inf)
    variance = float(np.var(sample, ddof=1))
    if variance == 0.0:
        return Interval(0.0, 0.0, 0.0)
    fourth = float(np.mean((sample - np.mean(sample)) ** 4))
    error = math.sqrt(max(0.0, (fourth - (n - 3) / (n - 1) * variance**2) / n))
    low, high = max(0.0, variance - NORMAL_975 * error), variance + NORMAL_975 * error
    return Interval(math.sqrt(variance), math.sqrt(low), math.sqrt(high))


def quantile_of(ordered: np.ndarray, share: float) -> Interval:
    """A quantile, between two order statistics that cover it with at least 95 % for any continuous law.

    Parameters
    ----------
    ordered
        The sample in ascending order.
    share
        Share of the law below the quantile.
    """
    from scipy import stats

    n = len(ordered)
    if n == 0:
        return Interval(math.nan, -math.inf, math.inf)
    # The number of values below the quantile is binomial: the k-th order statistic (from 1) lies below it
    # when at least k values do.
    low, high = (int(stats.binom.ppf(p, n, share)) for p in (0.025, 0.975))
    value = float(np.quantile(ordered, share))
    return Interval(
        value,
        float(ordered[low - 1]) if low >= 1 else -math.inf,
        float(ordered[high]) if high < n else math.inf,
    )
