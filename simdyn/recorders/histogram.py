"""Histograms of formulas of the coordinates at each recorded step."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simdyn.recorders.ensemble import Ensemble, Schedule
from simdyn.recorders.observation import Observation, Variable


@dataclass(frozen=True)
class Quantity:
    """What is sorted into bins.

    Attributes
    ----------
    label
        As the person wrote it.
    values
        From states of shape (d, n) to n numbers.
    low, high
        Ends of the bins, or both None: then the run finds them (see `_Fitted`).
    bins
        Number of bins.
    """

    label: str
    values: Callable[[np.ndarray], np.ndarray]
    bins: int
    low: float | None = None
    high: float | None = None


class HistogramRecorder:
    """Counts of paths in equal bins, one histogram a quantity and recorded step.

    Every path is accounted for: in a bin, in `underflow` or `overflow`, or in `uncounted` when it has
    diverged or the formula has no finite value there.
    """

    def __init__(self, ensemble: Ensemble, schedule: Schedule, quantities: Sequence[Quantity]) -> None:
        self._quantities = tuple(quantities)
        self._bins = quantities[0].bins
        self._looks = schedule.looks
        self._tables: list[_Fixed | _Fitted] = []

    def size(self) -> int:
        """Bytes that it will hold."""
        return len(self._quantities) * self._looks * (self._bins + 3) * 8

    def begin(self) -> None:
        """Get the memory, once it is known to be there, and the kernel."""
        _count(np.zeros(1), np.ones(1, dtype=bool), np.arange(2.0))
        self._tables = [
            _Fitted(self._looks, q.bins)
            if q.low is None or q.high is None
            else _Fixed(self._looks, np.linspace(q.low, q.high, q.bins + 1))
            for q in self._quantities
        ]

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        x = seen.x.astype(np.float64, copy=False)
        with np.errstate(all="ignore"):
            for quantity, table in zip(self._quantities, self._tables, strict=True):
                table.add(seen.look, np.ascontiguousarray(quantity.values(x)), seen.inside)

    def coordinates(self) -> dict[str, Variable]:
        """The formulas, and the edges of their bins."""
        labels = np.array([quantity.label for quantity in self._quantities])
        edges = np.stack([table.edges for table in self._tables])
        return {
            "quantity": (("quantity",), labels, {"long_name": "formula whose values are counted"}),
            "edge": (("quantity", "bin_edge"), edges, {"long_name": "edges of the bins"}),
        }

    def variables(self, looks: int) -> dict[str, Variable]:
        """`histogram`, `underflow`, `overflow` and `uncounted`."""
        counts = np.stack([table.counts[:looks] for table in self._tables], axis=1)
        rest = np.stack([table.rest[:looks] for table in self._tables], axis=1)
        dims = ("step", "quantity")
        return {
            "histogram": ((*dims, "bin"), counts, {"units": "paths", "long_name": "paths in each bin"}),
            "underflow": (dims, rest[..., 0], {"units": "paths", "long_name": "paths below all bins"}),
            "overflow": (dims, rest[..., 1], {"units": "paths", "long_name": "paths above all bins"}),
            "uncounted": (
                dims,
                rest[..., 2],
                {"units": "paths", "long_name": "paths that have diverged or have no finite value"},
            ),
        }


@dataclass(frozen=True)
class _Tally:
    """How some values lie in bins; `low` and `high` are the least and the greatest that are counted."""

    counts: np.ndarray
    below: int
    above: int
    uncounted: int
    low: float
    high: float


def _count(values: np.ndarray, inside: np.ndarray, edges: np.ndarray) -> _Tally:
    from simdyn.recorders.kernels import count_in_bins

    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    below, above, counted, low, high = count_in_bins(values, inside, edges, counts)
    return _Tally(counts, below, above, len(values) - counted, low, high)


class _Fixed:
    """Bins whose edges were given."""

    def __init__(self, looks: int, edges: np.ndarray) -> None:
        self.edges = edges
        self.counts = np.zeros((looks, len(edges) - 1), dtype=np.int64)
        self.rest = np.zeros((looks, 3), dtype=np.int64)
        self._lock = threading.Lock()

    def add(self, look: int, values: np.ndarray, inside: np.ndarray) -> None:
        found = _count(values, inside, self.edges)
        with self._lock:
            self.counts[look] += found.counts
            self.rest[look] += (found.below, found.above, found.uncounted)


class _Fitted:
    """Bins that cover all values of the run, as narrow as their number allows.

    The edges are the multiples of a power of two. When values come that the bins do not cover, the bins move
    or are joined in pairs, which keeps every count exact. In the end the width is the smallest with which the
    least and the greatest value fit, and does not depend on the order in which values came.
    """

    def __init__(self, looks: int, bins: int) -> None:
        self.counts = np.zeros((looks, bins), dtype=np.int64)
        self.rest = np.zeros((looks, 3), dtype=np.int64)
        # Narrower than bins that cover any value will be: those that hold something can only be joined.
        self._bins = _Bins(0, -1000, bins)
        self._range = (math.inf, -math.inf)
        self._lock = threading.Lock()

    @property
    def edges(self) -> np.ndarray:
        return self._bins.edges

    def add(self, look: int, values: np.ndarray, inside: np.ndarray) -> None:
        bins = self._bins
        found = _count(values, inside, bins.edges)
        if found.low <= found.high:
            with self._lock:
                self._cover(found.low, found.high)
                covering = self._bins
            if found.below or found.above:
                bins = covering
                found = _count(values, inside, bins.edges)
        with self._lock:
            # Another thread may have moved or joined the bins in the meantime.
            self.counts[look] += bins.moved(found.counts, self._bins)
            self.rest[look, 2] += found.uncounted

    def _cover(self, low: float, high: float) -> None:
        if self._range[0] <= low and high <= self._range[1]:
            return
        self._range = low, high = min(low, self._range[0]), max(high, self._range[1])
        bins = _covering(low, high, self._bins.number)
        if (bins.first, bins.exponent) != (self._bins.first, self._bins.exponent):
            self.counts = self._bins.moved(self.counts, bins)
            self._bins = bins


@dataclass(frozen=True)
class _Bins:
    """Bins of width 2^exponent, of which the first begins at `first` times that."""

    first: int
    exponent: int
    number: int

    @cached_property
    def edges(self) -> np.ndarray:
        return np.ldexp((self.first + np.arange(self.number + 1)).astype(np.float64), self.exponent)

    def moved(self, counts: np.ndarray, bins: _Bins) -> np.ndarray:
        """Counts in these bins (along the last axis) as counts in others, at least as wide."""
        if (bins.first, bins.exponent) == (self.first, self.exponent):
            return counts
        moved = np.zeros_like(counts)
        for bin_ in np.flatnonzero(counts.reshape(-1, counts.shape[-1]).any(axis=0)):
            to = ((self.first + int(bin_)) >> (bins.exponent - self.exponent)) - bins.first
            moved[..., to] += counts[..., bin_]
        return moved


def _covering(low: float, high: float, number: int) -> _Bins:
    """The narrowest bins, of that number, that cover both."""
    size = max(abs(low), abs(high))
    # Bins whose edges still have exact numbers, with a few bits to spare, and whose width has an inverse.
    exponent = max(math.frexp(size)[1] - 40, -960) if size > 0 else -40
    while True:
        first = math.floor(math.ldexp(low, -exponent))
        if math.floor(math.ldexp(high, -exponent)) - first < number:
            return _Bins(first, exponent, number)
        exponent += 1
