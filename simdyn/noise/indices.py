"""Random sample indices as Numba device functions: independent draws, subsets, permutations.

All are exact in distribution. Draw number k of a path uses word k mod 4 of block k div 4 of purpose
MINIBATCH; a word is mapped to 0 ... bound - 1 by multiplication, and the few words that would favour some
indices are replaced (Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019)).
Replacements come from blocks with bit 55 set, where the number of the draw is part of the block number, so
that they too depend on (seed, path, draw) alone. Draws are numbered as follows, so that any step can be
reached without the ones before:

- batches of B: step s uses draws s B to s B + B - 1;
- shuffled epochs of n samples: epoch e uses the draws from 4 ceil(n/4) e on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import int64, njit, uint64

from simdyn.noise.device import normal_pair, normal_pair_wide, philox
from simdyn.noise.purposes import Purpose

_compiled: Callable[..., Any] = njit(nogil=True, error_model="numpy")

_LOW = uint64(0xFFFFFFFF)
_32 = uint64(32)
_MINIBATCH = uint64(int(Purpose.MINIBATCH) << 24)
_GAUSSIAN = uint64(int(Purpose.GAUSSIAN) << 24)
_GAUSSIAN_WIDE = uint64(int(Purpose.GAUSSIAN_WIDE) << 24)
_REPLACEMENTS = uint64(1 << 55)

SPARE = 40
"""A buffer of words or normals has to be this much longer than what it serves: that may begin within a
block, and blocks are made eight at a time."""


@_compiled
def fill_words(words, first_block, blocks, purpose, path, key0, key1):  # type: ignore[no-untyped-def]
    """Consecutive blocks of a path, four words each; a few more than asked for, to fill whole vectors."""
    high = path >> _32
    for q in range((blocks + 7) & -8):
        counter = uint64(first_block + q)
        w0, w1, w2, w3 = philox(counter, (counter >> _32) | purpose, path, high, key0, key1)
        words[4 * q] = w0
        words[4 * q + 1] = w1
        words[4 * q + 2] = w2
        words[4 * q + 3] = w3


@_compiled
def replaced_draw(draw, bound, path, key0, key1):  # type: ignore[no-untyped-def]
    """The index that a draw gets after its word was refused; each new word is accepted with a probability
    above one half, so that all of the 256 are refused never."""
    threshold = uint64(0x100000000) % bound
    for attempt in range(64):
        counter = _REPLACEMENTS | (uint64(draw) << uint64(6)) | uint64(attempt)
        for word in philox(counter, (counter >> _32) | _MINIBATCH, path, path >> _32, key0, key1):
            product = word * bound
            if (product & _LOW) >= threshold:
                return int64(product >> _32)
    return int64(0)


@_compiled
def draw_below(indices, bounds, first_draw, count, path, key0, key1, words):  # type: ignore[no-untyped-def]
    """indices[k] uniform in 0 ... bounds[k] - 1, for draws first_draw + k of a path."""
    first_block = first_draw >> 2
    offset = first_draw & 3
    fill_words(words, first_block, (offset + count + 3) >> 2, _MINIBATCH, path, key0, key1)
    doubtful = 0
    for k in range(count):
        # The masks tell the compiler that a 32 x 32 bit multiplication will do.
        product = (words[offset + k] & _LOW) * (bounds[k] & _LOW)
        indices[k] = int64(product >> _32)
        doubtful |= int64(product & _LOW) < int64(bounds[k] & _LOW)
    if doubtful:
        for k in range(count):
            low = (words[offset + k] * bounds[k]) & _LOW
            if low < bounds[k] and low < uint64(0x100000000) % bounds[k]:
                indices[k] = replaced_draw(first_draw + k, bounds[k], path, key0, key1)


@_compiled
def batch_bounds(bounds, batch, size, distinct):  # type: ignore[no-untyped-def]
    """The bounds of the draws of consecutive batches; see `keep_distinct` for those of subsets."""
    for k in range(bounds.size):
        bounds[k] = uint64(size - batch + 1 + k % batch) if distinct else uint64(size)


@_compiled
def keep_distinct(indices, batches, batch, size, stamps, tick):  # type: ignore[no-untyped-def]
    """Turn draws into uniform subsets: Floyd's method (Bentley & Floyd, Communications of the ACM 30 (1987)).

    Element m of a subset is a draw from 0 ... j, j = size - batch + m, or j itself if that draw is in the
    subset already. `stamps` remembers for each sample the last subset that it was in; `tick` counts subsets.
    Returns the new tick.
    """
    k = 0
    for _ in range(batches):
        tick += 1
        for j in range(size - batch, size):
            chosen = indices[k]
            if stamps[chosen] == tick:
                chosen = j
                indices[k] = j
            stamps[chosen] = tick
            k += 1
    return tick


@_compiled
def shuffle(order, epoch, path, key0, key1, draws, bounds, words):  # type: ignore[no-untyped-def]
    """A uniform permutation of 0 ... n - 1 for one epoch of a path (Fisher and Yates)."""
    size = order.size
    for i in range(size):
        order[i] = i
        bounds[i] = uint64(size - i)
    draw_below(draws, bounds, epoch * (4 * ((size + 3) >> 2)), size, path, key0, key1, words)
    for i in range(size):
        other = i + draws[i]
        kept = order[other]
        order[other] = order[i]
        order[i] = kept


@_compiled
def fill_normals(normals, first, count, path, key0, key1, words):  # type: ignore[no-untyped-def]
    """Normals first ... first + count - 1 of a path from normals[returned offset] on, four to a block."""
    offset = first & 3
    blocks = (offset + count + 3) >> 2
    fill_words(words, first >> 2, blocks, _GAUSSIAN, path, key0, key1)
    for q in range((2 * blocks + 7) & -8):
        normals[2 * q], normals[2 * q + 1] = normal_pair(words[2 * q], words[2 * q + 1])
    return offset


@_compiled
def fill_normals_wide(normals, first, count, path, key0, key1, words):  # type: ignore[no-untyped-def]
    """The same with 52 bits of radius, two to a block."""
    offset = first & 1
    blocks = (offset + count + 1) >> 1
    fill_words(words, first >> 1, blocks, _GAUSSIAN_WIDE, path, key0, key1)
    for q in range((blocks + 7) & -8):
        w = 4 * q
        normals[2 * q], normals[2 * q + 1] = normal_pair_wide(
            words[w], words[w + 1], words[w + 2], words[w + 3]
        )
    return offset
