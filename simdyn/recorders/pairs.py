"""Sums in an order that the numbers of the paths fix, whoever computes which part of them and when.

Paths form leaves of `LEAF`, leaves form pairs, pairs form pairs of pairs, and so on. The rounding error of
such a sum grows with the logarithm of the number of paths only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

LEAF = 256
"""Paths in a leaf. Sums depend on it to the last bit, so it stays."""

Merge = Callable[[np.ndarray, np.ndarray], None]
"""Adds the second node to the first, in place."""


def aligned_blocks(first: int, count: int) -> Iterator[tuple[int, int]]:
    """Cuts leaves [first, first + count) into nodes of the tree of pairs: (level, place in the level).

    A node of level h at place p covers the 2^h leaves from p 2^h on.
    """
    end = first + count
    while first < end:
        level = (end - first).bit_length() - 1
        if first:
            level = min(level, (first & -first).bit_length() - 1)
        yield level, first >> level
        first += 1 << level


class Pairs:
    """A tree of pairs that grows from its leaves: a node is formed as soon as both its halves are there."""

    def __init__(self, merge: Merge) -> None:
        self._merge = merge
        self._waiting: dict[tuple[int, int], np.ndarray] = {}
        self._lock = threading.Lock()

    def add(self, level: int, place: int, node: np.ndarray) -> None:
        """Take in a node, and form all nodes above it whose halves are there."""
        with self._lock:
            while (sibling := self._waiting.pop((level, place ^ 1), None)) is not None:
                left, right = (sibling, node) if place & 1 else (node, sibling)
                self._merge(left, right)
                level, place, node = level + 1, place >> 1, left
            self._waiting[level, place] = node

    def total(self) -> np.ndarray:
        """The sum of all leaves, of which there is at least one; the tree stays as it is.

        What has no sibling lies at the right end, the smaller the further right, and is added from there.
        """
        first, *others = [node for _, node in sorted(self._waiting.items())]
        total = first.copy()
        for node in others:
            left = node.copy()
            self._merge(left, total)
            total = left
        return total
