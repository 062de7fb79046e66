"""Spread a scalar loop that releases the GIL over Python threads, one block of paths each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def in_blocks(run_block: Callable[[int, int], None], paths: int, threads: int) -> None:
    """Call run_block(first, last) on `threads` nearly equal blocks of range(paths), all at once."""
    if threads == 1:
        run_block(0, paths)
        return
    ends = [paths * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run_block, ends[:-1], ends[1:]))
