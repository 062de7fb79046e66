"""The law of a batch's mean curvature, listed with its probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import comb, lgamma

import numpy as np

from simdyn.exact.errors import NoReference

Array = np.ndarray

MOST_BATCHES = 1 << 16
"""Laws with more different batches are not listed."""


def batch_law(curvatures: Array, batch_size: int | None, sampling: str) -> tuple[Array, Array]:
    """The mean curvatures that a batch can have, and how probable they are.

    Samples that are alike are counted, not told apart. A batch of a shuffled epoch is, taken alone, a uniform
    subset.

    Parameters
    ----------
    curvatures
        Of each sample along k directions, shape (n, k).
    batch_size, sampling
        As in `LinearisedSGD`.

    Returns
    -------
    means, probabilities
        Shape (m, k) and (m,).

    Raises
    ------
    NoReference
        More than 65,536 different batches.
    """
    if batch_size is None or (sampling != "with_replacement" and batch_size == len(curvatures)):
        return curvatures.mean(axis=0, keepdims=True), np.ones(1)
    kinds, counts = np.unique(curvatures, axis=0, return_counts=True)
    distinct = sampling != "with_replacement"
    if not distinct and comb(batch_size + len(kinds) - 1, len(kinds) - 1) > MOST_BATCHES:
        raise _too_many(batch_size, len(kinds))
    numbers = []
    for drawn in compositions(batch_size, counts.tolist() if distinct else [batch_size] * len(kinds)):
        numbers.append(drawn)
        if len(numbers) > MOST_BATCHES:
            raise _too_many(batch_size, len(kinds))
    drawn_of = np.array(numbers)
    if distinct:
        n = len(curvatures)
        logs = sum(_log_binomial(int(c), drawn_of[:, k]) for k, c in enumerate(counts))
        logs = logs - _log_binomial(n, np.array([batch_size]))
    else:
        shares = np.log(counts / counts.sum())
        logs = lgamma(batch_size + 1) - _log_factorial(drawn_of).sum(axis=1) + drawn_of @ shares
    probabilities = np.exp(logs)
    return drawn_of @ kinds / batch_size, probabilities / probabilities.sum()


def compositions(total: int, most: list[int]) -> Iterator[tuple[int, ...]]:
    """All ways to draw `total` items from kinds of which there are at most so many each."""
    if len(most) == 1:
        if total <= most[0]:
            yield (total,)
        return
    rest = sum(most[1:])
    for first in range(max(0, total - rest), min(total, most[0]) + 1):
        for others in compositions(total - first, most[1:]):
            yield (first, *others)


def _log_binomial(n: int, k: Array) -> Array:
    return np.asarray(lgamma(n + 1) - _log_factorial(k) - _log_factorial(n - k))


def _log_factorial(values: Array) -> Array:
    unique, inverse = np.unique(values, return_inverse=True)
    return np.array([_lgamma(int(v)) for v in unique])[inverse].reshape(values.shape)


@lru_cache(maxsize=4096)
def _lgamma(value: int) -> float:
    return lgamma(value + 1)


def _too_many(batch_size: int, kinds: int) -> NoReference:
    return NoReference(
        f"Batches of {batch_size} from {kinds} different samples have more than {MOST_BATCHES:,} different "
        "curvatures, too many to list."
    )
