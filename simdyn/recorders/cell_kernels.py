"""Passes over the states of some paths, compiled: sums and counts for each cell of neighbouring paths.

A cell is `width` consecutive paths, a power of two that divides a leaf: its paths are always together in one
thread, and sums over a cell and over time are formed in one order whatever the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

_compiled: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")

FEW_EDGES = 16
"""Up to so many edges are counted rather than searched."""


@_compiled
def _product(a: Any, b: Any) -> float:
    """Sum of a b, in eight interleaved parts, which processors add side by side."""
    p0 = p1 = p2 = p3 = p4 = p5 = p6 = p7 = 0.0
    whole = len(a) // 8 * 8
    for j in range(0, whole, 8):
        p0 += a[j] * b[j]
        p1 += a[j + 1] * b[j + 1]
        p2 += a[j + 2] * b[j + 2]
        p3 += a[j + 3] * b[j + 3]
        p4 += a[j + 4] * b[j + 4]
        p5 += a[j + 5] * b[j + 5]
        p6 += a[j + 6] * b[j + 6]
        p7 += a[j + 7] * b[j + 7]
    rest = 0.0
    for j in range(whole, len(a)):
        rest += a[j] * b[j]
    return (((p0 + p4) + (p2 + p6)) + ((p1 + p5) + (p3 + p7))) + rest


@_compiled
def add_moments(x: Any, inside: Any, centre: Any, width: int, full: bool, sums: Any) -> None:
    """For each cell: number of paths inside, sums of deviations from the centre, and of their products.

    Products are those of i <= j row by row, or the squares alone where not `full`.
    """
    dim, paths = x.shape
    deviations = np.empty((dim, width))
    ones = np.empty(width)
    for cell in range(sums.shape[0]):
        begin = cell * width
        size = min(width, paths - begin)
        for j in range(size):
            ones[j] = 1.0 if inside[begin + j] else 0.0
        for i in range(dim):
            for j in range(size):
                # Not a product with 0, which infinity would survive.
                deviations[i, j] = x[i, begin + j] - centre[i] if inside[begin + j] else 0.0
        own = sums[cell]
        own[0] += _product(ones[:size], ones[:size])
        place = 1 + dim
        for i in range(dim):
            own[1 + i] += _product(deviations[i, :size], ones[:size])
            for k in range(i, dim if full else i + 1):
                own[place] += _product(deviations[i, :size], deviations[k, :size])
                place += 1


@_compiled
def add_values(values: Any, inside: Any, centre: float, width: int, sums: Any) -> Any:
    """For each cell the number of values and the sums of the first four powers of their deviations from the
    centre; of paths inside, and of what is finite.

    Returns the least and the greatest of them.
    """
    least, greatest = math.inf, -math.inf
    for cell in range(sums.shape[0]):
        begin = cell * width
        number = one = two = three = four = 0.0
        for j in range(begin, min(begin + width, len(values))):
            value = values[j]
            if not (inside[j] and abs(value) < math.inf):
                continue
            a = value - centre
            square = a * a
            number += 1.0
            one += a
            two += square
            three += square * a
            four += square * square
            least = min(least, value)
            greatest = max(greatest, value)
        own = sums[cell]
        own[0] += number
        own[1] += one
        own[2] += two
        own[3] += three
        own[4] += four
    return least, greatest


@_compiled
def count_by_groups(
    values: Any, inside: Any, width: int, groups: Any, edges: Any, counts: Any, rest: Any
) -> None:
    """How many values of each group lie in each bin [edge, next), the last one closed.

    Adds to `rest` how many lie below all bins, above all bins, and nowhere: paths outside, and what is not
    finite.
    """
    bins = len(edges) - 1
    low, high = edges[0], edges[bins]
    scale = bins / (high - low)
    for cell in range(len(groups)):
        group = groups[cell]
        for j in range(cell * width, min(cell * width + width, len(values))):
            value = values[j]
            if not (inside[j] and abs(value) < math.inf):
                rest[group, 2] += 1
            elif value < low:
                rest[group, 0] += 1
            elif value > high:
                rest[group, 1] += 1
            else:
                # The edges are (almost) equally spaced; they have the last word.
                k = max(0, min(int((value - low) * scale), bins - 1))
                while k > 0 and value < edges[k]:
                    k -= 1
                while k < bins - 1 and value >= edges[k + 1]:
                    k += 1
                counts[group, k] += 1


@_compiled
def _bin_of(value: float, edges: Any) -> int:
    """Number of the bin that holds a value, or -1."""
    bins = len(edges) - 1
    if not edges[0] <= value <= edges[bins]:
        return -1
    k = max(0, min(int((value - edges[0]) * bins / (edges[bins] - edges[0])), bins - 1))
    while k > 0 and value < edges[k]:
        k -= 1
    while k < bins - 1 and value >= edges[k + 1]:
        k += 1
    return k


@_compiled
def ends_in_plane(u: Any, v: Any, inside: Any) -> Any:
    """The least u, the least v, the greatest u and the greatest v of the paths inside."""
    least_u = least_v = math.inf
    most_u = most_v = -math.inf
    for j in range(len(u)):
        if inside[j]:
            least_u, most_u = min(least_u, u[j]), max(most_u, u[j])
            least_v, most_v = min(least_v, v[j]), max(most_v, v[j])
    return least_u, least_v, most_u, most_v


@_compiled
def count_in_plane(u: Any, v: Any, inside: Any, width: int, groups: Any, edges: Any, counts: Any) -> Any:
    """How many paths of each group lie in each rectangle of two rows of bin edges.

    Returns how many of those inside lie in none.
    """
    missed = 0
    u_edges, v_edges = edges[0], edges[1]
    for cell in range(len(groups)):
        own = counts[groups[cell]]
        for j in range(cell * width, min(cell * width + width, len(u))):
            if not inside[j]:
                continue
            a, b = _bin_of(u[j], u_edges), _bin_of(v[j], v_edges)
            if a < 0 or b < 0:
                missed += 1
            else:
                own[a, b] += 1
    return missed


@_compiled
def add_field(
    before: Any, after: Any, inside: Any, width: int, groups: Any, edges: Any,
    units: Any, counts: Any, moves: Any,
) -> None:  # fmt: skip
    """Moves of a step, in whole numbers of `units`, by the rectangle that holds the middle of the step.

    Whole numbers, because their sums do not depend on the order in which threads come.
    """
    u_edges, v_edges = edges[0], edges[1]
    for cell in range(len(groups)):
        group = groups[cell]
        for j in range(cell * width, min(cell * width + width, before.shape[1])):
            if not inside[j]:
                continue
            a = _bin_of(0.5 * (before[0, j] + after[0, j]), u_edges)
            b = _bin_of(0.5 * (before[1, j] + after[1, j]), v_edges)
            if a < 0 or b < 0:
                continue
            counts[group, a, b] += 1
            for i in range(2):
                # Of steps beyond 2^40 units, which only heavy tails take, so much is counted.
                size = max(-1.0e12, min(1.0e12, (after[i, j] - before[i, j]) / units[i]))
                moves[group, i, a, b] += np.int64(np.rint(size))


@_compiled
def add_turns(before: Any, after: Any, inside: Any, centre: Any, width: int, sums: Any) -> None:
    """For each cell: number of steps, squared moves in each coordinate, and x_i x'_j - x_j x'_i for i < j,
    which is twice the area that the step sweeps over around the centre."""
    dim, paths = before.shape
    for cell in range(sums.shape[0]):
        own = sums[cell]
        for j in range(cell * width, min(cell * width + width, paths)):
            if not inside[j]:
                continue
            own[0] += 1.0
            place = 1 + dim
            for i in range(dim):
                move = after[i, j] - before[i, j]
                own[1 + i] += move * move
                a, moved = before[i, j] - centre[i], after[i, j] - centre[i]
                if len(own) == 1 + dim:
                    continue
                for k in range(i + 1, dim):
                    own[place] += a * (after[k, j] - centre[k]) - (before[k, j] - centre[k]) * moved
                    place += 1


@_compiled
def add_places(
    x: Any, inside: Any, axes: Any, edges: Any, lengths: Any, table: Any, cores: Any,
    width: int, last: Any, visits: Any, changes: Any,
) -> None:  # fmt: skip
    """For each cell: paths in each basin, and changes from the core of one basin to that of another.

    Parameters
    ----------
    axes, edges, lengths
        Coordinates that tell basins apart, each with its ascending edges, of which the first `lengths` count.
    table, cores
        By the interval on each axis in row-major order: the basin, and the basin whose core it is or -1.
    last
        For each path the basin whose core it was in last, or -1; brought up to date.
    """
    paths = x.shape[1]
    places = np.zeros(paths, dtype=np.int64)
    for a in range(len(axes)):
        row, own, count = x[axes[a]], edges[a], lengths[a]
        if count <= FEW_EDGES:
            # No branches: which side of a rim a path is on is anybody's guess.
            for j in range(paths):
                low = 0
                for m in range(count):
                    low += own[m] <= row[j]
                places[j] = places[j] * (count + 1) + low
            continue
        first = own[0]
        scale = (count - 1) / (own[count - 1] - first)
        for j in range(paths):
            # The edges may be equally spaced; they have the last word.
            value = row[j]
            guess = (value - first) * scale
            low = int(max(0.0, min(guess, count - 1.0))) if guess == guess else 0
            while low > 0 and value < own[low - 1]:
                low -= 1
            while low < count and own[low] <= value:
                low += 1
            places[j] = places[j] * (count + 1) + low
    for cell in range(visits.shape[0]):
        for j in range(cell * width, min(cell * width + width, paths)):
            if not inside[j]:
                continue
            visits[cell, table[places[j]]] += 1
            core = cores[places[j]]
            if core >= 0:
                if last[j] >= 0 and last[j] != core:
                    changes[cell, last[j], core] += 1
                last[j] = core
