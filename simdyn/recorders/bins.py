"""Bins whose ends are given, and bins that cover all values of a run, as narrow as their number allows.

The edges of the latter are the multiples of a power of two. When values come that they do not cover, they
move or are joined in pairs, which keeps every count exact. In the end the width is the smallest with which
the least and the greatest value fit, and does not depend on the order in which values came.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class GivenBins:
    """Equal bins from `low` to `high`, which stay as they are."""

    low: float
    high: float
    number: int

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges of the bins, one more than bins."""
        return np.linspace(self.low, self.high, self.number + 1)

    def moved(self, counts: np.ndarray, bins: Bins) -> np.ndarray:
        """The counts themselves."""
        return counts


@dataclass(frozen=True)
class FittedBins:
    """Bins of width 2^exponent, of which the first begins at `first` times that."""

    first: int
    exponent: int
    number: int

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges of the bins, one more than bins."""
        return np.ldexp((self.first + np.arange(self.number + 1)).astype(np.float64), self.exponent)

    def covers(self, low: float, high: float) -> bool:
        """Whether both values lie in these bins."""
        ends = (math.floor(math.ldexp(value, -self.exponent)) - self.first for value in (low, high))
        return all(0 <= end < self.number for end in ends)

    def centred(self, low: float, high: float) -> FittedBins:
        """Bins as wide that cover both values with as much room on either side."""
        ends = [math.floor(math.ldexp(value, -self.exponent)) for value in (low, high)]
        return FittedBins((ends[0] + ends[1] + 1 - self.number) // 2, self.exponent, self.number)

    def moved(self, counts: np.ndarray, bins: Bins) -> np.ndarray:
        """Counts in these bins (along the last axis) as counts in others that cover them."""
        if bins == self:
            return counts
        assert isinstance(bins, FittedBins)
        moved = np.zeros_like(counts)
        filled = np.flatnonzero(counts.reshape(-1, counts.shape[-1]).any(axis=0))
        joined = bins.exponent - self.exponent
        to = ((self.first + filled) >> joined) - bins.first
        # A negative index would count from the other end.
        assert ((to >= 0) & (to < bins.number)).all(), "the other bins do not cover these counts"
        if joined == 0 and len(filled):
            moved[..., to[0] : to[-1] + 1] = counts[..., filled[0] : filled[-1] + 1]
            return moved
        for k, there in zip(filled, to, strict=True):
            moved[..., there] += counts[..., k]
        return moved


Bins = GivenBins | FittedBins


def covering(low: float, high: float, number: int) -> FittedBins:
    """The narrowest bins of that number, but for such as have no exact edges, that cover both values."""
    size = max(abs(low), abs(high))
    # Bins whose edges still have exact numbers, with a few bits to spare, and whose width has an inverse.
    exponent = max(math.frexp(size)[1] - 40, -960) if size > 0 else -40
    while True:
        first = math.floor(math.ldexp(low, -exponent))
        if math.floor(math.ldexp(high, -exponent)) - first < number:
            return FittedBins(first, exponent, number)
        exponent += 1
