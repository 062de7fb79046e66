"""One figure for each effect: the chain measured and exact, and what the SDE would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.intervals import draw_intervals, draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure
from simdyn.study import Results, StudyFigure
from studies.discrete_effects.claims import LOG_SLOPE
from studies.discrete_effects.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """The six effects."""
    with house_style():
        return [
            StudyFigure(
                "wrong_wall",
                "Where escapes are launched from, with noise of covariance |H|/B on the quartic: start of "
                "the longest "
                "step. Points: median of the escapes measured, with the range of the middle eight tenths; "
                "black: path "
                "of least action. Right: share of escapes launched beyond the minimum, with 95 % intervals.",
                _launch_figure(results),
            ),
            StudyFigure(
                "exponent",
                "The exponent of the escape time in units of B/eta, exact for the chain, against the "
                "logarithm of 1/eta. "
                "Dashed: formula (7), the same for all learning rates; dotted: the slope 4g/κ of small ones.",
                _action_figure(results),
            ),
            StudyFigure(
                "escape",
                "SGLD against its SDE. Left and middle: time to another minimum over that of the SDE, "
                "with 95 % "
                "intervals. Right: mean time to the top of the barrier of the quartic over that of the "
                "SDE; the dashed "
                "line is the SDE with the boundary moved by 0.5826 standard deviations of a step.",
                _escape_figure(results),
            ),
            StudyFigure(
                "stability",
                "Growth per step of single runs near a minimum that three samples share, batch size 1. "
                "The shaded band "
                "lies between the thresholds of the mean square and of almost every path. Right: growth "
                "per step of the "
                "mean of x², for fresh batches over as many steps as it can be seen, and over one "
                "shuffled epoch.",
                _growth_figure(results),
            ),
            StudyFigure(
                "epochs",
                "Variance around the minimum of four samples of one curvature, with 95 % intervals "
                "(smaller than the "
                "symbols where not seen).",
                _epoch_figure(results),
            ),
            StudyFigure(
                "tails",
                "Exponent of the tail of the stationary law: Hill's estimate with 95 % intervals, and "
                "Kesten's kappa. "
                "Below 2 the variance is infinite.",
                _tail_figure(results),
            ),
        ]


def _rate_axis(axes: Axes, etas: np.ndarray) -> None:
    """A logarithmic axis of learning rates with plain numbers on it."""
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    shown = etas if len(etas) <= 6 else etas[:: int(np.ceil(len(etas) / 6))]
    axes.set_xticks(shown, [f"{eta:g}" for eta in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("learning rate η")


def _launch_figure(results: Results) -> Figure:
    figure = new_figure(7.2, 3.1)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    data = results["launch"].sortby("eta")
    etas = data["eta"].values
    reach = (data[name].values for name in ("launch", "launch_first", "launch_last"))
    draw_intervals(left, etas, *reach, label="measured")
    left.plot(
        etas, data["action_launch"].values, color=EXACT, marker="s", markersize=3.5, label="least action"
    )
    for place, words in ((-1.0, "minimum"), (-(3.0**-0.5), "no noise"), (0.0, "exit")):
        left.axhline(place, color=MUTED, linewidth=0.8, linestyle=":")
        left.text(
            1.01,
            place,
            words,
            fontsize=7.5,
            va="center",
            color=MUTED,
            transform=left.get_yaxis_transform(),
        )
    _rate_axis(left, etas)
    left.set_ylabel("longest step begins at x")
    left.legend(loc="lower left")
    draw_quantity(right, etas, data, "outer", label="measured")
    right.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
    right.set_ylim(-0.03, 1.03)
    _rate_axis(right, etas)
    right.set_ylabel("share launched from the outer wall")
    return figure


def _action_figure(results: Results) -> Figure:
    figure = new_figure(4.6, 3.2)
    axes = figure.subplots()
    data = results["action"].sortby("eta")
    inverse = 1 / data["eta"].values
    scaled = data["scaled"].values
    axes.plot(inverse, scaled, color=EXACT, marker=".", label="chain, exact")
    axes.plot(inverse, data["formula"].values, color=PREDICTED[0], linestyle="--", label="formula (7)")
    axes.plot(
        inverse,
        scaled[0] + LOG_SLOPE * np.log(inverse / inverse[0]),
        color=PREDICTED[1],
        linestyle=":",
        label="slope 4g/κ = 4/9",
    )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("1/η")
    axes.set_ylabel("η/B · log N for large B")
    axes.legend()
    return figure


def _escape_figure(results: Results) -> Figure:
    figure = new_figure(7.4, 3.2)
    panels = figure.subplots(1, 3)
    for axes, name in zip(panels, ("quartic", "cosine"), strict=False):
        data = results["commit"].sel(landscape=name).sortby("eta")
        etas = data["eta"].values
        draw_quantity(axes, etas, data, "ratio", label="measured")
        axes.plot(etas, data["exact"].values, color=EXACT, marker=".", label="exact (chain)")
        axes.plot(
            etas, data["predicted"].values, color=PREDICTED[0], linestyle="--", label="first order in η"
        )
        axes.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_title(name)
        axes.set_xlabel("learning rate η")
    panels[0].set_ylabel("time over that of the SDE")
    panels[0].legend(loc="lower left")
    data = results["hit"].sortby("eta")
    etas, ratios = data["eta"].values, data / data["exact_sde"]
    draw_quantity(panels[2], etas, ratios, "chain", label="chain")
    panels[2].plot(etas, ratios["exact_chain"], color=EXACT, marker=".", label="exact (chain)")
    panels[2].plot(etas, ratios["shifted"], color=PREDICTED[0], linestyle="--", label="SDE, line shifted")
    style = {"color": PREDICTED[1], "marker": "s", "markersize": 3.5}
    draw_quantity(panels[2], etas, ratios, "bridged", label="SDE with bridge", **style)
    panels[2].set_title("first crossing")
    panels[2].set_xlabel("learning rate η")
    panels[2].legend(loc="upper left", fontsize=7)
    low, high = panels[2].get_ylim()
    panels[2].set_ylim(low, high + 0.35 * (high - low))
    return figure


def _growth_figure(results: Results) -> Figure:
    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    data = results["growth"].sortby("eta")
    etas = data["eta"].values
    thresholds = [float(data[f"{name}_threshold"][0]) for name in ("mean_square", "almost_sure")]
    for axes in (left, right):
        axes.axvspan(*thresholds, color="#EEEEEE", zorder=0)
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        axes.set_xlabel("learning rate η")
    draw_quantity(left, etas, data, "exponent", label="measured")
    left.plot(etas, data["lyapunov"].values, color=EXACT, marker=".", label="exact (chain)")
    left.plot(etas, data["linear_sde"].values, color=PREDICTED[0], linestyle="--", label="linear SDE")
    left.set_ylabel("growth of log |x| per step")
    left.legend(loc="lower left")
    epoch = 3
    for name, exact, steps, color, marker, label in (
        ("square", "square_exact", data["square_steps"].values, MEASURED, "o", "fresh batches"),
        ("shuffled_square", "shuffled_exact", epoch, PREDICTED[1], "s", "shuffled epochs"),
    ):
        ends = (
            np.log(np.maximum(data[f"{name}{end}"].values, 1e-300)) / steps for end in ("", "_low", "_high")
        )
        draw_intervals(right, etas, *ends, color=color, marker=marker, label=label)
        right.plot(etas, np.log(data[exact].values) / steps, color=EXACT, linewidth=1)
    right.set_ylabel("growth of log mean x² per step")
    right.legend(loc="upper left")
    return figure


def _epoch_figure(results: Results) -> Figure:
    figure = new_figure(4.6, 3.2)
    axes = figure.subplots()
    data = results["epoch"].sortby("eta")
    etas = data["eta"].values
    draw_quantity(axes, etas, data, "fresh", label="fresh batches")
    axes.plot(etas, data["fresh_exact"].values, color=EXACT, linewidth=1, label="exact")
    draw_quantity(axes, etas, data, "shuffled", label="shuffled epochs", color=PREDICTED[1], marker="s")
    axes.plot(etas, data["shuffled_exact"].values, color=EXACT, linewidth=1)
    axes.set_yscale("log")
    _rate_axis(axes, etas)
    axes.set_ylabel("variance of x")
    axes.legend()
    return figure


def _tail_figure(results: Results) -> Figure:
    figure = new_figure(4.6, 3.2)
    axes = figure.subplots()
    data = results["tail"].sortby("eta")
    etas = data["eta"].values
    draw_quantity(axes, etas, data, "index", label="Hill's estimate")
    axes.plot(etas, data["kesten"].values, color=PREDICTED[0], linestyle="--", label="Kesten's κ")
    axes.axhline(2.0, color=MUTED, linewidth=0.8, linestyle=":")
    axes.text(etas[0], 2.06, "infinite variance below", fontsize=7.5, color=MUTED, ha="left")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("learning rate η")
    axes.set_ylabel("exponent of the tail")
    axes.legend()
    return figure
