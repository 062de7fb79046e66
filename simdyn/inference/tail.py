"""The exponent of a heavy tail from independent values: Hill's, and that of a stable law by its sums."""

from __future__ import annotations

import math

import numpy as np

from simdyn.inference.sample import NORMAL_975, Interval


def tail_index(sample: np.ndarray, share: float | None = None) -> Interval:
    """Hill's estimate of alpha in P(|x| > t) ~ t^(-alpha), from the largest absolute values.

    For values without a power-law tail it is large, and grows with the sample.

    Parameters
    ----------
    sample
        Independent values, measured from their centre.
    share
        Share of the sample that counts as tail; by default 2 / sqrt(n), at least ten values.

    Returns
    -------
    Interval
        Alpha within 1.96 standard errors alpha / sqrt(k); no bounds from fewer than ten values in the tail.
    """
    sizes = np.sort(np.abs(sample))[::-1]
    n = len(sizes)
    k = max(10, int(n * share) if share is not None else int(2 * math.sqrt(n)))
    if n <= k or not sizes[k] > 0 or not np.isfinite(sizes[0]):
        return Interval(math.nan, 0.0, math.inf)
    mean = float(np.mean(np.log(sizes[:k] / sizes[k])))
    if mean == 0.0:
        return Interval(math.inf, 0.0, math.inf)
    alpha = 1.0 / mean
    error = NORMAL_975 / math.sqrt(k)
    return Interval(alpha, max(0.0, alpha * (1 - error)), alpha * (1 + error))


def stable_index(sample: np.ndarray, block: int | None = None) -> Interval:
    """Alpha of a symmetric alpha-stable law, from how sums of values grow with their number.

    1 / alpha is the mean of log|sum of K| - (mean of log|x|), over blocks of K values, divided by log K
    (Mohammadi, Mohammadpour & Ogata 2015). 2 for Gaussian values whatever their scale; but only where all
    values have the same scale. Other laws of finite variance have the value 2 in the limit of long blocks
    only.

    Parameters
    ----------
    sample
        Independent values, measured from their centre; those that fill no block are left out.
    block
        K; by default the whole part of the root of the number of values.

    Returns
    -------
    Interval
        Alpha, with the ends of the interval for 1 / alpha that the spread between blocks gives. No value
        where a value or the sum of a block is exactly zero, whose logarithm has no mean.
    """
    values = np.asarray(sample, dtype=float)
    size = math.isqrt(len(values)) if block is None else int(block)
    count = len(values) // size if size > 1 else 0
    if count < 2:
        return Interval(math.nan, 0.0, math.inf)
    blocks = values[: count * size].reshape(count, size)
    with np.errstate(all="ignore"):
        growth = np.log(np.abs(blocks.sum(axis=1))) - np.log(np.abs(blocks)).mean(axis=1)
    if not np.isfinite(growth).all():
        return Interval(math.nan, 0.0, math.inf)
    inverse = float(growth.mean()) / math.log(size)
    error = NORMAL_975 * float(growth.std(ddof=1)) / math.sqrt(count) / math.log(size)
    low, high = inverse - error, inverse + error
    if high <= 0:
        return Interval(math.inf, 0.0, math.inf)
    return Interval(1 / inverse if inverse > 0 else math.inf, 1 / high, 1 / low if low > 0 else math.inf)


def pooled_index(scales: np.ndarray, block: int) -> float:
    """What `stable_index` gives for Gaussian values of several scales in one sample, about.

    1 / alpha = 1/2 + (log of the mean of s^2 / 2 - mean of log s) / log K. For a scale that is log-normal
    with the standard deviation tau of its logarithm that is 1/2 + tau^2 / log K: a heavy tail that no
    value has.

    Parameters
    ----------
    scales
        Standard deviations s that are equally frequent.
    block
        K.
    """
    s = np.asarray(scales, dtype=float)
    excess = 0.5 * math.log(float((s**2).mean())) - float(np.log(s).mean())
    return 1.0 / (0.5 + excess / math.log(block))
