"""Whether a picture or another file can be written where it is wanted: asked before a run, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from simdyn.errors import InputError


def check_picture(plot: str | None) -> None:
    """Refuse a file name with a wrong ending or in a folder that is not there or cannot be written to.

    Raises
    ------
    InputError
        Naming the file.
    """
    if plot is None:
        return
    from simdyn.plotting.style import FORMATS

    if Path(plot).suffix.lower() not in FORMATS:
        raise InputError(f"The picture {plot!r} must end in one of: {', '.join(FORMATS)}.")
    if Path(plot).is_dir():
        raise InputError(f"The picture {plot!r} is a folder; give the name of a file.")
    check_folder("picture", plot)


def check_folder(what: str, name: str) -> None:
    """Refuse a picture or a file in a folder that is not there or cannot be written to.

    Raises
    ------
    InputError
        Naming the file.
    """
    folder = Path(name).resolve().parent
    if not folder.is_dir():
        raise InputError(
            f"The folder of the {what} {name!r} does not exist; make it first or choose another."
        )
    if not os.access(folder, os.W_OK):
        raise InputError(f"The folder of the {what} {name!r} cannot be written to; choose another.")
