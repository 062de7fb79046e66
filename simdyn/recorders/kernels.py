"""Passes over the states of some paths, compiled: who is inside, moments, histograms, averages over time.

Sums are formed over leaves of `LEAF` paths, by halving, and then over the tree of pairs of
`simdyn.recorders.pairs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, uint64

from simdyn.noise.device import distinct_arrays
from simdyn.recorders.pairs import LEAF

_compiled: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")

# Unsigned: a signed index might be negative and count from the end, which keeps a loop from being vectorised.
QUARTER, TWO_QUARTERS, THREE_QUARTERS = (np.uint64(k * LEAF // 4) for k in (1, 2, 3))


@_compiled
def find_inside(x: Any, bound: float, inside: Any) -> Any:
    """Mark the paths of which no coordinate is NaN or as large as the bound; returns their number."""
    dim, paths = x.shape
    inside[:] = True
    for i in range(dim):
        for j in range(paths):
            inside[j] &= abs(x[i, j]) < bound
    count = 0
    for j in range(paths):
        count += inside[j]
    return count


@_compiled
def _halved(terms: Any, width: int) -> Any:
    """Sum of the first `width` terms, a power of two, which it overwrites."""
    half = uint64(width // 2)
    while half:
        for j in range(half):
            terms[j] += terms[j + half]
        half >>= uint64(1)
    return terms[0]


@_compiled
def _products(a: Any, squares: Any, b: Any, second: Any, third: Any, fourth: Any) -> None:
    """The first two halvings of the terms a b, a^2 b and (a b)^2."""
    distinct_arrays()
    for j in range(QUARTER):
        k, m, n = j + QUARTER, j + TWO_QUARTERS, j + THREE_QUARTERS
        at_j, at_k, at_m, at_n = a[j] * b[j], a[k] * b[k], a[m] * b[m], a[n] * b[n]
        second[j] = (at_j + at_m) + (at_k + at_n)
        third[j] = (squares[j] * b[j] + squares[m] * b[m]) + (squares[k] * b[k] + squares[n] * b[n])
        fourth[j] = (at_j * at_j + at_m * at_m) + (at_k * at_k + at_n * at_n)


@_compiled
def _skewed(squares: Any, b: Any, third: Any) -> None:
    """The first two halvings of the terms a^2 b."""
    distinct_arrays()
    for j in range(QUARTER):
        k, m, n = j + QUARTER, j + TWO_QUARTERS, j + THREE_QUARTERS
        third[j] = (squares[j] * b[j] + squares[m] * b[m]) + (squares[k] * b[k] + squares[n] * b[n])


@_compiled
def _leaf(x: Any, inside: Any, begin: int, node: Any, deviations: Any, squares: Any, terms: Any) -> None:
    """Moments of up to LEAF paths; those outside, and those that are missing, count as no path at all.

    A node holds the count, the d means, and the d x d sums of a_i a_j, of a_i^2 a_j and of a_i^2 a_j^2, where
    a are the deviations from the means.
    """
    dim = x.shape[0]
    first = uint64(begin)
    width = uint64(min(LEAF, x.shape[1] - begin))
    node[:] = 0.0
    count = 0.0
    for j in range(width):
        count += 1.0 if inside[first + j] else 0.0
    node[0] = count
    if count == 0.0:
        return
    whole = terms[:4].ravel()
    for i in range(dim):
        a = deviations[i]
        for j in range(width):
            whole[j] = a[j] = x[i, first + j] if inside[first + j] else 0.0
        whole[width:] = 0.0
        a[width:] = 0.0
        mean = _halved(whole, LEAF) / count
        node[1 + i] = mean
        for j in range(width):
            a[j] = a[j] - mean if inside[first + j] else 0.0
        for j in range(LEAF):
            squares[i, j] = a[j] * a[j]
    second, third, fourth = 1 + dim, 1 + dim + dim * dim, 1 + dim + 2 * dim * dim
    for i in range(dim):
        for k in range(i + 1):
            _products(deviations[i], squares[i], deviations[k], terms[0], terms[1], terms[2])
            node[second + i * dim + k] = node[second + k * dim + i] = _halved(terms[0], LEAF // 4)
            node[third + i * dim + k] = _halved(terms[1], LEAF // 4)
            node[fourth + i * dim + k] = node[fourth + k * dim + i] = _halved(terms[2], LEAF // 4)
        for k in range(i + 1, dim):
            _skewed(squares[i], deviations[k], terms[1])
            node[third + i * dim + k] = _halved(terms[1], LEAF // 4)


@_compiled
def _recentre(node: Any, dim: int, centre: Any) -> None:
    """Sums over deviations from another point: with a' = a + e and sum(a) = 0, by expanding the products."""
    n = node[0]
    second, third, fourth = 1 + dim, 1 + dim + dim * dim, 1 + dim + 2 * dim * dim
    for i in range(dim):
        e = node[1 + i] - centre[i]
        for k in range(dim):
            f = node[1 + k] - centre[k]
            node[fourth + i * dim + k] += (
                2.0 * f * node[third + i * dim + k]
                + 2.0 * e * node[third + k * dim + i]
                + 4.0 * e * f * node[second + i * dim + k]
                + f * f * node[second + i * dim + i]
                + e * e * node[second + k * dim + k]
                + n * (e * f) * (e * f)
            )
    for i in range(dim):
        e = node[1 + i] - centre[i]
        for k in range(dim):
            f = node[1 + k] - centre[k]
            node[third + i * dim + k] += (
                f * node[second + i * dim + i] + 2.0 * e * node[second + i * dim + k] + n * e * e * f
            )
    for i in range(dim):
        e = node[1 + i] - centre[i]
        for k in range(dim):
            f = node[1 + k] - centre[k]
            node[second + i * dim + k] += n * e * f
    for i in range(dim):
        node[1 + i] = centre[i]


