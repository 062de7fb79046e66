"""Histograms of formulas of the coordinates at each recorded step."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.recorders.ensemble import Ensemble, Schedule
from simdyn.recorders.observation import GivenValues, Observation, Values, Variable


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
    coordinate
        Which coordinate it is, if it is nothing else: that one is counted where the states are.
    """

    label: str
    values: Callable[[np.ndarray], np.ndarray]
    bins: int
    low: float | None = None
    high: float | None = None
    coordinate: int | None = None

    def of(self, seen: Observation) -> Values:
        """Its values at the paths inside, as far as they are finite."""
        if self.coordinate is not None:
            return seen.row(self.coordinate)
        with np.errstate(all="ignore"):
            values = self.values(seen.x.astype(np.float64, copy=False))
            return GivenValues(values, seen.inside & np.isfinite(values))


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
        from simdyn.recorders.kernels import count_in_bins

        count_in_bins(np.zeros(1), np.ones(1, dtype=bool), np.arange(2.0), np.zeros(1, dtype=np.int64))
        self._tables = [
            _Fitted(self._looks, q.bins)
            if q.low is None or q.high is None
            else _Fixed(self._looks, np.linspace(q.low, q.high, q.bins + 1))
            for q in self._quantities
        ]

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        for quantity, table in zip(self._quantities, self._tables, strict=True):
            table.add(seen.look, quantity.of(seen))

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


class _Fixed:
    """Bins whose edges were given."""

    def __init__(self, looks: int, edges: np.ndarray) -> None:
        self.edges = edges
        self.counts = np.zeros((looks, len(edges) - 1), dtype=np.int64)
        self.rest = np.zeros((looks, 3), dtype=np.int64)
        self._lock = threading.Lock()

    def add(self, look: int, values: Values) -> None:
        counts, below, above = values.in_bins(self.edges)
        with self._lock:
            self.counts[look] += counts
            self.rest[look] += (below, above, values.uncounted)


class _Fitted:
    """Bins that cover all values of the run, as narrow as their number allows.

    The edges are the multiples of a power of two. When values come that the bins do not cover, the bins move
    or are joined in pairs, which keeps every count exact. In the end the width is the smallest with which the
    least and the greatest value fit, and does not depend on the order in which values came.
    """

    def __init__(self, looks: int, bins: int) -> None:
        self.counts = np.zeros((looks, bins), dtype=np.int64)
        self.rest = np.zeros((looks, 3), dtype=np.int64)
        self._bins = bins
        self._exponent = 0
        self._first = 0
        self._range: tuple[float, float] | None = None
        self._lock = threading.Lock()

    @property
    def edges(self) -> np.ndarray:
        return _edges(self._first, self._exponent, self._bins)

    def add(self, look: int, values: Values) -> None:
        ends = values.ends()
        if ends is None:
            with self._lock:
                self.rest[look, 2] += values.uncounted
            return
        with self._lock:
            self._cover(*ends)
            first, exponent = self._first, self._exponent
        counts, _, _ = values.in_bins(_edges(first, exponent, self._bins))
        with self._lock:
            # Another thread may have moved or joined the bins in the meantime.
            moved = _rebinned(counts, first, self._first, self._exponent - exponent)
            self.counts[look] += moved
            self.rest[look, 2] += values.uncounted

    def _cover(self, low: float, high: float) -> None:
        if self._range is not None:
            if self._range[0] <= low and high <= self._range[1]:
                return
            low, high = min(low, self._range[0]), max(high, self._range[1])
        exponent = _finest(low, high, self._bins)
        first = math.floor(math.ldexp(low, -exponent))
        if self._range is not None:
            self.counts = _rebinned(self.counts, self._first, first, exponent - self._exponent)
        self._range, self._exponent, self._first = (low, high), exponent, first


def _finest(low: float, high: float, bins: int) -> int:
    """The least exponent e for which `bins` bins of width 2^e with edges at its multiples cover both."""
    size = max(abs(low), abs(high))
    # Bins whose edges still have exact numbers, with a few bits to spare, and whose width has an inverse.
    exponent = max(math.frexp(size)[1] - 40, -960) if size > 0 else -40
    while math.floor(math.ldexp(high, -exponent)) - math.floor(math.ldexp(low, -exponent)) >= bins:
        exponent += 1
    return exponent


def _edges(first: int, exponent: int, bins: int) -> np.ndarray:
    return np.ldexp((first + np.arange(bins + 1)).astype(np.float64), exponent)


def _rebinned(counts: np.ndarray, first: int, new_first: int, joined: int) -> np.ndarray:
    """Counts (along the last axis) in bins 2^joined times as wide that begin at number `new_first`."""
    if first == new_first and not joined:
        return counts
    moved = np.zeros_like(counts)
    for bin_ in np.flatnonzero(counts.reshape(-1, counts.shape[-1]).any(axis=0)):
        moved[..., ((first + int(bin_)) >> joined) - new_first] += counts[..., bin_]
    return moved
