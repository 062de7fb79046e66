"""A slice of a stored result over one or two of its dimensions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError
from simdyn.study.storage import MANIFEST
from simdyn.whole_files import ANOTHER_PLACE, replace_atomically, write_atomically

if TYPE_CHECKING:
    import xarray as xr


def open_result(source: Path) -> xr.DataTree:
    """The whole result in a study's folder, or in a NetCDF file of simdyn.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    """
    import xarray as xr

    file = source
    if source.is_dir():
        file = source / "results.nc"
        if not (source / MANIFEST).is_file() or not file.is_file():
            raise InputError(
                f"{source} holds no finished study; give the --out folder of `simdyn study run` or a .nc file"
            )
    elif not source.is_file():
        raise InputError(f"there is no {source}; give the folder of a finished study or a .nc file")
    try:
        with xr.open_datatree(file, engine="h5netcdf") as tree:
            return tree.load()
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as NetCDF; give another or write it anew") from error


def take_slice(
    tree: xr.DataTree,
    values: Sequence[str],
    x: str,
    y: str | None,
    *,
    grid: str | None = None,
    at: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Some quantities over the dimensions `x` and `y`, at one point along all others.

    Parameters
    ----------
    grid
        Which grid of a study; needed only where several hold the quantities over these dimensions.
    at
        Coordinates along the other dimensions; needed where they have more than one. Numbers are taken as
        equal to a coordinate within 1e-9 of it.

    Raises
    ------
    InputError
        If a name is unknown or ambiguous, or there is no such coordinate.
    """
    wanted = [x] if y is None else [x, y]
    if x == y:
        raise InputError(f"--x and --y are both {x}; give two different dimensions")
    dataset = _dataset(tree, values, wanted, grid)
    data = dataset[list(values)]
    for name in values:
        lacking = [dimension for dimension in wanted if dimension not in data[name].dims]
        if lacking:
            raise InputError(f"{name} does not depend on {lacking[0]}; {_choice('it has', data[name].dims)}")
    at = dict(at or {})
    for name, value in at.items():
        if name not in data.dims or name in wanted:
            others = [str(dimension) for dimension in data.dims if dimension not in wanted]
            raise InputError(
                f"--at names {name}, which is no other dimension; {_choice('there are', others)}"
            )
        data = data.isel({name: _place(data[name].values.tolist(), name, value)})
    for dimension in data.dims:
        if dimension not in wanted:
            points = data[dimension].values.tolist()
            if len(points) > 1:
                raise InputError(
                    f"the values also depend on {dimension}; add --at {dimension}=... "
                    f"({_choice('there are', points)})"
                )
            data = data.isel({dimension: 0})
    return data.transpose(*reversed(wanted))


def write_slice(data: xr.Dataset, path: Path) -> None:
    """Write a slice as CSV, one row a point, or as NetCDF, by the ending of `path`.

    Raises
    ------
    InputError
        If the operating system refuses.
    """
    if path.suffix == ".nc":
        replace_atomically(path, lambda partial: data.to_netcdf(partial, engine="h5netcdf"), ANOTHER_PLACE)
        return
    order = [str(dimension) for dimension in reversed(next(iter(data.data_vars.values())).dims)]
    table = data.to_dataframe(dim_order=order).reset_index()
    names = [*order, *(str(name) for name in data.data_vars)]
    text = table[names].to_csv(index=False, lineterminator="\n")
    assert isinstance(text, str)
    write_atomically(path, text.encode(), ANOTHER_PLACE)


def _dataset(
    tree: xr.DataTree, values: Sequence[str], dimensions: Sequence[str], grid: str | None
) -> xr.Dataset:
    """The one group of the result that holds the quantities over the dimensions."""
    groups = {node.path.strip("/"): node.to_dataset() for node in tree.subtree if node.has_data}
    if grid is not None:
        if grid not in groups:
            raise InputError(f"there is no grid {grid!r}; {_near(grid, groups)}")
        groups = {grid: groups[grid]}
    for kind, names, holds in (
        ("quantity", values, lambda data: data.data_vars),
        ("dimension", dimensions, lambda data: data.dims),
    ):
        for name in names:
            found = {key: data for key, data in groups.items() if name in holds(data)}
            if not found:
                known = dict.fromkeys(str(item) for data in groups.values() for item in holds(data))
                raise InputError(f"there is no {kind} {name!r} here; {_near(name, known)}")
            groups = found
    if len(groups) > 1:
        raise InputError(f"several grids hold this; add --grid with one of {', '.join(groups)}")
    return next(iter(groups.values()))


def _place(points: Sequence[Any], name: str, value: Any) -> int:
    for place, point in enumerate(points):
        if point == value:
            return place
        numbers = isinstance(point, float) and isinstance(value, int | float)
        if numbers and abs(point - value) <= 1e-9 * abs(point):
            return place
    raise InputError(f"{name} has no value {value}; {_choice('there are', points)}")


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else _choice("there are", list(known))


def _choice(words: str, items: Sequence[Any]) -> str:
    if not items:
        return f"{words} none"
    return f"{words} {', '.join(f'{item:.10g}' if isinstance(item, float) else str(item) for item in items)}"
