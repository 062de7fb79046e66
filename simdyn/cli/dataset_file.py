"""Files of ensembles and maps: written whole or not at all, and never over somebody else's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simdyn.cli.picture import check_folder
from simdyn.errors import InputError

if TYPE_CHECKING:
    import xarray

    from simdyn.questions import ValidityMap


def check_target(out: str | None) -> None:
    """Refuse, before the run, a place that cannot be written, or a file that is not ours to replace.

    Raises
    ------
    InputError
        Naming the file.
    """
    if out is None:
        return
    if Path(out).suffix != ".nc":
        raise InputError(f"The file {out!r} must end in .nc, for it will be NetCDF.")
    from simdyn.questions.simulation import QUESTION

    _check_place(out, QUESTION, "simdyn simulate")


def check_map_target(out: str | None) -> None:
    """The same for a map, which is NetCDF or a table.

    Raises
    ------
    InputError
        Naming the file.
    """
    if out is None:
        return
    if Path(out).suffix not in (".nc", ".csv"):
        raise InputError(f"The file {out!r} must end in .nc for NetCDF or in .csv for a table.")
    from simdyn.questions.validity_map import QUESTION

    _check_place(out, QUESTION, "simdyn diagram validity")


def _check_place(out: str, question: str, verb: str) -> None:
    path = Path(out)
    check_folder("file", out)
    if path.exists() and not (_is_our_table(path) if path.suffix == ".csv" else _is_ours(path, question)):
        raise InputError(
            f"The file {out!r} exists and is not from {verb}; choose another name or move it away."
        )


def write_dataset(data: xarray.Dataset, out: str) -> None:
    """Write a dataset as NetCDF.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    from simdyn.study.atomic import ANOTHER_PLACE, replace_atomically

    replace_atomically(Path(out), lambda partial: data.to_netcdf(partial, engine="h5netcdf"), ANOTHER_PLACE)


def write_map(answer: ValidityMap, out: str) -> None:
    """Write a validity map as NetCDF or, with all digits, as a table.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    from simdyn.study.atomic import ANOTHER_PLACE, write_atomically

    if out.endswith(".csv"):
        table = answer.table().to_csv(index=False, lineterminator="\n")
        write_atomically(Path(out), table.encode(), ANOTHER_PLACE)
    else:
        write_dataset(answer.data, out)


def _is_ours(path: Path, question: str) -> bool:
    """Whether the file says that it answers this question."""
    import h5py

    try:
        with h5py.File(path) as file:
            return bool(file.attrs.get("question") == question)
    except OSError:
        return False


def _is_our_table(path: Path) -> bool:
    """Whether the file has the columns of a map."""
    from simdyn.questions.validity_map import COLUMNS

    try:
        with path.open(encoding="utf-8") as file:
            names = file.readline().strip().split(",")
    except (OSError, UnicodeDecodeError):
        return False
    return names[:1] == ["prediction"] and tuple(names[3:]) == COLUMNS
