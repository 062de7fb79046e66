"""What an answer costs against how deep the well is, for two ways to get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simdyn.plotting.style import PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", *PREDICTED)
MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class CostCurve:
    """One problem over a range of depths.

    Attributes
    ----------
    label
        Name of the problem.
    depths
        Barrier over noise, or the logarithm of the mean escape time.
    splitting, direct
        Path-steps that each method takes for one and the same relative error.
    """

    label: str
    depths: Sequence[float]
    splitting: Sequence[float]
    direct: Sequence[float]


def cost_figure(panels: Sequence[tuple[str, Sequence[CostCurve]]], error: float) -> Figure:
    """One panel for each horizontal axis, on logarithmic axes; the same colour and marker are one problem.

    Parameters
    ----------
    panels
        Label of the horizontal axis, and the curves.
    error
        The relative standard error that the costs are for.
    """
    with house_style():
        figure = new_figure(width=4.2 * len(panels), height=3.8)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for place, (name, curves) in zip(axes, panels, strict=True):
            _draw(place, curves)
            place.set_xlabel(name)
        axes[0].set_ylabel(f"path-steps for a relative error of {error:.0%}")
    return figure


def _draw(axes: Axes, curves: Sequence[CostCurve]) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

    for curve, colour, marker in zip(curves, COLOURS, MARKERS, strict=False):
        axes.plot(curve.depths, curve.direct, "--", marker=marker, mfc="white", color=colour, linewidth=1.0)
        axes.plot(curve.depths, curve.splitting, "-", marker=marker, color=colour, label=curve.label)
    axes.plot([], [], "-", color="#000000", label="splitting, measured")
    axes.plot([], [], "--", color="#000000", linewidth=1.0, label="direct simulation, exact time × escapes")
    axes.set_xscale("log")
    axes.set_yscale("log")
    deepest = max(max(curve.depths) for curve in curves)
    axes.xaxis.set_major_locator(FixedLocator([t for t in (3, 5, 10, 20, 30, 40) if t <= 1.1 * deepest]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left", fontsize=7)
