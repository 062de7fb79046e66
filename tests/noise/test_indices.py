"""Sample indices against plain integers, and their laws: chi-square over everything that can come out."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from numba import njit
from reference_philox import words as plain_words
from scipy.stats import chi2

from simdyn.noise import Purpose
from simdyn.noise.indices import (
    SPARE,
    batch_bounds,
    draw_below,
    fill_normals,
    fill_normals_wide,
    keep_distinct,
    shuffle,
)

KEY = (0xDEADBEEF, 0x12345678)
RARE = 1e-6
"""Probability of a false alarm of each test of a law (the seeds are fixed, so that it cannot come and go)."""


@njit
def _draws(bounds, first_draw, path, key0, key1):
    found = np.empty(bounds.size, dtype=np.int64)
    words = np.empty(bounds.size + SPARE, dtype=np.uint64)
    draw_below(found, bounds, first_draw, bounds.size, path, key0, key1, words)
    return found


@njit
def _subsets(count, batch, size, path, key0, key1, distinct):
    found = np.empty(count * batch, dtype=np.int64)
    bounds = np.empty(count * batch, dtype=np.uint64)
    batch_bounds(bounds, batch, size, distinct)
    words = np.empty(count * batch + SPARE, dtype=np.uint64)
    draw_below(found, bounds, 0, count * batch, path, key0, key1, words)
    if distinct:
        keep_distinct(found, count, batch, size, np.zeros(size, dtype=np.int64), 0)
    return found.reshape(count, batch)


@njit
def _orders(epochs, size, path, key0, key1):
    found = np.empty((epochs, size), dtype=np.int64)
    draws = np.empty(size, dtype=np.int64)
    bounds = np.empty(size, dtype=np.uint64)
    words = np.empty(size + SPARE, dtype=np.uint64)
    for e in range(epochs):
        shuffle(found[e], e, path, key0, key1, draws, bounds, words)
    return found


def keys():
    return np.uint64(KEY[0]), np.uint64(KEY[1])


def draws(bounds, first_draw=0, path=3):
    return _draws(np.array(bounds, dtype=np.uint64), first_draw, np.uint64(path), *keys())


def plain_draw(draw, bound, path):
    """Lemire's method in plain integers."""
    threshold = 2**32 % bound
    word = plain_words(path, Purpose.MINIBATCH, draw // 4, KEY)[draw % 4]
    attempt = 0
    while (word * bound) % 2**32 < threshold:
        block = 2**55 | draw << 6 | attempt // 4
        word = plain_words(path, Purpose.MINIBATCH, block, KEY)[attempt % 4]
        attempt += 1
    return word * bound >> 32


def fits(counts, expected=None):
    """Chi-square test of counts against equal (or given) expectations."""
    counts = np.asarray(counts, dtype=float)
    expected = np.full(counts.shape, counts.sum() / counts.size) if expected is None else expected
    assert expected.min() > 20
    statistic = ((counts - expected) ** 2 / expected).sum()
    return chi2.sf(statistic, counts.size - 1) > RARE and chi2.cdf(statistic, counts.size - 1) > RARE


@pytest.mark.parametrize("path", [0, 5, 2**40 + 1])
@pytest.mark.parametrize("first_draw", [0, 1, 6, 4 * 10**9 + 3])
def test_draws_are_those_of_plain_integers(path, first_draw):
    bounds = [1, 2, 3, 7, 1000, 2**31, 2**31 + 1, 3 * 2**30, 2**32 - 1] * 3
    expected = [plain_draw(first_draw + k, bound, path) for k, bound in enumerate(bounds)]
    assert draws(bounds, first_draw, path).tolist() == expected


def test_words_that_favour_some_indices_are_replaced():
    """With 3 * 2**30 values a quarter of the words is refused; without that, every third index is twice as
    likely."""
    found = draws([3 * 2**30] * 60_000)
    assert fits(np.bincount(found % 3, minlength=3))
    assert fits(np.bincount(found >> 28, minlength=12))
    words = np.array(
        [plain_words(3, Purpose.MINIBATCH, k, KEY) for k in range(3_000)], dtype=np.uint64
    ).ravel()
    biased = (words * np.uint64(3 * 2**30)) >> np.uint64(32)
    assert not fits(np.bincount(biased.astype(np.int64) % 3, minlength=3))


@pytest.mark.parametrize(("size", "batch"), [(4, 1), (5, 2), (6, 3), (5, 4), (4, 4)])
def test_every_subset_is_equally_likely(size, batch):
    found = np.sort(_subsets(40_000, batch, size, np.uint64(1), *keys(), True), axis=1)
    assert (np.diff(found, axis=1) > 0).all()
    known = {subset: k for k, subset in enumerate(combinations(range(size), batch))}
    which = np.array([known[tuple(row)] for row in found.tolist()])
    if len(known) > 1:
        assert fits(np.bincount(which, minlength=len(known)))
        # Consecutive subsets are independent.
        pairs = which[:-1:2] * len(known) + which[1::2]
        if len(known) <= 20:
            assert fits(np.bincount(pairs, minlength=len(known) ** 2))


def test_draws_with_replacement_are_independent():
    size, batch = 3, 3
    found = _subsets(40_000, batch, size, np.uint64(1), *keys(), False)
    which = found @ np.array([9, 3, 1])
    assert fits(np.bincount(which, minlength=27))


def test_a_subset_is_not_a_set_of_independent_draws():
    found = np.sort(_subsets(40_000, 2, 3, np.uint64(1), *keys(), False), axis=1)
    assert (found[:, 0] == found[:, 1]).any()


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_permutation_is_equally_likely(size):
    found = _orders(30_000, size, np.uint64(2), *keys())
    known = {order: k for k, order in enumerate(permutations(range(size)))}
    which = np.array([known[tuple(row)] for row in found.tolist()])
    if size > 1:
        assert fits(np.bincount(which, minlength=len(known)))
        pairs = which[:-1:2] * len(known) + which[1::2]
        assert fits(np.bincount(pairs, minlength=len(known) ** 2))


@pytest.mark.parametrize("size", [5, 64, 1001])
def test_every_epoch_is_a_permutation(size):
    found = _orders(20, size, np.uint64(2), *keys())
    assert (np.sort(found, axis=1) == np.arange(size)).all()
    assert len({tuple(row) for row in found.tolist()}) > 10


@pytest.mark.parametrize(("fill", "noise"), [(fill_normals, "standard"), (fill_normals_wide, "wide")])
@pytest.mark.parametrize("first", [0, 3, 5, 18])
def test_normals_are_those_of_every_other_engine(normals_of, fill, noise, first):
    """Normal n of a path is the same number whether a kernel makes it in lanes or a path at a time."""
    from simdyn.noise import key_of

    expected = normals_of(1, paths=1, steps=first + 30, seed=4, noise=noise)[0, first:, 0]
    key0, key1 = (np.uint64(word) for word in key_of(4))
    normals, words = np.empty(30 + SPARE), np.empty(60 + 2 * SPARE, dtype=np.uint64)
    offset = fill(normals, first, 30, np.uint64(0), key0, key1, words)
    assert normals[offset : offset + 30].tolist() == expected.tolist()
