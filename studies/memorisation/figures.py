"""Difficulty of samples, eigenvectors, the course of training, critical samples, size, and regularisers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.inference import means_over_runs
from simdyn.plotting.intervals import draw_intervals, draw_means
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure, plain_numbers
from simdyn.study import Results, StudyFigure
from studies.memorisation.experiment import has_networks, judged_radius
from studies.memorisation.samples import INPUTS, LABELS, REAL, noisy
from studies.memorisation.settings import Settings
from studies.memorisation.training import kinds, regularisers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES: dict[str, dict[str, Any]] = {
    REAL: {"color": MEASURED, "marker": "o"},
    LABELS: {"color": PREDICTED[0], "marker": "s"},
    INPUTS: {"color": PREDICTED[1], "marker": "^"},
}

_PERCENT: dict[str, Any] = {"skipna": True, "bounds": (0.0, 100.0)}
_SHARE: dict[str, Any] = {"skipna": True, "bounds": (0.0, 1.0)}


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """None without PyTorch."""
    if not has_networks(results):
        return []
    share = noisy(settings.noise_share)
    with house_style():
        return [
            StudyFigure(
                "difficulty",
                "How often samples are right after one epoch, sorted: real digits, random labels and random "
                f"inputs. Dashed: samples alike and independent, for {settings.first_runs} runs.",
                _difficulty(results),
            ),
            StudyFigure(
                "eigenvectors",
                "Left: steps in which the error along each eigenvector falls to half, over the closed form "
                "of the linearised network; geometric means of runs with 95 % intervals. Right: share of "
                "the labels in the first eigenvectors. Dashed: without a relation.",
                _eigenvectors(results, settings),
            ),
            StudyFigure(
                "course",
                "Training accuracy (dashed) and test accuracy (true labels, solid) by share of random "
                "labels. Top: networks trained with SGD. Below: a linearised network under gradient flow, "
                "in closed form. Means of runs with 95 % intervals.",
                _course(results, settings),
            ),
            StudyFigure(
                "critical",
                "Left: share of training samples with another class in a box around them. Right: Gini's "
                "coefficient of the sensitivity of the loss to samples. Means of runs with 95 % intervals.",
                _critical(results, settings),
            ),
            StudyFigure(
                "size",
                "Left: training accuracy by hidden units. Right: steps until all training samples are "
                f"right, by their number, {settings.width} units. Means of runs with 95 % intervals, "
                "geometric on the right.",
                _size(results, settings),
            ),
            StudyFigure(
                "regularisers",
                "Training accuracy on random labels against test accuracy on real digits, one point a "
                "strength, which grows along the line; means of runs with 95 % intervals. Shaded: within "
                f"{settings.allowed:g} percentage point of no regulariser.",
                _regularisers(results, settings),
            ),
            StudyFigure(
                "noise",
                f"Test accuracy while half of the wrong labels are learnt, {share}; dots are runs, "
                "diamonds their means with 95 % intervals.",
                _noise(results),
            ),
        ]


def _difficulty(results: Results) -> Figure:
    data = results["difficulty"].sortby("rank")
    figure = new_figure(5.0, 3.2)
    axes = figure.subplots()
    ranks = data["rank"].values
    inner = (ranks > 0) & (ranks < 1)
    for kind, style in STYLES.items():
        one = data.sel(data=kind)
        axes.plot(ranks, one["frequency"], label=kind, markevery=4, **style)
        axes.plot(ranks[inner], one["binomial"].values[inner], color=style["color"], linestyle="--")
    axes.set_xlabel("share of the samples that are right less often")
    axes.set_ylabel("right after one epoch (share of runs)")
    axes.set_ylim(0.0, 1.0)
    axes.legend(loc="upper left")
    return figure


def _eigenvectors(results: Results, settings: Settings) -> Figure:
    data, held = results["order"].sortby("mode"), results["alignment"]["held"].sortby("directions")
    figure = new_figure(7.2, 3.1)
    order, share = figure.subplots(1, 2)
    ratios = data["measured"] / data["predicted"]
    number = held["directions"].values
    widths = (settings.eigen_widths[0], settings.eigen_widths[-1])
    for kind in (REAL, LABELS):
        for width, line in zip(widths, (":", "-"), strict=True):
            style = dict(STYLES[kind])
            if width == widths[0]:
                style["markerfacecolor"] = "white"
            one = ratios.sel(data=kind, width=width)
            places = one["mode"].values + (0.12 if kind == LABELS else -0.12)
            style |= {"linestyle": line, "label": f"{kind}, {width} units"}
            draw_means(order, places, one, logarithmic=True, skipna=True, **style)
        draw_means(share, number, held.sel(data=kind), **_SHARE, label=kind, **STYLES[kind])
    order.axhline(1.0, color=EXACT, linewidth=1)
    order.set_yscale("log")
    plain_numbers(order.yaxis)
    order.set_xlabel("eigenvector, by eigenvalue")
    order.set_ylabel("steps to half, measured over closed form")
    order.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    share.plot(number, (number - 1) / (settings.eigen_samples - 1), color=MUTED, linestyle="--")
    share.set_xscale("log")
    plain_numbers(share.xaxis)
    share.set_xlabel("first eigenvectors")
    share.set_ylabel("share of the labels' square")
    share.legend(loc="upper left")
    return figure


def _course(results: Results, settings: Settings) -> Figure:
    from matplotlib import colormaps

    network, linear = results["course"].sortby("epoch"), results["kernel"].sortby("time")
    figure = new_figure(7.4, 5.0)
    panels = figure.subplots(2, 1)
    names = [noisy(share) for share in settings.shares]
    shades = colormaps["viridis"](np.linspace(0.0, 0.9, len(names)))
    network = network.where(network.epoch >= 1, drop=True)
    for axes, data, along in ((panels[0], network, "epoch"), (panels[1], linear, "time")):
        for name, shade, marker in zip(names, shades, "osD^vP*X", strict=False):
            one = 100 * data.sel(data=name)
            style = {"color": shade, "marker": marker, "label": name}
            draw_means(axes, data[along], one["test_accuracy"], **_PERCENT, **style)
            axes.plot(data[along], one["train_accuracy"].mean("run"), color=shade, linestyle="--")
        axes.set_ylim(0.0, 103.0)
        axes.set_ylabel("accuracy (%)")
    panels[0].set_xscale("log")
    plain_numbers(panels[0].xaxis)
    panels[0].set_xlabel("epochs")
    panels[1].set_xscale("log")
    panels[1].set_xlabel("time ηt, in units of 1 / (largest eigenvalue)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title="test accuracy")
    return figure


def _critical(results: Results, settings: Settings) -> Figure:
    critical = results["critical"]["critical"].sortby("epoch").sel(radius=judged_radius(settings))
    gini = results["course"]["gini"].sortby("epoch")
    gini = gini.where(gini.epoch >= 1, drop=True)
    figure = new_figure(7.2, 3.0)
    left, right = figure.subplots(1, 2)
    middle = noisy(settings.noise_share)
    styles = {**STYLES, middle: {"color": PREDICTED[2], "marker": "D"}}
    for kind in kinds(settings):
        if kind in styles:
            draw_means(
                left, critical["epoch"], 100 * critical.sel(data=kind), **_PERCENT, label=kind, **styles[kind]
            )
            draw_means(right, gini["epoch"], gini.sel(data=kind), **_SHARE, **styles[kind])
    left.set_ylabel(f"critical samples (%), box of {judged_radius(settings):g}")
    left.set_ylim(0.0, 103.0)
    right.set_ylabel("Gini's coefficient of sensitivity")
    right.set_ylim(0.0, 1.0)
    for axes in (left, right):
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
        axes.set_xlabel("epochs")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _size(results: Results, settings: Settings) -> Figure:
    accuracy = 100 * results["capacity"]["train_accuracy"].sortby("units")
    steps = results["time"]["steps"].sortby("samples").sel(units=settings.width)
    figure = new_figure(7.2, 3.0)
    left, right = figure.subplots(1, 2)
    middle = {"color": PREDICTED[2], "marker": "D"}
    for share in settings.capacity_shares:
        name = noisy(share)
        style = STYLES.get(name, middle)
        draw_means(left, accuracy["units"], accuracy.sel(data=name), **_PERCENT, label=name, **style)
    for kind, style in STYLES.items():
        draw_means(
            right, steps["samples"], steps.sel(data=kind), logarithmic=True, skipna=True, label=kind, **style
        )
    left.set_xscale("log", base=2)
    left.set_xticks(settings.units, [str(count) for count in settings.units])
    left.set_xlabel("units of each hidden layer")
    left.set_ylim(0.0, 103.0)
    left.set_ylabel("training accuracy (%)")
    left.legend(loc="lower right")
    right.set_xscale("log")
    right.set_xticks(settings.counts, [str(count) for count in settings.counts])
    right.minorticks_off()
    if np.isfinite(steps).any():
        right.set_yscale("log")
        plain_numbers(right.yaxis)
    right.set_xlabel("training samples")
    right.set_ylabel("steps until all are right")
    right.legend(loc="upper left")
    return figure


def _regularisers(results: Results, settings: Settings) -> Figure:
    data = results["regularisers"]
    figure = new_figure(5.2, 3.4)
    axes = figure.subplots()
    none = 100 * float(data["test_accuracy"].sel(data=REAL, regulariser="none").mean())
    axes.axvspan(none - settings.allowed, none + settings.allowed, color=MUTED, alpha=0.2, linewidth=0)
    for name, style in (("dropout", STYLES[LABELS]), ("weight decay", STYLES[REAL])):
        strengths = [
            "none",
            *(one for one in regularisers(settings) if one.startswith(name)),
        ]
        one = 100 * data.sel(regulariser=strengths)
        x, _, x_high = means_over_runs(
            one["test_accuracy"].sel(data=REAL).transpose("regulariser", "run").values, skipna=True
        )
        y, _, y_high = means_over_runs(
            one["train_accuracy"].sel(data=LABELS).transpose("regulariser", "run").values, skipna=True
        )
        axes.errorbar(x, y, y_high - y, x_high - x, label=name, elinewidth=0.7, **style)
        for strength, across, up in zip(strengths[1:], x[1:], y[1:], strict=True):
            axes.annotate(
                strength.rpartition(" ")[2],
                (across, up),
                (6, 4),
                textcoords="offset points",
                color=style["color"],
                fontsize=8,
            )
    axes.set_xlabel("test accuracy on real digits (%)")
    axes.set_ylabel("training accuracy on random labels (%)")
    axes.legend(loc="upper left")
    return figure


def _noise(results: Results) -> Figure:
    data = 100 * results["noise"]["test_accuracy"]
    figure = new_figure(4.6, 2.8)
    axes = figure.subplots()
    names = [str(name) for name in data["sgd"].values]
    for place, name in enumerate(names):
        values = data.sel(sgd=name).values
        axes.plot(np.full(len(values), place), values, "o", color=MUTED, alpha=0.6)
        draw_intervals(axes, place + 0.12, *means_over_runs(values, skipna=True), marker="D")
    axes.set_xticks(range(len(names)), [name.replace(", ", "\n").replace("eta", "η") for name in names])
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylabel("test accuracy (%)")
    return figure
