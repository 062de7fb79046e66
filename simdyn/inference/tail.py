"""The exponent of a power-law tail from independent values."""

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
