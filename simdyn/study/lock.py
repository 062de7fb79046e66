"""One run at a time on one results folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simdyn.errors import InputError

LOCK = "study.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. The operating system frees it when the process ends, however it ends.

    The lock file itself stays: removing it would let a second process lock the removed file and a third the
    new one.

    Raises
    ------
    InputError
        If another process holds the lock, or the lock file cannot be opened.
    """
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(
            f"cannot open {path}: {error.strerror}; choose a folder that you may write to"
        ) from error
    try:
        try:
            _lock_or_raise(descriptor)
        except OSError as error:
            raise InputError(
                f"another process is working on {folder}; wait until it ends or choose another --out"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _lock_or_raise(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
