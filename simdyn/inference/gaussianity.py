"""How far values are from the Gaussian law that has their mean and variance, and whether that is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simdyn.inference.sample import Interval, mean_of

Array = np.ndarray

DKW_975 = math.sqrt(math.log(2 / 0.05) / 2)
"""Times n^(-1/2): at most so far is a sample's distribution function from that of its law, with 95 %."""


@dataclass(frozen=True)
class GaussianityTest:
    """Standardised values beside the standard normal law.

    Attributes
    ----------
    p_value
        Of Kolmogorov's test that they are standard normal; exact for independent values.
    distance
        Largest difference of the distribution functions, with the interval of Dvoretzky, Kiefer, Wolfowitz &
        Massart, which holds for any law.
    skewness, kurtosis
        Third moment, and fourth less 3.
    """

    p_value: float
    distance: Interval
    skewness: Interval
    kurtosis: Interval


def check_gaussianity(values: Array) -> GaussianityTest:
    """Hold independent values, whose mean 0 and variance 1 are known and not estimated, against N(0, 1)."""
    from scipy import stats

    found = stats.kstest(values, "norm")
    distance = float(found.statistic)
    reach = DKW_975 / math.sqrt(len(values))
    third, fourth = mean_of(values**3), mean_of(values**4)
    return GaussianityTest(
        float(found.pvalue),
        Interval(distance, max(0.0, distance - reach), min(1.0, distance + reach)),
        third,
        Interval(fourth.value - 3, fourth.low - 3, fourth.high - 3),
    )


def edgeworth_distance(skewness: Array, kurtosis: Array) -> Array:
    """Largest difference between N(0, 1) and the law with these cumulants, to second order of Edgeworth.

    phi(z) |g1 (z^2 - 1) / 6 + g2 (z^3 - 3 z) / 24 + g1^2 (z^5 - 10 z^3 + 15 z) / 72|, at its largest. For
    sums of many values.

    Parameters
    ----------
    skewness, kurtosis
        g1 and g2, of one shape, which the result has.
    """
    z = np.linspace(-6, 6, 2401)
    bell = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    g1, g2 = (np.asarray(g, dtype=float)[..., None] for g in (skewness, kurtosis))
    terms = g1 * (z**2 - 1) / 6 + g2 * (z**3 - 3 * z) / 24 + g1**2 * (z**5 - 10 * z**3 + 15 * z) / 72
    return np.asarray(np.abs(bell * terms).max(axis=-1))


def batch_cumulants(values: Array, batch: int, replacement: bool) -> tuple[Array, Array]:
    """Skewness and excess kurtosis of the mean over a random batch of n values, exact.

    With replacement g1 / sqrt(B) and g2 / B. For a uniform subset by the moments of sampling from a finite
    population (Sukhatme 1938).

    Parameters
    ----------
    values
        Shape (n, ...).
    batch
        B, at most n for a subset.
    replacement
        Whether a value may be drawn several times.

    Returns
    -------
    tuple of numpy.ndarray
        Shape (...); NaN where the mean over a batch does not vary.
    """
    n, b = len(values), batch
    away = values - values.mean(axis=0)
    second, third, fourth = ((away**k).mean(axis=0) for k in (2, 3, 4))
    with np.errstate(all="ignore"):
        g1, g2 = third / second**1.5, fourth / second**2 - 3
        if replacement:
            return np.asarray(g1 / math.sqrt(b)), np.asarray(g2 / b)
        if n == b:
            return np.full(second.shape, np.nan), np.full(second.shape, np.nan)
        if b == 1 or b == n - 1:
            # One value drawn, or one left out.
            return np.asarray(g1 if b == 1 else -g1), np.asarray(g2)
        # Three samples have no batch but these.
        variance = (n - b) / (b * (n - 1)) * second
        cubed = (n - b) * (n - 2 * b) / (b**2 * (n - 1) * (n - 2)) * third
        squared = (n * n - 6 * n * b + n + 6 * b * b) * fourth + 3 * n * (b - 1) * (n - b - 1) * second**2
        squared = (n - b) / (b**3 * (n - 1) * (n - 2) * (n - 3)) * squared
        return np.asarray(cubed / variance**1.5), np.asarray(squared / variance**2 - 3)
