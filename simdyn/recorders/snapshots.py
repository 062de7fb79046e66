"""Every path at every recorded step."""

from __future__ import annotations

import numpy as np

from simdyn.recorders.ensemble import Ensemble, Schedule
from simdyn.recorders.observation import Observation, Variable


class SnapshotsRecorder:
    """Keeps the states themselves; the only recorder that grows with paths times recorded steps."""

    def __init__(self, ensemble: Ensemble, schedule: Schedule) -> None:
        self._shape = (schedule.looks, ensemble.dim, ensemble.paths)
        self._dtype = ensemble.dtype
        self._states: np.ndarray | None = None

    def size(self) -> int:
        """Bytes that it will hold."""
        looks, dim, paths = self._shape
        return looks * dim * paths * self._dtype.itemsize

    def begin(self) -> None:
        """Get the memory, once it is known to be there."""
        self._states = np.empty(self._shape, dtype=self._dtype)

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        assert self._states is not None
        self._states[seen.look, :, seen.paths] = seen.x

    def coordinates(self) -> dict[str, Variable]:
        """None of its own."""
        return {}

    def variables(self, looks: int) -> dict[str, Variable]:
        """`snapshots`."""
        assert self._states is not None
        states = self._states[:looks].transpose(0, 2, 1)
        return {"snapshots": (("step", "path", "coordinate"), states, {"long_name": "state"})}
