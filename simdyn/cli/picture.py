"""Whether a picture can be written where it is wanted: asked before a run, not after it."""

from __future__ import annotations

from pathlib import Path

from simdyn.errors import InputError
from simdyn.whole_files import check_folder


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
