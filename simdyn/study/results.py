"""What a study measured, as one labelled dataset a grid; to NetCDF and to a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError
from simdyn.study.budgets import pooled, units_used
from simdyn.study.definition import Grid, Value
from simdyn.study.storage import Manifest, Measured, StudyFolder

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True)
class Results:
    """All measurements of a run.

    Attributes
    ----------
    manifest
        Study, settings, seed.
    grids
        What was swept.
    datasets
        By grid name: a dataset whose dimensions are the grid's, with `units` and `long_name` attributes, one
        variable a quantity.
    versions
        The different sets of software that computed the cells; more than one when a run was gone on with
        after an update.
    seconds
        Computing time of all cells together.
    """

    manifest: Manifest
    grids: tuple[Grid, ...]
    datasets: Mapping[str, xr.Dataset]
    versions: tuple[dict[str, str], ...]
    seconds: float

    def __getitem__(self, grid: str) -> xr.Dataset:
        return self.datasets[grid]

    def altered(self, grid: str, quantity: str, value: Value, **coordinates: Value) -> Results:
        """A copy in which one measurement (or all along the dimensions not given) is another.

        Raises
        ------
        KeyError
            If there is no such grid, quantity or coordinate.
        """
        dataset = self.datasets[grid].copy(deep=True)
        dataset[quantity].loc[coordinates] = value
        return Results(
            self.manifest, self.grids, {**self.datasets, grid: dataset}, self.versions, self.seconds
        )

    def tree(self) -> xr.DataTree:
        """One group a grid; study, settings, seed and versions as attributes of the root."""
        import xarray as xr

        root = xr.Dataset(
            attrs={
                "study": self.manifest.study,
                "title": str(self.manifest.problem["title"]),
                "source": str(self.manifest.problem["source"]),
                "size": self.manifest.size,
                "seed": str(self.manifest.entropy),
                "settings": json.dumps(self.manifest.settings),
                "versions": json.dumps(list(self.versions)),
            }
        )
        return xr.DataTree.from_dict(
            {"/": root, **{f"/{name}": data for name, data in self.datasets.items()}}
        )

    def table(self) -> pd.DataFrame:
        """One row a cell: the grid's name, coordinates, then measurements; empty where a grid has none."""
        import pandas as pd

        frames = []
        for grid in self.grids:
            frame = self.grid_table(grid.name)
            frame.insert(0, "grid", grid.name)
            frames.append(frame)
        coordinates = [dimension.name for grid in self.grids for dimension in grid.dimensions]
        others = [name for frame in frames for name in frame.columns if name not in coordinates]
        columns = list(dict.fromkeys(["grid", *coordinates, *others]))
        # Objects keep integers integers where another grid leaves the column empty.
        return pd.concat([frame.astype(object) for frame in frames], ignore_index=True)[columns]

    def grid_table(self, grid: str) -> pd.DataFrame:
        """One row a cell of one grid: coordinates, then measurements."""
        dataset = self.datasets[grid]
        names = [str(name) for name in dataset.dims]
        table = dataset.to_dataframe(dim_order=names).reset_index()
        return table[[*names, *(str(name) for name in dataset.data_vars)]]


def collect(folder: StudyFolder, grids: Sequence[Grid]) -> Results:
    """The results of a folder in which every cell of `grids` is finished.

    Raises
    ------
    InputError
        If cells are missing.
    """
    finished: dict[str, list[Measured]] = {}
    everything: list[Measured] = []
    total = sum(grid.size for grid in grids)
    for grid in grids:
        finished[grid.name] = []
        for parameters in grid.cells():
            if grid.budget is not None:
                units = units_used(folder, grid, parameters) or []
                everything += units
                finished[grid.name] += [pooled(units, grid)] if units else []
            elif (cell := folder.load(grid.name, parameters)) is not None:
                everything.append(cell)
                finished[grid.name].append(cell)
    done = sum(len(cells) for cells in finished.values())
    if done < total:
        raise InputError(
            f"{folder.path} has {done} of {total} cells; finish it first with "
            f"`simdyn study run {folder.manifest.origin} --out {folder.path}`"
        )
    versions = {json.dumps(cell.versions): cell.versions for cell in everything}
    return Results(
        folder.manifest,
        tuple(grids),
        {grid.name: _dataset(grid, finished[grid.name]) for grid in grids},
        tuple(versions[text] for text in sorted(versions)),
        sum(cell.seconds for cell in everything),
    )


def write_netcdf(results: Results, path: Path) -> None:
    """Write `results.tree()` as NetCDF 4."""
    results.tree().to_netcdf(path, engine="h5netcdf")


def csv_text(results: Results) -> str:
    """`results.table()` as CSV, numbers with all their digits."""
    text = results.table().to_csv(index=False, lineterminator="\n")
    assert isinstance(text, str)
    return text


def _dataset(grid: Grid, cells: Sequence[Measured]) -> xr.Dataset:
    import xarray as xr

    names = [dimension.name for dimension in grid.dimensions]
    described = {quantity.name: quantity for quantity in grid.reported}
    quantities = list(dict.fromkeys([*described, *(name for cell in cells for name in cell.values)]))
    variables: dict[str, Any] = {}
    for name in quantities:
        attributes = {}
        if name in described:
            attributes = {"units": described[name].unit, "long_name": described[name].description}
        column = _column(name, [cell.values.get(name) for cell in cells])
        variables[name] = (names, column.reshape(grid.shape), attributes)
    coordinates = {
        dimension.name: (
            dimension.name,
            _column(dimension.name, list(dimension.values)),
            {"units": dimension.unit, "long_name": dimension.description},
        )
        for dimension in grid.dimensions
    }
    return xr.Dataset(
        variables, coords=coordinates, attrs={"title": grid.title, "description": grid.description}
    )


def _column(name: str, values: Sequence[Value | None]) -> Any:
    """The values as one array of one type; a cell that has none gives NaN or an empty text."""
    import numpy as np

    kinds = {type(value) for value in values if value is not None}
    if kinds == {str}:
        return np.array(["" if value is None else value for value in values], dtype=object)
    if kinds == {bool} and None not in values:
        return np.array(values, dtype=bool)
    if kinds == {int} and None not in values:
        return np.array(values, dtype=np.int64)
    if str in kinds:
        raise TypeError(f"{name} is text in some cells and a number in others")
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
