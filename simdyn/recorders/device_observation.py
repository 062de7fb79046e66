"""Paths on a device, looked at where they are: what comes back are moments and counts, not states."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.engines.device import Device
from simdyn.recorders.cuda_source import passes_source
from simdyn.recorders.observation import Observation
from simdyn.recorders.pairs import LEAF


class DeviceObservation(Observation):
    """Some paths at one recorded step; the states come to memory only for who asks for `x`.

    Parameters
    ----------
    look, first_path
        See `Observation`.
    device
        Where the states are.
    states
        Shape (D, n), contiguous.
    dim
        Number of coordinates, the first rows of the states.
    """

    def __init__(self, look: int, first_path: int, device: Device, states: Any, dim: int) -> None:
        self.look = look
        self.first_path = first_path
        self.count = states.shape[1]
        self._device, self._states, self._dim = device, states, dim
        self._fetched: np.ndarray | None = None

    @property
    def x(self) -> np.ndarray:
        """Shape (d, n): one row a coordinate."""
        if self._fetched is None:
            self._fetched = self._device.download(self._states[: self._dim])
        return self._fetched

    @property
    def outside(self) -> int:
        """Number of paths that are not inside."""
        count = self._device.upload(np.zeros(1, dtype=np.uint64))
        self._over_paths("count_outside", count)
        return int(self._device.download(count)[0])

    def moments(self, begin: int, leaves: int) -> np.ndarray:
        """Moments of `leaves` leaves, a power of two, from column `begin` on; see `kernels.moments_of`."""
        dim = self._dim
        numbers = 1 + dim + 3 * dim * dim
        nodes = self._device.upload(np.zeros((leaves, numbers + dim)))
        size = np.int32(numbers + dim)
        self._launch("moments_of_leaves", leaves, LEAF, *self._all(), np.int64(begin), nodes, size)
        apart = 1
        while apart < leaves:
            pairs, threads = leaves // (2 * apart), 32
            count, gap = np.int64(leaves), np.int64(apart)
            self._launch("merge_pairs", -(-pairs // threads), threads, nodes, np.int32(dim), size, count, gap)
            apart *= 2
        return self._device.download(nodes[:1])[0, :numbers]

    def count_coordinate(
        self, index: int, edges: np.ndarray, counts: np.ndarray, rest: np.ndarray
    ) -> tuple[float, float]:
        """Add one coordinate to bins; see `kernels.count_in_bins`."""
        device, bins, limits = self._device, len(counts), np.iinfo(np.int64)
        found = device.upload(np.zeros(bins + len(rest), dtype=np.uint64))
        ends = device.upload(np.array([limits.max, limits.min]))
        given = np.int32(index), device.upload(edges), np.int32(bins)
        self._over_paths("count_in_bins", *given, found, ends)
        added = device.download(found).astype(np.int64)
        counts += added[:bins]
        rest += added[bins:]
        if added[bins + 2] == self.count:
            return np.inf, -np.inf
        least, greatest = _numbers(device.download(ends))
        return float(least), float(greatest)

    def _all(self) -> tuple[Any, ...]:
        return self._states, np.int64(self.count), np.int32(self._dim)

    def _over_paths(self, name: str, *arguments: Any) -> None:
        """A pass with one thread a path."""
        self._launch(name, -(-self.count // LEAF), LEAF, *self._all(), *arguments)

    def _launch(self, name: str, blocks: int, threads: int, *arguments: Any) -> None:
        source = passes_source(str(self._states.dtype))
        self._device.kernel(source, name)((blocks,), (threads,), arguments)


def _numbers(ordered: np.ndarray) -> np.ndarray:
    """The doubles that `ordered` in the device source has made whole numbers of."""
    return np.where(ordered < 0, ordered ^ np.iinfo(np.int64).max, ordered).view(np.float64)
