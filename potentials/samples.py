"""Columns of sample data: from arrays by name, or from a CSV or NPZ file."""

from __future__ import annotations

import csv
import difflib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from potentials.errors import InputError
from potentials.language import check_name, shortened

__all__ = ["checksum", "columns_from", "finite_array", "indices_of"]

Floats = NDArray[np.float64]


def columns_from(
    data: Mapping[str, Any] | str | Path, used: Iterable[str]
) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """The columns of `data` that are used, one read-only array of the same length for each name.

    Columns that are not used are left alone: they may hold text or gaps and be called anything.

    Parameters
    ----------
    data
        Column name -> 1-D array; or the path of a CSV file with a header row or of an NPZ file of 1-D
        arrays.
    used
        Names to take, as far as there are columns of that name.

    Returns
    -------
    columns
        In the order of the data.
    names
        Of all columns.

    Raises
    ------
    InputError
        A file that cannot be read, a used cell that is no finite number, columns of different length, or no
        samples.
    """
    wanted = set(used)
    if isinstance(data, str | Path):
        path = Path(data)
        names, named = _from_file(path, wanted)
        where = f"The data file {str(path)!r}"
    elif isinstance(data, Mapping):
        names = tuple(map(str, data))
        named = {str(name): data[name] for name in data if str(name) in wanted}
        where = "The data"
    else:
        raise InputError(
            f"The data is {type(data).__name__}, but it must map column names to 1-D arrays or be the path "
            "of a CSV or NPZ file."
        )
    if not names:
        raise InputError(f"{where} holds no columns: give at least one.")
    columns: dict[str, Floats] = {}
    for name, values in named.items():
        check_name(name)
        columns[name] = finite_array(f"The column {name!r}", values, 1)
    sizes = {name: len(column) for name, column in columns.items()}
    first = next(iter(sizes), "")
    for name, size in sizes.items():
        if size != sizes[first]:
            raise InputError(
                f"{where} has {sizes[first]} values in the column {first!r} but {size} in {name!r}: give "
                "each sample a value in every column."
            )
    if columns and not sizes[first]:
        raise InputError(f"{where} holds no samples: give at least one.")
    return columns, names


def finite_array(what: str, values: Any, dimensions: int) -> Floats:
    """`values` as a read-only array of finite numbers with so many dimensions.

    Raises
    ------
    InputError
        Something else; names the first entry that is not finite.
    """
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} is not an array of real numbers: give one without gaps or text.") from None
    if array.ndim != dimensions:
        raise InputError(f"{what} has {array.ndim} dimensions, but it must have {dimensions}.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(str(int(i)) for i in bad[0])
        raise InputError(
            f"{what} holds {array[tuple(bad[0])]} at index {place} (counted from 0): leave out or repair "
            "samples with values that are not finite."
        )
    array.flags.writeable = False
    return array


def checksum(arrays: Iterable[tuple[str, Floats]]) -> str:
    """SHA-256 of named arrays: names, shapes and the bits of every number."""
    digest = hashlib.sha256()
    for name, array in arrays:
        digest.update(f"{name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def indices_of(samples: Any, size: int) -> NDArray[np.int64]:
    """Sample numbers 0 to size - 1 as an array.

    Raises
    ------
    InputError
        None at all, or one that does not exist.
    """
    array = np.asarray(samples)
    if array.dtype == np.bool_ and array.shape == (size,):
        array = np.flatnonzero(array)
    fits = array.ndim == 1 and array.size > 0 and np.issubdtype(array.dtype, np.integer)
    if not fits or array.min() < 0 or array.max() >= size:
        raise InputError(
            f"The samples {shortened(str(samples))} do not exist: give whole numbers from 0 to {size - 1}."
        )
    return array.astype(np.int64)


def _from_file(path: Path, wanted: set[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of all columns, and those that are wanted."""
    if path.is_dir():
        raise InputError(f"The data file {str(path)!r} is a folder: give the path of a CSV or NPZ file.")
    if not path.is_file():
        raise InputError(f"The data file {str(path)!r} does not exist: give the path of a CSV or NPZ file.")
    kind = path.suffix.lower()
    if kind == ".npz":
        return _from_npz(path, wanted)
    if kind == ".csv":
        return _from_csv(path, wanted)
    raise InputError(f"The data file {str(path)!r} is neither .csv nor .npz: convert it to one of these.")


def _from_npz(path: Path, wanted: set[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = tuple(archive.files)
            return names, {name: archive[name] for name in names if name in wanted}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"The data file {str(path)!r} cannot be read ({shortened(str(error))}): write it with "
            "numpy.savez."
        ) from None


def _from_csv(path: Path, wanted: set[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The data file {str(path)!r} cannot be read ({shortened(str(error))}): save it as UTF-8 CSV."
        ) from None
    if not rows:
        raise InputError(f"The data file {str(path)!r} is empty: give a header row and one row a sample.")
    header = tuple(name.strip() for name in rows[0][1])
    for name in header:
        if name in wanted and header.count(name) > 1:
            raise InputError(
                f"The data file {str(path)!r} has two columns called {name!r}: name each column once."
            )
    places = [column for column, name in enumerate(header) if name in wanted]
    table = np.empty((len(rows) - 1, len(places)))
    for k, (number, row) in enumerate(rows[1:]):
        if len(row) != len(header):
            raise InputError(
                f"Row {number} of the data file {str(path)!r} has {len(row)} cells, but the header has "
                f"{len(header)} columns: make every row as long as the header."
            )
        for c, column in enumerate(places):
            cell = row[column]
            try:
                table[k, c] = float(cell)
            except ValueError:
                raise InputError(
                    f"The data file {str(path)!r} has {shortened(cell, 30)!r} in row {number}, column "
                    f"{header[column]!r}, which is not a number: repair or remove that row."
                ) from None
            if not np.isfinite(table[k, c]):
                raise InputError(
                    f"The data file {str(path)!r} has {shortened(cell, 30)!r} in row {number}, column "
                    f"{header[column]!r}, which is not finite: repair or remove that row."
                )
    return header, {header[column]: table[:, c] for c, column in enumerate(places)}


def missing_column(name: str, known: Iterable[str]) -> InputError:
    """The refusal of a name that is no variable, parameter or column."""
    close = difflib.get_close_matches(name, list(known), 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return InputError(
        f"The loss uses {name!r}{hint}, which is neither a variable nor a parameter nor a column of the "
        f"data; the columns are {', '.join(sorted(known))}."
    )
