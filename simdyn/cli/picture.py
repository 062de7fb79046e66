"""The file named by --plot."""

from __future__ import annotations

from simdyn.errors import InputError


def check_picture(plot: str | None) -> None:
    """Refuse a file that could not be written, before the run and not after it."""
    if plot is None:
        return
    from pathlib import Path

    from simdyn.plotting.style import FORMATS

    if Path(plot).suffix.lower() not in FORMATS:
        raise InputError(f"The picture {plot!r} must end in one of: {', '.join(FORMATS)}.")
    if not Path(plot).resolve().parent.is_dir():
        raise InputError(
            f"The folder of the picture {plot!r} does not exist; make it first or choose another."
        )