@_compiled
def merge(left: Any, right: Any, dim: int) -> None:
    """Add the paths of the node `right` to the node `left`; destroys `right`."""
    if right[0] == 0.0:
        return
    if left[0] == 0.0:
        left[:] = right
        return
    share = right[0] / (left[0] + right[0])
    centre = np.empty(dim)
    for i in range(dim):
        centre[i] = left[1 + i] + (right[1 + i] - left[1 + i]) * share
    _recentre(left, dim, centre)
    _recentre(right, dim, centre)
    left[0] += right[0]
    for k in range(1 + dim, left.shape[0]):
        left[k] += right[k]


@_compiled
def moments_of(x: Any, inside: Any, begin: int, leaves: int) -> Any:
    """The node of `leaves` leaves, a power of two, that begin at column `begin` of `x`."""
    dim = x.shape[0]
    levels = 1
    while (1 << (levels - 1)) < leaves:
        levels += 1
    stack = np.empty((levels + 1, 1 + dim + 3 * dim * dim))
    deviations, squares, terms = np.empty((dim, LEAF)), np.empty((dim, LEAF)), np.empty((4, LEAF // 4))
    top = 0
    for leaf in range(leaves):
        _leaf(x, inside, begin + leaf * LEAF, stack[top], deviations, squares, terms)
        top += 1
        finished = leaf + 1
        while finished % 2 == 0:
            merge(stack[top - 2], stack[top - 1], dim)
            top -= 1
            finished //= 2
    return stack[0].copy()


@_compiled
def count_in_bins(values: Any, inside: Any, edges: Any, counts: Any, rest: Any) -> Any:
    """Add values to their bins [edge, next), the last one closed.

    Adds to `rest` how many lie below all bins, above all bins, and nowhere: paths outside, and what is not
    finite. Returns the least and the greatest of the others. The edges are (almost) equally spaced, so that a
    division finds the bin to within one; the edges have the last word.
    """
    bins = counts.shape[0]
    low, high = edges[0], edges[bins]
    scale = bins / (high - low)
    below = 0
    above = 0
    nowhere = 0
    least, greatest = math.inf, -math.inf
    for j in range(values.shape[0]):
        value = values[j]
        if not (inside[j] and abs(value) < math.inf):
            nowhere += 1
            continue
        least = min(least, value)
        greatest = max(greatest, value)
        if value < low:
            below += 1
        elif value > high:
            above += 1
        else:
            k = max(0, min(int((value - low) * scale), bins - 1))
            while k > 0 and value < edges[k]:
                k -= 1
            while k < bins - 1 and value >= edges[k + 1]:
                k += 1
            counts[k] += 1
    rest[0] += below
    rest[1] += above
    rest[2] += nowhere
    return least, greatest


@_compiled
def add_deviations(x: Any, inside: Any, starts: Any, sums: Any, squares: Any, begin: int) -> None:
    """Add the deviations from the starts and their squares to the sums of the paths from `begin` on.

    Those of a path outside are NaN for good.
    """
    dim, paths = x.shape
    own = slice(begin, begin + paths)
    for i in range(dim):
        if starts.shape[1] == 1:
            _add_from(x[i], inside, starts[i, 0], sums[i, own], squares[i, own])
        else:
            _add_from_own(x[i], inside, starts[i, own], sums[i, own], squares[i, own])


@_compiled
def _add_from(x: Any, inside: Any, start: Any, sums: Any, squares: Any) -> None:
    distinct_arrays()
    for j in range(x.shape[0]):
        deviation = x[j] - start if inside[j] else math.nan
        sums[j] += deviation
        squares[j] += deviation * deviation


@_compiled
def _add_from_own(x: Any, inside: Any, starts: Any, sums: Any, squares: Any) -> None:
    distinct_arrays()
    for j in range(x.shape[0]):
        deviation = x[j] - starts[j] if inside[j] else math.nan
        sums[j] += deviation
        squares[j] += deviation * deviation
