"""How many threads a run may use, and how it uses them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from simdyn.counts import whole_number

_MOST_THREADS = 4096


def default_threads(threads: int | None) -> int:
    """`threads` if given, else the number of cores that this process may use.

    Raises
    ------
    InputError
        Fewer than one, or more than any machine has.
    """
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else (os.cpu_count() or 1)
    return whole_number("threads", threads, most=_MOST_THREADS)


def in_threads(
    workers: Sequence[Callable[[], None]],
    stop: threading.Event | None = None,
    tick: Callable[[], None] | None = None,
) -> None:
    """Run callables side by side; the first exception in any of them is raised here once all have ended.

    `tick` is called about ten times a second, and once more when all have ended.
    """
    failures: list[BaseException] = []

    def guarded(worker: Callable[[], None]) -> None:
        try:
            worker()
        except BaseException as error:
            failures.append(error)
            if stop is not None:
                stop.set()

    threads = [threading.Thread(target=guarded, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                if tick is not None:
                    tick()
                thread.join(0.1)
        if tick is not None:
            tick()
    except BaseException:
        if stop is not None:
            stop.set()
        for thread in threads:
            thread.join()
        raise
    if failures:
        raise failures[0]
