"""Points with their intervals: of values that have ends, of a quantity of a result, of means over runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.inference import means_over_runs
from simdyn.plotting.style import MEASURED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from xarray import DataArray, Dataset

PERCENT = (0.0, 100.0)
"""The least and the most that a share in percent can be."""


def draw_intervals(
    axes: Axes,
    places: ArrayLike,
    value: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    horizontal: bool = False,
    **style: Any,
) -> None:
    """Points, each with a bar from the lower to the upper end of its interval.

    Parameters
    ----------
    axes
        Where to draw.
    places, value, low, high
        Of one shape, (points,) or numbers. A point with an end that is not finite has no bar.
    horizontal
        Values go along the x axis and places along the y axis.
    style
        Of Matplotlib's `errorbar`; single points in the colour of what is measured unless it says otherwise.
    """
    at, middle = np.atleast_1d(np.asarray(places)), np.atleast_1d(np.asarray(value, dtype=float))
    # An estimate on the edge of its interval may lie beyond it by a rounding error, which Matplotlib refuses.
    bars = np.maximum(np.stack([middle - np.asarray(low), np.asarray(high) - middle]), 0.0)
    bars[:, ~np.isfinite(bars).all(axis=0)] = np.nan
    options = {"color": MEASURED, "marker": "o", "linestyle": "none", "zorder": 3, **style}
    if horizontal:
        axes.errorbar(middle, at, xerr=bars, **options)
    else:
        axes.errorbar(at, middle, yerr=bars, **options)


def draw_quantity(axes: Axes, places: ArrayLike, data: Dataset, name: str, **style: Any) -> None:
    """A quantity of a result with its interval, which are named `name`, `name_low` and `name_high`.

    Parameters
    ----------
    axes, places, style
        As in `draw_intervals`.
    data
        With the three variables, of one dimension, that of the places.
    name
        Of the quantity.
    """
    draw_intervals(axes, places, *(data[f"{name}{end}"].values for end in ("", "_low", "_high")), **style)


def draw_means(
    axes: Axes,
    places: ArrayLike,
    data: DataArray,
    *,
    logarithmic: bool = False,
    skipna: bool = False,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    **style: Any,
) -> None:
    """Means over runs with Student's 95 % intervals, joined by a line.

    Parameters
    ----------
    axes, places, style
        As in `draw_intervals`.
    data
        Of the dimension `run` and at most one more, that of the places.
    logarithmic, skipna
        As in `simdyn.inference.means_over_runs`.
    bounds
        The least and the most that the quantity can be: an interval ends there.
    """
    values = data.transpose(..., "run").values
    mean, low, high = means_over_runs(values, logarithmic=logarithmic, skipna=skipna)
    low, high = np.maximum(low, bounds[0]), np.minimum(high, bounds[1])
    draw_intervals(axes, places, mean, low, high, **{"linestyle": "-", **style})
