"""Histograms of formulas of the coordinates at each recorded step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.recorders.bins import Bins, FittedBins, GivenBins, covering
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
        Ends of the bins, or both None: then the run finds them (see `simdyn.recorders.bins`).
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


class HistogramRecorder:
    """Counts of paths in equal bins, one histogram a quantity and recorded step.

    Every path is accounted for: in a bin, in `underflow` or `overflow`, or in `uncounted` when it has
    diverged or the formula has no finite value there.
    """

    def __init__(self, ensemble: Ensemble, schedule: Schedule, quantities: Sequence[Quantity]) -> None:
        self._quantities = tuple(quantities)
        self._shape = (schedule.looks, len(quantities), quantities[0].bins)
        self._fitted = np.array([q.low is None or q.high is None for q in quantities])
        self._counts = self._rest = np.zeros((0, 0, 0), dtype=np.int64)
        # These two are replaced when bins move, and never changed: a thread may go on with what it has.
        self._bins: tuple[Bins, ...] = ()
        self._edges = np.zeros((0, 0))
        self._least, self._greatest = np.zeros(0), np.zeros(0)
        self._lock = threading.Lock()

    def size(self) -> int:
        """Bytes that it will hold."""
        looks, quantities, bins = self._shape
        return looks * quantities * (bins + 3) * 8

    def begin(self) -> None:
        """Get the memory, once it is known to be there, and the kernel."""
        from simdyn.recorders.kernels import count_in_bins

        looks, quantities, bins = self._shape
        self._counts = np.zeros(self._shape, dtype=np.int64)
        self._rest = np.zeros((looks, quantities, 3), dtype=np.int64)
        self._least, self._greatest = np.full(quantities, np.inf), np.full(quantities, -np.inf)
        self._use(
            GivenBins(q.low, q.high, bins)
            if q.low is not None and q.high is not None
            else FittedBins(0, 0, bins)
            for q in self._quantities
        )
        count_in_bins(
            np.zeros(0),
            np.zeros(0, dtype=bool),
            self._edges[0],
            *(a[0, 0] for a in (self._counts, self._rest)),
        )

    def _use(self, bins: Iterable[Bins]) -> None:
        self._bins = tuple(bins)
        self._edges = np.stack([one.edges for one in self._bins])

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        with self._lock:
            bins, edges, unfitted = self._bins, self._edges, self._least > self._greatest
        everything = range(len(bins))
        counts, rest, ends = self._count(seen, everything, edges)
        with self._lock:
            self._cover(*ends)
            now, edges = self._bins, self._edges
        missed = np.flatnonzero(self._fitted & (unfitted | rest[:, :2].any(axis=1)))
        if len(missed):
            counts[missed], rest[missed], _ = self._count(seen, missed, edges)
            bins = tuple(now[q] if q in missed else bins[q] for q in everything)
        with self._lock:
            if bins != self._bins:
                # Bins have moved in the meantime, on behalf of other rows or another thread.
                counts = np.stack([bins[q].moved(counts[q], self._bins[q]) for q in everything])
            self._counts[seen.look] += counts
            self._rest[seen.look] += rest

    def _count(
        self, seen: Observation, which: Iterable[int], edges: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of some quantities: counts in bins; how many lie below, above and nowhere; least and greatest."""
        from simdyn.recorders.kernels import count_in_bins

        which = list(which)
        counts, rest = np.zeros((len(which), self._shape[2]), np.int64), np.zeros((len(which), 3), np.int64)
        ends = np.empty((2, len(which)))
        with np.errstate(all="ignore"):
            for k, q in enumerate(which):
                place = self._quantities[q].coordinate
                if place is not None:
                    ends[:, k] = seen.count_coordinate(place, edges[q], counts[k], rest[k])
                    continue
                values = np.ascontiguousarray(self._quantities[q].values(seen.x64))
                ends[:, k] = count_in_bins(values, seen.inside, edges[q], counts[k], rest[k])
        return counts, rest, ends

    def _cover(self, least: np.ndarray, greatest: np.ndarray) -> None:
        """Let fitted bins cover these values, too."""
        grown = self._fitted & ((least < self._least) | (greatest > self._greatest))
        if not grown.any():
            return
        np.minimum(self._least, least, out=self._least)
        np.maximum(self._greatest, greatest, out=self._greatest)
        bins = list(self._bins)
        for q in np.flatnonzero(grown):
            bins[q] = covering(float(self._least[q]), float(self._greatest[q]), bins[q].number)
            self._counts[:, q] = self._bins[q].moved(self._counts[:, q], bins[q])
        self._use(bins)

    def coordinates(self) -> dict[str, Variable]:
        """The formulas, and the edges of their bins."""
        labels = np.array([quantity.label for quantity in self._quantities])
        return {
            "quantity": (("quantity",), labels, {"long_name": "formula whose values are counted"}),
            "edge": (("quantity", "bin_edge"), self._edges, {"long_name": "edges of the bins"}),
        }

    def variables(self, looks: int) -> dict[str, Variable]:
        """`histogram`, `underflow`, `overflow` and `uncounted`."""
        counts, rest = self._counts[:looks], self._rest[:looks]
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
