"""A first-passage run: paths wait in a queue, and threads advance them side by side until each has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from simdyn.engines.records import ExitRecords, Report, Tally
from simdyn.engines.threads import in_threads

_CALL_SECONDS = 0.05
"""How long one kernel call should last: short enough for a prompt Ctrl-C and a lively progress bar."""

_FIRST_ROUNDS = 8
"""Rounds of the first call."""

_NOT_RUN = -9


_LANES_OF_A_SHARE = 64
"""Paths that a thread takes from the queue at a time, for each of its lanes, at most."""


def shares(paths: int, least: int, threads: int) -> Iterator[range]:
    """All paths, in shares of which each thread takes the next when it has none left.

    A share costs a call of the kernel, so they begin large; towards the end they get smaller, down to
    `least`, so that no thread works on alone for long.
    """
    begin = 0
    while begin < paths:
        share = min(max((paths - begin) // (4 * threads), least), _LANES_OF_A_SHARE * least)
        yield range(begin, min(paths, begin + share))
        begin += share


class Lanes(Protocol):
    """What an engine brings to a run, one for each thread: paths that advance side by side."""

    def advance(self, width: int, slot: int, end: int, rounds: int, drain: bool) -> tuple[int, int, Tally]:
        """Advance `width` lanes for some rounds; lanes that are free take the slots from `slot` to `end`.

        Returns the width in use, the next slot, and the totals of this call. With `drain` no more slots come
        after these, and free lanes are given up.
        """

    def running(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """The slots of the first `width` lanes, and the steps that their paths have taken."""


class FirstPassage:
    """The queue of paths, shared by the threads, and the records that they fill.

    Parameters
    ----------
    start
        State from which every path starts.
    state
        Where kernels write the points just after the exits, NaN until then.
    paths, max_steps, first_path
        Number of paths, step budget of each, number of the first.
    key
        The key of the seed.
    lanes
        Paths that a thread advances side by side.
    """

    def __init__(
        self,
        start: np.ndarray,
        state: np.ndarray,
        paths: int,
        max_steps: int,
        first_path: int,
        key: tuple[np.uint64, np.uint64],
        lanes: int,
    ) -> None:
        self.start = start
        self.state = state
        self.max_steps = max_steps
        self.first_path = first_path
        self.key = key
        self.steps = np.zeros(paths, dtype=np.int64)
        self.code = np.full(paths, _NOT_RUN, dtype=np.int64)
        self._lanes = lanes
        self._queue: Iterator[range] = iter(())
        self._tally = Tally()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def execute(self, threads: int, lanes: Callable[[], Lanes], report: Report | None) -> bool:
        """Run all paths; whether none was cut short by Ctrl-C."""
        paths = len(self.code)
        self._queue = shares(paths, max(1, min(self._lanes, -(-paths // threads))), threads)
        tick = (lambda: report(self._tally)) if report else None
        try:
            in_threads([lambda: self._work(lanes())] * threads, self._stop, tick)
        except KeyboardInterrupt:
            return False
        return True

    def records(self, points: np.ndarray, complete: bool) -> ExitRecords:
        """Of the paths that have run at all; `points` are their states, one row a path."""
        ran = self.code != _NOT_RUN
        return ExitRecords(self.steps[ran], self.code[ran], points[ran], complete=complete)

    def _work(self, lanes: Lanes) -> None:
        """Keep one thread's lanes busy until the queue is empty and its lanes have ended."""
        width, slot, end = 0, 0, 0
        drain = False
        rounds = _FIRST_ROUNDS
        while not self._stop.is_set():
            if slot == end and not drain:
                with self._lock:
                    piece = next(self._queue, None)
                drain = piece is None
                slot, end = (piece.start, piece.stop) if piece else (0, 0)
            begun = time.perf_counter()
            width, slot, tally = lanes.advance(width, slot, end, rounds, drain)
            seconds = time.perf_counter() - begun
            with self._lock:
                self._tally += tally
            if width == 0 and drain:
                break
            # No result depends on how long a call is.
            if seconds < _CALL_SECONDS / 2:
                rounds = min(2 * rounds, 1 << 20)
            elif seconds > 2 * _CALL_SECONDS:
                rounds = max(rounds // 2, 1)
        slots, steps = lanes.running(width)
        self.steps[slots], self.code[slots] = steps, 0
