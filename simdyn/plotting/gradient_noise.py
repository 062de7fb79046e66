"""Gradient noise against batch size: how far it is from Gaussian, and its tail indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.inference.gaussianity import DKW_975
from simdyn.plotting.intervals import draw_quantity
from simdyn.plotting.style import MUTED, PREDICTED, house_style, new_figure, plain_numbers

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

_SHOWN = 8
_SMALL: dict[str, Any] = {"markersize": 3, "linewidth": 0.8}


def gradient_noise_figure(data: xarray.Dataset) -> Figure:
    """Left the distance of the distribution functions by coordinate, with Edgeworth's lines and the grey band
    in which a sample of Gaussian noise lies; right the tail indices of coordinates and of all together.

    Parameters
    ----------
    data
        Of a `GradientNoise`.
    """
    with house_style():
        figure = new_figure(7.2, 3.2)
        left, right = figure.subplots(1, 2)
        sizes = data["batch_size"].values.astype(float)
        seen = DKW_975 / np.sqrt(data.attrs["draws"])
        left.axhspan(1e-12, seen, color=MUTED, alpha=0.2, linewidth=0, label="not told from Gaussian")
        for k, name in enumerate(data["coordinate"].values[:_SHOWN]):
            one = data.sel(coordinate=name)
            first = k == 0
            draw_quantity(
                left, sizes, one, "distance", label="measured, by coordinate" if first else None, **_SMALL
            )
            left.plot(
                sizes,
                one["distance_predicted"].values,
                color=PREDICTED[0],
                linewidth=0.8,
                label="Edgeworth" if first else None,
            )
            # Side by side, for the intervals of Gaussian coordinates are all the same.
            shifted = sizes * 1.06 ** (k - 0.5 * min(_SHOWN, data.sizes["coordinate"]) + 0.5)
            draw_quantity(right, shifted, one, "index", label="each coordinate" if first else None, **_SMALL)
        right.axhline(2.0, color=MUTED, linestyle="--", linewidth=0.9, label="Gaussian")
        if data.sizes["coordinate"] > 1:
            draw_quantity(right, sizes, data, "pooled", color=PREDICTED[0], label="all together", **_SMALL)
            right.plot(
                sizes,
                data["pooled_gaussian"].values,
                color=PREDICTED[0],
                linestyle=":",
                label="all together, were each Gaussian",
            )
        left.set_yscale("log")
        left.set_ylim(0.3 * seen, 1.0)
        left.set_ylabel("distance of distribution functions")
        right.set_ylabel("tail index $\\alpha$")
        low, high = right.get_ylim()
        # Room for the legend.
        right.set_ylim(low, high + 0.5 * (high - low))
        for axes in (left, right):
            axes.set_xscale("log")
            plain_numbers(axes.xaxis, sizes)
            axes.set_xlabel("batch size $B$")
            axes.legend(fontsize=7, loc="upper right")
    return figure
