"""SGD with learning rate and batch size raised together: variances against the factor, losses on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.intervals import draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 4


def linear_scaling_figure(data: xarray.Dataset) -> Figure:
    """Left the ratio of variances to that at lambda = 1, with the band of the tolerance and the lambda at
    which a prediction leaves it; right the ratio of the mean losses at equal times.

    Parameters
    ----------
    data
        Of a `LinearScaling`.
    """
    with house_style():
        figure = new_figure(7.6, 3.2)
        left, right = figure.subplots(1, 2)
        _equilibrium(left, data)
        _way(right, data)
    return figure


def _equilibrium(axes: Axes, data: xarray.Dataset) -> None:
    tolerance, breakdown = data.attrs["tolerance"], data.attrs["breakdown"]
    shown = data.isel(coordinate=slice(0, _SHOWN))
    factors = data["factor"].values.astype(float)
    for k, name in enumerate(shown["coordinate"].values):
        one = shown.sel(coordinate=name)
        seen = one["settled"].values
        colour = MEASURED if k == 0 else PREDICTED[k % len(PREDICTED)]
        draw_quantity(
            axes, factors[seen], one.isel(factor=seen), "ratio", color=colour, label=f"{name}, measured"
        )
        law = one["ratio_predicted"].values
        axes.plot(factors, np.where(np.isfinite(law), law, np.nan), color=colour, linewidth=0.9)
        exact = one["variance_exact"].values
        if np.isfinite(exact).any():
            axes.plot(factors, exact / exact[0], "x", color=EXACT, label="exact")
    axes.plot([], [], color=MUTED, label="predicted")
    axes.axhspan(1 - tolerance, 1 + tolerance, color=MUTED, alpha=0.2, linewidth=0)
    if math.isfinite(breakdown):
        axes.axvline(breakdown, color=MUTED, linestyle="--", linewidth=0.9)
        axes.annotate(
            f"{tolerance:.0%} at {breakdown:.3g}", (breakdown, 1 + tolerance), xytext=(4, 14),
            textcoords="offset points", fontsize=7,
        )  # fmt: skip
    highest = float(np.nanmax(np.where(data["settled"].values, shown["ratio"].max("coordinate").values, 1.0)))
    axes.set_ylim(1 - 2.5 * tolerance, max(1 + 3 * tolerance, 1.05 * highest))
    axes.set_xscale("log", base=2)
    axes.set_xticks(factors, [f"{factor:g}" for factor in factors])
    axes.set_xlabel("factor $\\lambda$ of learning rate and batch size")
    axes.set_ylabel("variance over that at $\\lambda = 1$")
    axes.legend(fontsize=7, loc="upper left")


def _way(axes: Axes, data: xarray.Dataset) -> None:
    tolerance = data.attrs["tolerance"]
    time = data["time"].values
    most = 1 + 4 * tolerance
    for k, factor in enumerate(data["factor"].values[1:]):
        one = data.sel(factor=factor)
        colour = PREDICTED[k % len(PREDICTED)]
        value = one["loss_ratio"].values
        style = {"color": colour, "markersize": 2.5, "label": f"$\\lambda = {factor:g}$"}
        draw_quantity(axes, time, one, "loss_ratio", **style)
        axes.plot(time, one["loss_ratio_predicted"].values, color=colour, linewidth=0.9)
        beyond = np.flatnonzero(np.abs(value - 1) > tolerance)
        if len(beyond):
            axes.axvline(time[beyond[0]], color=colour, linestyle=":", linewidth=0.9)
        most = max(most, 1.1 * float(np.nanquantile(value, 0.9)))
    axes.axhspan(1 - tolerance, 1 + tolerance, color=MUTED, alpha=0.2, linewidth=0)
    axes.set_ylim(max(0.0, 2 - most), most)
    axes.set_xlabel("time (learning rate times steps)")
    axes.set_ylabel("mean loss over that at $\\lambda = 1$")
    axes.legend(fontsize=7)
