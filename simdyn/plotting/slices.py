"""Pictures of a slice of a result: curves over one dimension, maps over two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.style import MEASURED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import DataArray, Dataset

_MOST_TICKS = 9
_LOGARITHMIC = 30.0
"""Positive values that span more than this factor are drawn on a logarithmic scale."""


def plot_slice(data: Dataset) -> Figure:
    """One panel a quantity, over the one or two dimensions of `data`; the last dimension runs across.

    A map has a cell for each point, of equal size whatever the coordinates, which may be text; what is not a
    number is left blank.
    """
    names = [str(name) for name in data.data_vars]
    with house_style():
        figure = new_figure(4.6 * len(names), 3.6)
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            (_curve if data[name].ndim == 1 else _map)(axes, data[name])
            fixed = [str(key) for key in data[name].coords if key not in data[name].dims]
            axes.set_title(", ".join(f"{key} = {_text(data[key].item())}" for key in fixed))
    return figure


def _curve(axes: Axes, values: DataArray) -> None:
    (x,) = (str(dimension) for dimension in values.dims)
    coordinates = values[x].values
    axes.plot(coordinates, values.values.astype(float), "o-", color=MEASURED)
    if coordinates.dtype.kind in "if" and _spans(coordinates):
        axes.set_xscale("log")
    if _spans(values.values.astype(float)):
        axes.set_yscale("log")
    axes.set_xlabel(_label(values[x]))
    axes.set_ylabel(_label(values))


def _map(axes: Axes, values: DataArray) -> None:
    from matplotlib.colors import LogNorm

    numbers = np.ma.masked_invalid(values.values.astype(float))
    y, x = (str(dimension) for dimension in values.dims)
    norm = LogNorm() if _spans(numbers.compressed()) else None
    mesh = axes.pcolormesh(numbers, norm=norm, cmap="viridis", rasterized=False)
    for name, axis in ((x, axes.xaxis), (y, axes.yaxis)):
        points = values[name].values.tolist()
        step = -(-len(points) // _MOST_TICKS)
        axis.set_ticks(np.arange(0, len(points), step) + 0.5, [_text(point) for point in points[::step]])
    axes.grid(False)
    axes.set_xlabel(_label(values[x]))
    axes.set_ylabel(_label(values[y]))
    bar = axes.figure.colorbar(mesh, ax=axes)
    bar.set_label(_label(values))


def _spans(numbers: np.ndarray) -> bool:
    finite = numbers[np.isfinite(numbers)]
    return bool(finite.size and finite.min() > 0 and finite.max() > _LOGARITHMIC * finite.min())


def _label(values: DataArray) -> str:
    unit = values.attrs.get("units", "")
    return f"{str(values.name).replace('_', ' ')}{f' [{unit}]' if unit else ''}"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
