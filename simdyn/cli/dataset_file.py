"""The NetCDF file of an ensemble: written whole or not at all, and never over somebody else's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simdyn.errors import InputError

if TYPE_CHECKING:
    import xarray


def check_target(out: str | None) -> None:
    """Refuse, before the run, a place that cannot be written, or a file that is not ours to replace.

    Raises
    ------
    InputError
        Naming the file.
    """
    if out is None:
        return
    path = Path(out)
    if path.suffix != ".nc":
        raise InputError(f"The file {out!r} must end in .nc, for it will be NetCDF.")
    if not path.resolve().parent.is_dir():
        raise InputError(f"The folder of the file {out!r} does not exist; make it first or choose another.")
    if path.exists() and not _is_ours(path):
        raise InputError(
            f"The file {out!r} exists and is not from simdyn simulate; choose another name or move it away."
        )


def write_dataset(data: xarray.Dataset, out: str) -> None:
    """Write a dataset of `simulate`.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    from simdyn.study.atomic import replace_atomically

    replace_atomically(Path(out), lambda partial: data.to_netcdf(partial, engine="h5netcdf"))


def _is_ours(path: Path) -> bool:
    """Whether the file says that it holds an ensemble."""
    import h5py

    from simdyn.questions.simulation import QUESTION

    try:
        with h5py.File(path) as file:
            return bool(file.attrs.get("question") == QUESTION)
    except OSError:
        return False
