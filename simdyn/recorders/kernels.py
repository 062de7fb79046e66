"""Passes over the states of some paths, compiled: moments and histograms.

Sums are formed over leaves of `LEAF` paths, by halving, and then over the tree of pairs of
`simdyn.recorders.pairs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from simdyn.recorders.pairs import LEAF

_compiled: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def _sum(terms: Any) -> Any:
    half = LEAF // 2
    while half:
        for j in range(half):
            terms[j] += terms[j + half]
        half //= 2
    return terms[0]


@_compiled
def _leaf(x: Any, inside: Any, begin: int, node: Any, deviations: Any, terms: Any) -> None:
    """Moments of up to LEAF paths; those outside, and those that are missing, count as no path at all.

    A node holds the count, the d means, and the d x d sums of a_i a_j, of a_i^2 a_j and of a_i^2 a_j^2, where
    a are the deviations from the means.
    """
    dim = x.shape[0]
    width = min(LEAF, x.shape[1] - begin)
    node[:] = 0.0
    count = 0.0
    for j in range(width):
        count += 1.0 if inside[begin + j] else 0.0
    node[0] = count
    if count == 0.0:
        return
    for i in range(dim):
        for j in range(width):
            terms[j] = x[i, begin + j] if inside[begin + j] else 0.0
        terms[width:] = 0.0
        mean = _sum(terms) / count
        node[1 + i] = mean
        for j in range(width):
            deviations[i, j] = x[i, begin + j] - mean if inside[begin + j] else 0.0
        deviations[i, width:] = 0.0
    second, third, fourth = 1 + dim, 1 + dim + dim * dim, 1 + dim + 2 * dim * dim
    for i in range(dim):
        for k in range(dim):
            for j in range(LEAF):
                terms[j] = deviations[i, j] * deviations[i, j] * deviations[k, j]
            node[third + i * dim + k] = _sum(terms)
            if k > i:
                continue
            for j in range(LEAF):
                terms[j] = deviations[i, j] * deviations[k, j]
            node[second + i * dim + k] = node[second + k * dim + i] = _sum(terms)
            for j in range(LEAF):
                product = deviations[i, j] * deviations[k, j]
                terms[j] = product * product
            node[fourth + i * dim + k] = node[fourth + k * dim + i] = _sum(terms)


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
    deviations, terms = np.empty((dim, LEAF)), np.empty(LEAF)
    top = 0
    for leaf in range(leaves):
        _leaf(x, inside, begin + leaf * LEAF, stack[top], deviations, terms)
        top += 1
        finished = leaf + 1
        while finished % 2 == 0:
            merge(stack[top - 2], stack[top - 1], dim)
            top -= 1
            finished //= 2
    return stack[0].copy()


@_compiled
def count_in_bins(values: Any, counted: Any, edges: Any, counts: Any) -> Any:
    """Add values to their bins [edge, next), the last one closed; returns those below and above all bins.

    The edges are (almost) equally spaced, so that a division finds the bin to within one; the edges have the
    last word.
    """
    bins = counts.shape[0]
    low, high = edges[0], edges[bins]
    scale = bins / (high - low)
    below = 0
    above = 0
    for j in range(values.shape[0]):
        if not counted[j]:
            continue
        value = values[j]
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
    return below, above
