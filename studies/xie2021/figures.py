"""The plots of the paper with exact values beside them, and what lies beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.intervals import draw_intervals
from simdyn.plotting.style import EXACT, MEASURED, PREDICTED, house_style, new_figure
from simdyn.study import Results, StudyFigure
from studies.xie2021.line_figures import line_figures
from studies.xie2021.network_claims import has_networks
from studies.xie2021.network_figures import network_figures
from studies.xie2021.settings import Settings
from studies.xie2021.styblinski import MEASURED_GRIDS, usable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """The paper's four plots with exact values beside them, the range beyond simulation, and all ratios to
    the exact values."""

    with house_style():
        return [
            StudyFigure(
                "sgld",
                "SGLD. Left: escape rate per unit of time against the curvature scale. Right: minus log "
                "rate against 1/D. Points: measured, with "
                "95 % intervals (smaller than the symbols where not seen); black: exact value of the "
                "simulated chain; dashed: Eyring-Kramers, "
                "the paper's equation (6), read as the first crossing of the rim through ten saddles.",
                _sgld_figure(results, settings),
            ),
            StudyFigure(
                "sgd",
                "SGD with Gaussian noise of covariance |H|/B. Minus log rate, that is log N, against B, "
                "1/eta and 1/k. Points: measured, with 95 % intervals; "
                "crosses: cells with more than 1 % of first-exit states beyond |x| = 5, left out of every"
                " fit; black: exact value of the chain; "
                "dashed: the paper's equation (7). Right: hollow squares repeat the middle panel's points"
                " at k eta, the identity "
                "N_k(eta, B) = N_1(k eta, B).",
                _sgd_figure(results, settings),
            ),
            StudyFigure(
                "sgd_beyond",
                "Beyond direct simulation: exact values alone (black circles), with the measured cells in"
                " blue. Left: against B. Right: against 1/eta at "
                "B = 1. Dashed: equation (7).",
                _beyond_figure(results, settings),
            ),
            StudyFigure(
                "ratios",
                "Measured over exact mean escape time of every cell, with 95 % intervals. About one "
                "interval in twenty should miss the line.",
                _ratio_figure(results),
            ),
            *line_figures(results, settings),
            *(network_figures(results, settings) if has_networks(results) else []),
        ]


def _log_times(axes: Axes, x: np.ndarray, data: Dataset) -> None:
    """log N with its interval; cells with too much overshoot as crosses."""
    good = usable(data)
    logs = np.log([data[name].values for name in ("steps", "low", "high")])
    draw_intervals(axes, x[good], *logs[:, good], label="measured")
    if not good.all():
        draw_intervals(axes, x[~good], *logs[:, ~good], marker="x", label="overshoot above 1 %")


def _curves(axes: Axes, x: np.ndarray, data: Dataset, formula: str) -> None:

    order = np.argsort(x)
    axes.plot(x[order], np.log(data["exact"].values)[order], color=EXACT, marker=".", label="exact (chain)")
    axes.plot(
        x[order], np.log(data["predicted"].values)[order], color=PREDICTED[0], linestyle="--", label=formula
    )


def _sgld_figure(results: Results, settings: Settings) -> Figure:

    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    data, eta = results["sgld_curvature"], settings.curvature_learning_rate
    k = data["k"].values
    rates = (1.0 / (eta * data[name].values) for name in ("steps", "high", "low"))
    draw_intervals(left, k, *rates, label="measured")
    left.plot(k, 1.0 / (eta * data["exact"].values), color=EXACT, marker=".", label="exact (chain)")
    left.plot(
        k, 1.0 / (eta * data["predicted"].values), color=PREDICTED[0], linestyle="--", label="equation (6)"
    )
    left.set_xscale("log", base=2)
    left.set_yscale("log", base=2)
    left.set_xticks(k, [f"{value:g}" for value in k])
    left.set_xlabel("curvature scale k")
    left.set_ylabel("escape rate γ per unit of time")
    left.set_title(f"D = {settings.curvature_temperature:g}, η = {eta:g}")
    left.legend()
    data = results["sgld_temperature"]
    x = 1.0 / data["D"].values
    _log_times(right, x, data)
    _curves(right, x, data, "equation (6)")
    right.set_xlabel("1/D")
    right.set_ylabel("−log γ per step = log N")
    right.set_title(f"k = 1, η = {settings.sgld_learning_rate:g}")
    right.legend()
    return figure


def _sgd_figure(results: Results, settings: Settings) -> Figure:

    figure = new_figure(7.2, 3.3)
    batch, rate, curvature = figure.subplots(1, 3)
    data = results["sgd_batch"]
    _log_times(batch, data["B"].values, data)
    _curves(batch, data["B"].values, data, "equation (7)")
    batch.set_xlabel("effective batch size B")
    batch.set_ylabel("−log γ per step = log N")
    batch.set_title(f"k = 1, η = {settings.batch_learning_rate:g}")
    other = results["sgd_learning_rate"]
    _log_times(rate, 1.0 / other["eta"].values, other)
    _curves(rate, 1.0 / other["eta"].values, other, "equation (7)")
    rate.set_xlabel("1/η")
    rate.set_title(f"k = 1, B = {settings.rate_batch_size:g}")
    data, eta = results["sgd_curvature"], settings.learning_rates[0]
    _log_times(curvature, 1.0 / data["k"].values, data)
    _curves(curvature, 1.0 / data["k"].values, data, "equation (7)")
    curvature.plot(
        eta / other["eta"].values,
        np.log(other["steps"].values),
        marker="s",
        markersize=8,
        markerfacecolor="none",
        color=PREDICTED[1],
        linestyle="none",
        label="middle panel at kη",
    )
    curvature.set_xlabel("1/k")
    curvature.set_title(f"η = {eta:g}, B = {settings.rate_batch_size:g}")
    known = {}
    for axes in (batch, rate, curvature):
        handles, labels = axes.get_legend_handles_labels()
        known.update(dict(zip(labels, handles, strict=True)))
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=5, fontsize=7.5)
    return figure


def _beyond_figure(results: Results, settings: Settings) -> Figure:

    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    panels = (
        (left, "B", lambda v: v, "sgd_batch_exact", results["sgd_batch"]),
        (right, "eta", lambda v: 1.0 / v, "sgd_learning_rate_exact", None),
    )
    for axes, dimension, scale, name, measured in panels:
        data = results[name]
        x = scale(data[dimension].values)
        order = np.argsort(x)
        axes.plot(
            x[order],
            np.log10(data["exact"].values)[order],
            color=EXACT,
            marker="o",
            markerfacecolor="none",
            label="exact (no simulation)",
        )
        axes.plot(
            x[order],
            np.log10(data["predicted"].values)[order],
            color=PREDICTED[0],
            linestyle="--",
            label="equation (7)",
        )
        if measured is not None:
            axes.plot(
                measured[dimension].values,
                np.log10(measured["steps"].values),
                color=MEASURED,
                marker=".",
                linestyle="none",
                label="measured",
            )
        axes.legend()
    left.set_xlabel("effective batch size B")
    left.set_ylabel("log10 of mean escape time in steps")
    left.set_title(f"k = 1, η = {settings.batch_learning_rate:g}")
    right.set_xlabel("1/η")
    right.set_title("k = 1, B = 1")
    return figure


def _ratio_figure(results: Results) -> Figure:

    names: list[str] = []
    edges: list[int] = []
    ratios: list[list[float]] = []
    for grid in MEASURED_GRIDS:
        data = results[grid]
        (dimension,) = data.dims
        edges.append(len(names))
        for i, value in enumerate(data[dimension].values):
            point = data.isel({dimension: i})
            names.append(f"{grid.replace('_', ' ')}: {dimension} = {value:.4g}")
            ratios.append([float(point[name]) / float(point["exact"]) for name in ("steps", "low", "high")])
    figure = new_figure(6.0, 0.8 + 0.17 * len(names))
    axes = figure.subplots()
    y = np.arange(len(names))
    axes.axvline(1.0, color="black", linewidth=1)
    draw_intervals(axes, y, *np.transpose(ratios), horizontal=True)
    for edge in edges[1:]:
        axes.axhline(edge - 0.5, color="#999999", linewidth=0.5)
    axes.set_yticks(y, names, fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("measured / exact mean escape time")
    return figure
