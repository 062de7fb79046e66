"""How many threads a run may use."""

from __future__ import annotations

import os

from simdyn.errors import InputError


def default_threads(threads: int | None) -> int:
    """`threads` if given, else the number of cores that this process may use.

    Raises
    ------
    InputError
        Fewer than one.
    """
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else (os.cpu_count() or 1)
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError(f"threads is {threads!r}, but it must be a whole number of at least 1.")
    return threads
