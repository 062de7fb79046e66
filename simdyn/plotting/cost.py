"""What an answer costs against how deep the well is, for two ways to get it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.style import PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", *PREDICTED)
MARKERS = ("o", "s", "^", "D", "v", "P")


FROM_DEPTH = 5.0
"""Shallower wells cost what settling in them costs, whatever the method."""


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
    intervals
        Ends of an interval for each entry of `splitting`.
    measured
        What direct simulation took where it was run; elsewhere None.
    """

    label: str
    depths: Sequence[float]
    splitting: Sequence[float]
    direct: Sequence[float]
    intervals: Sequence[tuple[float, float]] = ()
    measured: Sequence[float | None] = ()


@dataclass(frozen=True)
class Slope:
    """A fitted slope and half the width of its 95 % interval."""

    value: float
    half_width: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ± {self.half_width:.2f}"


def power_growth(curves: Sequence[CostCurve]) -> Slope:
    """The power of the depth as which splitting grows, one for all curves; from `FROM_DEPTH` on."""
    return _slope([(np.log(c.depths), np.log(c.splitting), np.asarray(c.depths)) for c in curves])


def exponential_growth(curves: Sequence[CostCurve]) -> Slope:
    """The rate at which the logarithm of the cost of direct simulation grows; from `FROM_DEPTH` on."""
    return _slope([(np.asarray(c.depths), np.log(c.direct), np.asarray(c.depths)) for c in curves])


def _slope(lines: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Slope:
    """Least squares with one slope for all lines and an offset for each; the interval is Student's."""
    # scipy.stats has it ready, but takes half a second to import.
    from scipy.special import stdtrit

    x, y = [], []
    for across, up, depths in lines:
        deep = depths >= FROM_DEPTH
        x.append(across[deep] - across[deep].mean())
        y.append(up[deep] - up[deep].mean())
    across, up = np.concatenate(x), np.concatenate(y)
    value = float(across @ up / (across @ across))
    free = len(across) - len(lines) - 1
    variance = float(((up - value * across) ** 2).sum()) / free / float(across @ across)
    return Slope(value, float(stdtrit(free, 0.975)) * math.sqrt(variance))


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
        figure = new_figure(width=3.6 * len(panels), height=4.4)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for place, (name, curves) in zip(axes, panels, strict=True):
            _draw(place, curves)
            place.set_xlabel(name)
        axes[0].set_ylabel(f"path-steps for a relative error of {error:.0%}")
    return figure


def _draw(axes: Axes, curves: Sequence[CostCurve]) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

    for curve, colour, marker in zip(curves, COLOURS, MARKERS, strict=False):
        axes.plot(curve.depths, curve.direct, "--", color=colour, linewidth=0.8)
        run = [(depth, cost) for depth, cost in zip(curve.depths, curve.measured, strict=False) if cost]
        if run:
            axes.plot(*zip(*run, strict=True), marker, mfc="white", color=colour)
        if curve.intervals:
            reach = np.abs(np.transpose(curve.intervals) - np.asarray(curve.splitting))
            axes.errorbar(curve.depths, curve.splitting, reach, fmt="none", color=colour, linewidth=0.8)
        axes.plot(curve.depths, curve.splitting, "-", marker=marker, color=colour, label=curve.label)
    power, rate = (_in_words(fit, curves) for fit in (power_growth, exponential_growth))
    of_power = f", depth$^{{{power}}}$" if power else ""
    of_rate = f", $e^{{{rate}\\,\\mathrm{{depth}}}}$" if rate else ""
    axes.plot([], [], "-", color="#000000", label=f"splitting, measured{of_power}")
    axes.plot([], [], "--", color="#000000", linewidth=0.8, label=f"direct, exact time × escapes{of_rate}")
    if any(cost for curve in curves for cost in curve.measured):
        axes.plot([], [], "o", mfc="white", color="#000000", label="direct, measured")
    axes.set_xscale("log")
    axes.set_yscale("log")
    deepest = max(max(curve.depths) for curve in curves)
    axes.xaxis.set_major_locator(FixedLocator([t for t in (3, 5, 10, 20, 30, 40) if t <= 1.1 * deepest]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left", fontsize=7)


def _in_words(fit: Callable[[Sequence[CostCurve]], Slope], curves: Sequence[CostCurve]) -> str:
    """A fitted slope, where there are enough points for one with an interval."""
    points = sum(depth >= FROM_DEPTH for curve in curves for depth in curve.depths)
    return str(fit(curves)).replace("±", "\\pm") if points > len(curves) + 1 else ""
