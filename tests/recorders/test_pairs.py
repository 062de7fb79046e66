"""Sums over the tree of pairs: the same to the bit in any order, close to the exact sum."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simdyn.recorders.pairs import Pairs, aligned_blocks


def add_to(left, right):
    left += right


def total(values, chunk, order):
    """Sum by leaves of one value each, handed over in chunks of a power of two."""
    tree = Pairs(add_to)
    nodes = []
    for first in range(0, len(values), chunk):
        for level, place in aligned_blocks(first, min(chunk, len(values) - first)):
            parts = Pairs(add_to)
            for leaf in range(place << level, (place + 1) << level):
                parts.add(0, leaf, np.array([values[leaf]]))
            nodes.append((level, place, parts.total()))
    order.shuffle(nodes)
    for node in nodes:
        tree.add(*node)
    return float(tree.total()[0])


@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=70),
    chunk=st.sampled_from([1, 2, 4, 16, 64]),
    order=st.randoms(use_true_random=False),
)
def test_neither_chunks_nor_order_change_a_bit(values, chunk, order):
    found = total(values, chunk, order)
    assert found == total(values, 1, order)
    # Each value takes part in at most 8 additions.
    assert abs(found - math.fsum(values)) <= 8 * 2**-53 * math.fsum(map(abs, values))


@given(first=st.integers(0, 300), count=st.integers(1, 300))
def test_blocks_are_aligned_and_cover_each_leaf_once(first, count):
    covered = []
    for level, place in aligned_blocks(first, count):
        covered += range(place << level, (place + 1) << level)
    assert covered == list(range(first, first + count))


def test_the_total_can_be_asked_for_again():
    tree = Pairs(add_to)
    for leaf in range(5):
        tree.add(0, leaf, np.array([float(leaf)]))
    assert tree.total()[0] == tree.total()[0] == 10.0
