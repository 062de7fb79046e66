"""Files of ensembles and maps: written whole or not at all, and never over somebody else's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from simdyn.errors import InputError
from simdyn.whole_files import ANOTHER_PLACE, check_folder, replace_atomically, write_atomically

if TYPE_CHECKING:
    import pandas
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
    """The same for a validity map, which is NetCDF or a table.

    Raises
    ------
    InputError
        Naming the file.
    """
    if out is None:
        return
    from simdyn.questions.validity_map import COLUMNS, QUESTION

    _check_either(
        out,
        QUESTION,
        "simdyn diagram validity",
        lambda names: names[:1] == ["prediction"] and tuple(names[3:]) == COLUMNS,
    )


def check_diagram_target(out: str | None, question: str) -> None:
    """The same for a diagram of stability, which is NetCDF or a table.

    Raises
    ------
    InputError
        Naming the file.
    """
    if out is None:
        return
    axes = {"batch_size", "sharpness" if question == "sharpness diagram" else "learning_rate"}
    _check_either(out, question, "this kind of diagram", lambda names: axes <= set(names))


def _check_either(out: str, question: str, maker: str, has_columns: Callable[[list[str]], bool]) -> None:
    if Path(out).suffix not in (".nc", ".csv"):
        raise InputError(f"The file {out!r} must end in .nc for NetCDF or in .csv for a table.")
    _check_place(out, question, maker, has_columns)


def _check_place(
    out: str, question: str, maker: str, has_columns: Callable[[list[str]], bool] = lambda _: False
) -> None:
    path = Path(out)
    check_folder("file", out)
    if path.exists() and not (
        has_columns(_columns(path)) if path.suffix == ".csv" else _answers(path, question)
    ):
        raise InputError(
            f"The file {out!r} exists and is not from {maker}; choose another name or move it away."
        )


def write_dataset(data: xarray.Dataset, out: str) -> None:
    """Write a dataset as NetCDF.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    replace_atomically(Path(out), lambda partial: data.to_netcdf(partial, engine="h5netcdf"), ANOTHER_PLACE)


def write_map(answer: ValidityMap, out: str) -> None:
    """Write a validity map as NetCDF or, with all digits, as a table.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    _write_either(answer.data, answer.table, out)


def write_diagram(found: xarray.Dataset, out: str) -> None:
    """Write a diagram of stability as NetCDF or as a long table.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    _write_either(found, lambda: _long_table(found), out)


def _write_either(data: xarray.Dataset, table: Callable[[], pandas.DataFrame], out: str) -> None:
    """The dataset as NetCDF, or the table that is made of it, by the ending."""
    if out.endswith(".csv"):
        text = table().to_csv(index=False, lineterminator="\n")
        write_atomically(Path(out), text.encode(), ANOTHER_PLACE)
    else:
        write_dataset(data, out)


def _long_table(found: xarray.Dataset) -> pandas.DataFrame:
    """All variables as one table; those with coarser cells, or fewer dimensions, in rows of their own."""
    import pandas as pd

    groups: dict[tuple[str, ...], list[str]] = {}
    for name, variable in found.data_vars.items():
        groups.setdefault(tuple(map(str, variable.dims)), []).append(str(name))
    return pd.concat([found[names].to_dataframe().reset_index() for names in groups.values()])


def _answers(path: Path, question: str) -> bool:
    """Whether the file says that it answers this question."""
    import h5py

    try:
        with h5py.File(path) as file:
            return bool(file.attrs.get("question") == question)
    except OSError:
        return False


def _columns(path: Path) -> list[str]:
    """Names in the first line of a table; none if there is no text."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().strip().split(",")
    except (OSError, UnicodeDecodeError):
        return []
