"""How many paths have diverged at each recorded step."""

from __future__ import annotations

import threading

import numpy as np

from simdyn.recorders.ensemble import Schedule
from simdyn.recorders.observation import Observation, Variable


class DivergedRecorder:
    """Counts the paths that are not finite or beyond the divergence bound."""

    def __init__(self, schedule: Schedule) -> None:
        self._looks = schedule.looks
        self._counts = np.zeros(0, dtype=np.int64)
        self._lock = threading.Lock()

    def size(self) -> int:
        """Bytes that it will hold."""
        return 8 * self._looks

    def begin(self) -> None:
        """Get the memory, once it is known to be there."""
        self._counts = np.zeros(self._looks, dtype=np.int64)

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        outside = seen.outside
        if outside:
            with self._lock:
                self._counts[seen.look] += outside

    def coordinates(self) -> dict[str, Variable]:
        """None of its own."""
        return {}

    def variables(self, looks: int) -> dict[str, Variable]:
        """`diverged`."""
        note = {"units": "paths", "long_name": "paths that are not finite or beyond the divergence bound"}
        return {"diverged": (("step",), self._counts[:looks], note)}
