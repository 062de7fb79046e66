"""Figures of the potentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from potentials import EffectiveEnergy, muller_brown, smoothed
from simdyn.plotting.intervals import draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, new_figure
from simdyn.study import Results, StudyFigure
from studies.landscape.indices import ALPHA
from studies.landscape.model_settings import ModelSettings
from studies.landscape.network_paths import path_figure
from studies.landscape.wells import BETAS, PLACES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def model_figures(results: Results, settings: ModelSettings) -> list[StudyFigure]:
    """All of them, drawn in the house style by the caller."""
    figures = [
        StudyFigure(
            "remedies",
            "Two remedies against a shallow minimum, on a tilted double well. Left: share of paths of SGLD "
            "that end in the deeper well when the temperature falls within so many steps, with 95 % "
            "intervals, and by a process of two states; beside it, by that process, noise that "
            "stays at the best temperature. Right: descent with momentum and without noise, from the slope "
            "beyond the shallow well and from within it; the line is a ball with friction.",
            _remedies(results),
        ),
        StudyFigure(
            "indices",
            "Stable index of coordinates whose scales are log-normal: each for itself, all in one sample, "
            "and all after division by their median size, with 95 % intervals. Dashed: what Gaussian "
            "coordinates of these scales have when pooled.",
            _indices(results),
        ),
        StudyFigure(
            "smoothing",
            "A sharp well that is deeper than a flat one, averaged over Gaussian displacements. Left: the "
            "energy averaged. Middle: exp(-beta energy) averaged, beta = 20. Each curve is drawn from its "
            "own minimum up; the widths are below. Right: place of the lowest minimum.",
            _smoothing(results),
        ),
        StudyFigure(
            "strings",
            "The path of least energy between the outer minima of the surface of Müller and Brown. Left: "
            "contours, the path and the straight line. Right: energy along both.",
            _string(),
        ),
    ]
    if "paths" in results.datasets:
        figures.append(
            StudyFigure(
                "paths",
                "Cross-entropy on the way between two solutions, above that of these: highest on the "
                "straight line, and on a path that the string method has lowered. Points: runs; lines: "
                "geometric means.",
                path_figure(results),
            )
        )
    return figures


def _remedies(results: Results) -> Figure:
    figure = new_figure(7.0, 3.0)
    left, right = figure.subplots(1, 2)
    cooling = results["cooling"].sortby("steps")
    for number, schedule in enumerate(cooling["schedule"].values):
        data = cooling.sel(schedule=schedule)
        steps = data["steps"].values
        color = (MEASURED, PREDICTED[2])[number]
        draw_quantity(left, steps, data, "share", color=color, label=f"measured, {schedule}")
        line = ("-", "--")[number]
        left.plot(steps, data["master"], line, color=EXACT, label="exact rates" if number == 0 else None)
        if number == 0:
            left.plot(steps, data["kramers"], ":", color=PREDICTED[0], label="Kramers' rates")
    best = cooling["constant"].isel(schedule=0)
    left.plot(steps, best, "-.", color=PREDICTED[1], label="best constant noise")
    left.axhline(float(cooling["held"].max()), color=MUTED, linewidth=0.8)
    left.text(
        float(cooling["steps"].min()),
        float(cooling["held"].max()) + 0.015,
        "Gibbs, hot",
        color=MUTED,
        fontsize=7,
    )
    left.set_xscale("log")
    left.set_xlabel("steps of cooling")
    left.set_ylabel("share in the deeper well")
    left.legend(loc="lower right")
    rolling = results["rolling"].sortby("beta")
    friction = 1 - rolling["beta"].values
    draw_quantity(right, friction, rolling, "share", label="from the slope")
    draw_quantity(right, friction, rolling, "rest", color=PREDICTED[1], marker="s", label="from within")
    right.plot(friction, rolling["ball"], color=EXACT, label="ball with friction")
    right.set_xscale("log")
    right.invert_xaxis()
    right.set_ylim(-0.05, 1.05)
    right.set_xlabel("1 − β, more momentum to the right")
    right.set_ylabel("share in the deeper well")
    right.legend(loc="upper left")
    return figure


def _indices(results: Results) -> Figure:
    figure = new_figure(7.0, 3.0)
    for axes, law in zip(figure.subplots(1, 2, sharey=True), ("Gaussian", "stable"), strict=True):
        data = results["indices"].sel(law=law).sortby("spread")
        x = data["spread"].values
        draw_quantity(axes, x, data, "single", label="each for itself")
        draw_quantity(axes, x, data, "scaled", color=PREDICTED[1], marker="s", label="pooled, scaled")
        draw_quantity(axes, x, data, "pooled", color=PREDICTED[0], marker="^", label="pooled")
        if law == "Gaussian":
            axes.plot(x, data["expected"], "--", color=EXACT, label="expected when pooled")
        axes.axhline(2.0 if law == "Gaussian" else ALPHA, color=MUTED, linewidth=0.8)
        axes.set_title(
            "Gaussian coordinates" if law == "Gaussian" else f"stable coordinates, index {ALPHA:g}"
        )
        axes.set_xlabel("spread of the logarithm of the scales")
    first = figure.axes[0]
    first.set_ylabel("stable index")
    first.legend(loc="lower left")
    return figure


def _smoothing(results: Results) -> Figure:
    figure = new_figure(7.2, 3.0)
    left, middle, right = figure.subplots(1, 3)
    make = PLACES["deep sharp well"]
    x = np.linspace(-1.6, 1.8, 341)
    widths = (0.0, 0.15, 0.3, 0.5)
    colors = (EXACT, *PREDICTED)
    beta = BETAS["cold bath"]
    diffused = smoothed(make(), 0.0)
    for width, color in zip(widths, colors, strict=False):
        curves = [diffused.with_parameters(width=width).energy(x[:, None])]
        bath = EffectiveEnergy(make(), 1 / (beta * width**2), beta) if width else make()
        curves.append(bath.energy(x[:, None]))
        for axes, curve in zip((left, middle), curves, strict=True):
            axes.plot(x, curve - curve.min(), color=color, label=f"{width:g}")
    for axes, title in ((left, "diffusion"), (middle, "cold bath")):
        axes.set_ylim(-0.1, 2.0)
        axes.set_title(title)
        axes.set_xlabel("x")
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=4, title="width", fontsize=7
    )
    left.set_ylabel("energy above the minimum")
    data = results["smoothing"].sel(landscape="deep sharp well").sortby("width")
    for method, color, marker in zip(
        data["average"].values, (MEASURED, PREDICTED[0], PREDICTED[1]), "os^", strict=True
    ):
        right.plot(
            data["width"], data["lowest"].sel(average=method), color=color, marker=marker, label=str(method)
        )
    right.set_title("lowest minimum")
    right.set_xlabel("width")
    right.set_ylabel("x")
    right.legend(loc="center right", fontsize=7)
    return figure


def _string() -> Figure:
    from simdyn import exact
    from simdyn.plotting.energy_path import energy_path_figure

    hills = muller_brown()
    return energy_path_figure(hills, exact.minimum_energy_path(hills, *hills.minima()[:2]))
