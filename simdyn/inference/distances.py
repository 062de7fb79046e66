"""Distances between laws that are given by their masses in bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

_RESAMPLES = 400


@dataclass(frozen=True)
class Distance:
    """A distance between a measured law and another one.

    Attributes
    ----------
    value
        Between the measured masses and the others.
    low, high
        A 95 % interval for the distance between the law that was measured and the other one, from the
        triangle inequality: it misses with at most 5 %.
    noise
        The 95 % quantile of the distance that the measured masses have from their own law.
    """

    value: float
    low: float
    high: float
    noise: float


def total_variation(difference: Array) -> Array:
    """Half the sum of absolute differences, over the last axis."""
    return np.asarray(0.5 * np.abs(difference).sum(axis=-1))


def kolmogorov_smirnov(difference: Array) -> Array:
    """The largest difference of distribution functions at edges of bins, over the last axis."""
    return np.asarray(np.abs(np.cumsum(difference, axis=-1)).max(axis=-1))


def wasserstein(difference: Array, widths: Array) -> Array:
    """The area between the distribution functions, over the last axis.

    Parameters
    ----------
    widths
        Shape (bins,), of which the last is not used: distance from the middle of each bin to that of the
        next. Mass within a bin counts as in its middle.
    """
    return np.asarray((np.abs(np.cumsum(difference, axis=-1)) * widths).sum(axis=-1))


def resampled_noise(counts: Array) -> Array:
    """What the measured masses may be off, shape (resamples, ...), from groups drawn with replacement.

    Parameters
    ----------
    counts
        Shape (G, ...): counts of independent groups.
    """
    groups = len(counts)
    rng = np.random.Generator(np.random.PCG64(0))
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=_RESAMPLES)
    flat = counts.reshape(groups, -1).astype(np.float64)
    drawn = weights @ flat
    masses = drawn / drawn.sum(axis=1, keepdims=True)
    # Drawing from G groups shows (G - 1) / G of the variance of their mean.
    stretch = np.sqrt(groups / max(1, groups - 1))
    noise = stretch * (masses - flat.sum(axis=0) / flat.sum())
    return np.asarray(noise.reshape(_RESAMPLES, *counts.shape[1:]))


def with_interval(value: float, of_noise: Array) -> Distance:
    """The distance with its interval; `of_noise` are the distances of resampled masses from the measured."""
    noise = float(np.quantile(of_noise, 0.95))
    return Distance(value, max(0.0, value - noise), value + noise, noise)
