"""Pictures of what the paper's noise does on simple landscapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.plotting.intervals import draw_intervals, draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, PREDICTED, new_figure
from simdyn.study import Results, StudyFigure
from studies.xie2021.settings import Settings
from studies.xie2021.styblinski import shifted_exponents

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import DataArray, Dataset


def line_figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """The point without noise, both curvatures at one barrier, and what is not special to SGD."""
    return [
        StudyFigure(
            "floor",
            "The point without noise. Left: eta times the least action of one Styblinski-Tang coordinate at "
            "C = "
            "|H|/B; the dashed constant is equation (7), the dotted line has the slope 4 g/kappa. Middle: "
            "mean "
            "escape time in units of SDE time against the floor delta of the noise; black line: exact value "
            "of the "
            "SDE, dotted: delta^(-2 mu), symbols: the chain, measured with 95 % intervals, on its exact "
            "values. "
            "Right: exact time of the SDE in a straight and in bent valleys.",
            _floor_figure(results, settings),
        ),
        StudyFigure(
            "barrier",
            "One barrier, both of whose curvatures are varied. Left and middle: mean escape time against the "
            "curvature of the minimum and of the saddle, with C = |H|/B (circles) and with the same noise "
            "everywhere (squares); 95 % intervals are smaller than the symbols; black: exact; dashed: "
            "equation "
            "(7). Right: Styblinski-Tang with shifted data, real batches (symbols) and the exact chain with "
            "Gaussian noise of that covariance; the lines have the slopes of equation (7) with the true "
            "covariances and of the SDE; (7) with C = H/B is off the scale.",
            _barrier_figure(results, settings),
        ),
        StudyFigure(
            "wells",
            "Left: three wells in a row; share of the middle one, measured with 95 % intervals, by equation "
            "(5), "
            "and by the rates between wells, which count visits as well. Middle: mean times until another "
            "well is "
            "reached. Right: flux over population in ten dimensions, over the exact mean escape time.",
            _wells_figure(results),
        ),
    ]


def _times(data: Dataset) -> tuple[DataArray, DataArray, DataArray]:
    """Measured times with the ends of their 95 % intervals."""
    return data["steps"], data["low"], data["high"]


def _floor_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.2, 3.0)
    left, middle, right = figure.subplots(1, 3)
    data = results["log_law"].sortby("eta")
    x = 1 / data["eta"].values
    left.plot(x, data["scaled"], color=EXACT, marker=".", label="chain")
    left.plot(x, data["formula"], color=PREDICTED[0], linestyle="--", label="equation (7)")
    start, slope = float(data["scaled"][0]), float(data["slope"][0])
    left.plot(x, start - slope * np.log(x[0] / x), color=PREDICTED[1], linestyle=":", label="4 g/κ log(1/η)")
    left.set_ylim(0, 1.1 * start)
    left.set(xscale="log", xlabel="1/η", ylabel="η × least action at B = 1")
    left.legend()
    data = results["floor"].sortby("delta")
    delta = data["delta"].values
    for number, eta in enumerate(data["eta"].values):
        chain = data.sel(eta=eta)
        middle.plot(delta, eta * chain["exact"], color=EXACT, linewidth=0.8)
        draw_intervals(middle, delta, *_times(eta * chain), **MARKS[number % 3], label=f"chain, η = {eta:g}")
    one = data.isel(eta=0)
    time = float(one["eta"]) * one["sde"].values
    middle.plot(delta, time, color=EXACT, linewidth=1.5, label="SDE")
    power = float(one["power"][0])
    middle.plot(
        delta, time[0] * (delta / delta[0]) ** -power, color=PREDICTED[1], linestyle=":", label="δ^(−2μ)"
    )
    middle.set(xscale="log", yscale="log", xlabel="floor δ", ylabel="escape time η N")
    middle.legend()
    data = results["curved"].sortby("delta")
    for number, c in enumerate(data["c"].values):
        label = "straight" if c == 0 else f"bend c = {c:g}"
        right.plot(
            data["delta"], data["sde"].sel(c=c), **MARKS[number % 3], color=MARKED[number], label=label
        )
    right.set(xscale="log", yscale="log", xlabel="floor δ", ylabel="mean time of the SDE")
    right.legend()
    return figure


MARKS: tuple[dict[str, Any], ...] = (
    {"marker": "o"},
    {"marker": "s", "markerfacecolor": "white"},
    {"marker": "^", "markerfacecolor": "white"},
)
"""Series of one colour, told apart."""

MARKED = (EXACT, MEASURED, *PREDICTED)
"""Colours of the valleys."""


def _barrier_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.2, 3.0)
    left, middle, right = figure.subplots(1, 3)
    for axes, at in ((left, "minimum"), (middle, "saddle")):
        data = results["barrier"].sel(at=at).sortby("h")
        for noise, marks, label in (
            ("curvature", MARKS[0], "C = |H|/B"),
            ("constant", MARKS[1], "C constant"),
        ):
            one = data.sel(noise=noise)
            axes.plot(one["h"], one["exact"], color=EXACT, linewidth=0.8)
            draw_intervals(axes, one["h"], *_times(one), **marks, label=label)
        axes.plot(
            data["h"],
            data.sel(noise="curvature")["predicted"],
            color=PREDICTED[0],
            linestyle="--",
            label="equation (7)",
        )
        axes.set(yscale="log", xlabel=f"curvature of the {at}")
    left.set_ylabel("mean escape time in steps")
    left.legend()
    data, eta = results["data"].sortby("B"), settings.data_rate
    size = data["B"].values
    right.plot(size, data["gaussian"], color=EXACT, marker=".", label="Gaussian chain")
    draw_intervals(right, size, *_times(data), label="real batches")
    _, ends, sde = shifted_exponents()
    first = float(data["gaussian"][0])
    for exponent, label, style, colour in (
        (ends, "(7), true C", "--", PREDICTED[0]),
        (sde, "SDE", ":", PREDICTED[1]),
    ):
        right.plot(size, first * np.exp(exponent * (size - size[0]) / eta), style, color=colour, label=label)
    right.set(
        yscale="log",
        xlabel="batch size B",
        ylim=(float(data["steps"].min()) / 3, 100 * float(data["gaussian"].max())),
    )
    right.set_xticks(size)
    right.legend(fontsize=7, loc="lower right")
    return figure


def _wells_figure(results: Results) -> Figure:
    figure = new_figure(7.2, 2.9)
    left, middle, right = figure.subplots(1, 3)
    data = results["wells"].sortby("D")
    temperature = data["D"].values
    draw_quantity(left, temperature, data, "share", label="measured")
    left.plot(temperature, data["share_exact"], color=EXACT, linewidth=1, label="exact")
    left.plot(
        temperature, data["share_times"], color=PREDICTED[0], linestyle="--", marker=".", label="equation (5)"
    )
    left.plot(temperature, data["share_network"], color=PREDICTED[1], linestyle=":", label="with visits")
    left.set(xlabel="temperature D", ylabel="share of the middle well", ylim=(0, 1))
    left.set_xticks(temperature, [f"{value:g}" for value in temperature])
    left.legend()
    for name, marks in (("middle", MARKS[0]), ("outer", MARKS[1])):
        draw_quantity(middle, temperature, data, name, label=f"{name} well", **marks)
        middle.plot(temperature, data[f"{name}_exact"], color=EXACT, linewidth=0.8)
    middle.set(yscale="log", xlabel="temperature D", ylabel="mean time in steps")
    middle.set_xticks(temperature, [f"{value:g}" for value in temperature])
    middle.legend()
    data = results["flux"].sortby("D")
    exact = data["exact"].values
    right.axhline(1.0, color=EXACT, linewidth=1, label="exact")
    draw_intervals(right, data["D"], *_times(data / data["exact"]), label="measured")
    right.plot(
        data["D"],
        data["predicted"] / exact,
        color=PREDICTED[0],
        linestyle="--",
        marker=".",
        label="quadratic approximation",
    )
    right.set(xlabel="temperature D", ylabel="population / flux, over exact")
    right.legend()
    return figure
