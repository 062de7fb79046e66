"""Files that are either whole or not there: temporary name, fsync, rename; and their folders."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from simdyn.errors import InputError

PARTIAL = ".partial"
"""How the name of an unfinished file ends; whatever ends so is worthless and may be removed."""

RUN_AGAIN = "what was finished before is kept, so mend this and run the same command again"
"""The remedy of a study."""

ANOTHER_PLACE = "make room there or choose another place"
"""The remedy of a file that stands alone."""


def write_atomically(path: Path, content: bytes, remedy: str = RUN_AGAIN) -> None:
    """Put `content` at `path`, so that a reader or a power cut never sees half of it.

    Raises
    ------
    InputError
        If the operating system refuses, for example because the disk is full.
    """

    def write(partial: Path) -> None:
        partial.write_bytes(content)

    replace_atomically(path, write, remedy)


def replace_atomically(path: Path, write: Callable[[Path], object], remedy: str = RUN_AGAIN) -> None:
    """As `write_atomically`, for content that `write` puts into the file whose path it is given.

    Raises
    ------
    InputError
        If the operating system refuses, for example because the disk is full.
    """
    # A name of its own, since several processes and threads may want the same kernel at once.
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        write(partial)
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    except BaseException as error:
        # Whatever ended it, Ctrl-C included.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = _reason(error) if isinstance(error, OSError | RuntimeError) else None
        if reason is None:
            raise
        raise InputError(f"cannot write {path}: {reason}; {remedy}") from error


def is_partial(name: str, path: Path) -> bool:
    """Whether this is the name of what an interrupted write of `path` left behind."""
    return name.startswith(path.name + ".") and name.endswith(PARTIAL)


def check_folder(what: str, path: str | Path) -> None:
    """Refuse a file, of which `what` says what it is, in a folder that is not there or cannot be written to.

    Raises
    ------
    InputError
        Naming the file.
    """
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise InputError(
            f"The folder of the {what} {str(path)!r} does not exist; make it first or choose another."
        )
    if not os.access(folder, os.W_OK):
        raise InputError(f"The folder of the {what} {str(path)!r} cannot be written to; choose another.")


def make_folder(path: Path, remedy: str = RUN_AGAIN) -> None:
    """Make a folder, and those it lies in, unless it is there.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{path} is a file, not a folder; {remedy}") from error
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}; {remedy}") from error


def remove_partial_files(folder: Path) -> None:
    """Remove what an interrupted write left behind in `folder` (not in its subfolders)."""
    for leftover in folder.glob("*" + PARTIAL):
        leftover.unlink(missing_ok=True)


def _reason(error: OSError | RuntimeError) -> str | None:
    """What the operating system said; None for an error that is none of its own."""
    if isinstance(error, OSError) and error.errno:
        # HDF5 gives the number, but a long text of its own.
        return os.strerror(error.errno)
    # Or it wraps the number, too, in a text, of an OSError or a RuntimeError as it happens.
    number = re.search(r"errno = (\d+)", str(error))
    if number:
        return os.strerror(int(number[1]))
    return str(error) if isinstance(error, OSError) else None


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder; its file systems write the rename to the journal themselves
    # Windows synchronises only what is open for writing, other systems open folders only for reading.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
