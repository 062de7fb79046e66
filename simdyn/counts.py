"""Counts that people give: how many paths, steps, threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.errors import InputError

MOST = 10**15
"""Largest count: beyond it a run would not end in anybody's life, and numbers of steps not be exact."""

MEMORY_LIMIT = 4 * 10**9
"""Bytes that the states of the paths, or one record of them, may take."""


def whole_number(name: str, value: Any, least: int = 1, most: int = MOST) -> int:
    """The count `value` of what is called `name`, as an int.

    Raises
    ------
    InputError
        No whole number, or one that is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} is {value!r}, but it must be a whole number of at least {least}.")
    if value > most:
        raise InputError(f"{name} is {value}, but it must be a whole number of at most {most:,}.")
    return int(value)


def check_states(paths: int, numbers: int, itemsize: int = 8) -> None:
    """Refuse paths whose states, so many numbers each, do not fit into memory at the same time.

    Raises
    ------
    InputError
        With the memory that they would take.
    """
    size = paths * numbers * itemsize
    if size > MEMORY_LIMIT:
        raise InputError(
            f"The states of {paths:,} paths would take {gigabytes(size)}, more than the "
            f"{gigabytes(MEMORY_LIMIT)} that are allowed; run fewer paths."
        )


def gigabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e9:.3g} GB"
