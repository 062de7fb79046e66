"""The two functions, the diagram, and where networks end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.intervals import PERCENT, draw_means, draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure, plain_numbers
from simdyn.study import Results, StudyFigure
from studies.wu2018.experiment import has_networks
from studies.wu2018.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^vP"


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """Those of the model problems, and with PyTorch those of the networks."""
    with house_style():
        found = [
            StudyFigure(
                "two_functions",
                "Left: the two functions and their mean; both minima of the mean are equally sharp. "
                "Right: share of the "
                "runs from beside x = 1 that end at x = 0, with 95 % intervals. Lines: learning rates "
                "beyond which the "
                "mean square, and beyond which almost every run, leaves x = 1; gradient descent does at 1.",
                _example_figure(results),
            ),
            StudyFigure(
                "diagram",
                "Growth of the mean square in one step, measured for two samples in one dimension, drawn "
                "with "
                "replacement: filled where it grows, open where it falls, grey where the sample cannot "
                "tell. Black: exact "
                "border, the half-ellipse. Dashed: the box.",
                _diagram_figure(results),
            ),
        ]
        if has_networks(results):
            found += [
                StudyFigure(
                    "minima",
                    "Where training ends: sharpness and non-uniformity against the batch size, and "
                    "against each other. "
                    "Dashed: the bounds of the box. The largest batch is gradient descent.",
                    _minima_figure(results, settings),
                ),
                StudyFigure(
                    "switch",
                    "Gradient descent to its minimum, then SGD with the same learning rate. The dashed "
                    "lines are the "
                    "bounds that SGD obeys.",
                    _switch_figure(results, settings),
                ),
                StudyFigure(
                    "training",
                    "Left: test accuracy where training ends. Middle: training and test accuracy from "
                    f"scratch after equally many steps, GD and B = {min(settings.batch_sizes)}; "
                    "means of runs, 95 % intervals. Right: steps that SGD takes from a minimum of gradient "
                    "descent until the loss is ten times as large, and until it is as small again, against "
                    "the sharpness of the minimum; one symbol a run.",
                    _training_figure(results, settings),
                ),
            ]
        return found


def _example_figure(results: Results) -> Figure:
    from potentials import two_functions
    from simdyn import SGD, stability

    figure = new_figure(7.2, 3.0)
    left, right = figure.subplots(1, 2)
    landscape = two_functions()
    x = np.linspace(-0.6, 1.7, 400)
    for h, color, style in ((0.1, PREDICTED[4], "--"), (1.9, PREDICTED[0], ":")):
        left.plot(
            x, np.minimum(x**2, h * (x - 1) ** 2), color=color, linestyle=style, label=f"min(x², {h:g}(x−1)²)"
        )
    left.plot(x, landscape.energy(x[:, None]), color=EXACT, label="mean")
    left.set_xlabel("x")
    left.set_ylabel("loss")
    left.set_ylim(-0.03, 1.0)
    left.legend(loc="upper center")
    data = results["example"].sortby("eta")
    etas = data["eta"].values
    draw_quantity(right, etas, data, "left", label="SGD, B = 1")
    right.plot(
        etas,
        data["descent_left"].values,
        color=PREDICTED[1],
        marker="s",
        markersize=3.5,
        linestyle="none",
        label="gradient descent",
    )
    report = stability(landscape, SGD(float(etas[0]), 1), at="x=1", measure=False)
    for criterion, style, words in (
        ("mean_square", "--", "mean square"),
        ("almost_sure", ":", "almost surely"),
    ):
        place = report.threshold(criterion)
        right.axvline(place, color=MUTED, linestyle=style, linewidth=1, label=words)
    right.set_xlabel("learning rate η")
    right.set_ylabel("share that leaves x = 1")
    right.set_ylim(-0.04, 1.04)
    right.legend(loc="center right")
    return figure


def _diagram_figure(results: Results) -> Figure:
    data = results["diagram"]
    sizes = data["B"].values
    figure = new_figure(min(7.4, 3.0 * len(sizes) + 0.8), 3.3)
    panels = np.atleast_1d(figure.subplots(1, len(sizes), sharey=True))
    a, s = np.meshgrid(data["a"].values, data["s"].values, indexing="ij")
    for axes, size in zip(panels, sizes, strict=True):
        one = data.sel(B=size)
        low, high = one["square_low"].values, one["square_high"].values
        for chosen, face, edge, label in (
            (low > 1, PREDICTED[0], PREDICTED[0], "grows"),
            (high < 1, "none", MEASURED, "falls"),
            ((low <= 1) & (high >= 1), MUTED, MUTED, "not told"),
        ):
            axes.scatter(a[chosen], s[chosen], s=22, facecolors=face, edgecolors=edge, label=label)
        along = np.linspace(0, 2, 200)
        axes.plot(along, np.sqrt(size * along * (2 - along)), color=EXACT, label="exact")
        axes.plot(
            [0, 2, 2],
            [np.sqrt(size), np.sqrt(size), 0],
            color=MUTED,
            linestyle="--",
            linewidth=1,
            label="box",
        )
        axes.set_title(f"B = {size:g}")
        axes.set_xlabel("sharpness ηa")
        axes.set_xlim(0, 2.1)
        axes.set_ylim(-0.08, 1.15 * float(s.max()))
    panels[0].set_ylabel("non-uniformity ηs")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def _minima_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.4, 3.2)
    sharp, uneven, both = figure.subplots(1, 3)
    data = results["minima"]
    for k, eta in enumerate(settings.learning_rates):
        color = (MEASURED, *PREDICTED)[k % 6]
        for m, architecture in enumerate(settings.architectures):
            one = data.sel(eta=eta, architecture=architecture)
            label = f"η = {eta:g}" + (f", {architecture}" if len(settings.architectures) > 1 else "")
            style = {"color": color, "marker": MARKERS[m], "linestyle": "none"}
            sharp.plot([], [], label=label, **style)
            for axes, name in ((sharp, "sharpness"), (uneven, "nonuniformity")):
                values = one[name].transpose("B", "run").values
                axes.plot(settings.batch_sizes, values, **style)
            both.plot(one["sharpness"].values.ravel(), one["nonuniformity"].values.ravel(), **style)
            if m == 0:
                sharp.axhline(2 / eta, color=color, linestyle="--", linewidth=1)
                bound = one["nonuniformity_bound"].isel(run=0).values
                finite = np.isfinite(bound)
                uneven.plot(
                    np.array(settings.batch_sizes)[finite],
                    bound[finite],
                    color=color,
                    linestyle="--",
                    linewidth=1,
                )
    for axes in (sharp, uneven, both):
        axes.set_xscale("log")
        axes.set_yscale("log")
    for axes in (sharp, uneven):
        axes.set_xlabel("batch size B")
        plain_numbers(axes.xaxis, settings.batch_sizes)
    for axis in (sharp.yaxis, uneven.yaxis, both.xaxis, both.yaxis):
        low, high = axis.get_data_interval()
        # Numbers between the powers of ten would lie on one another on a long axis.
        between = (1, 2, 5) if high < 100 * low else (1,)
        each = 1 if high < 10_000 * low else 2
        plain_numbers(axis, [m * 10.0**k for k in range(-2, 7, each) for m in between])
    for axes in (sharp, uneven, both):
        axes.minorticks_off()
    sharp.set_ylabel("sharpness a")
    uneven.set_ylabel("non-uniformity s")
    both.set_xlabel("sharpness a")
    both.set_ylabel("non-uniformity s")
    handles, labels = sharp.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=4)
    return figure


def _switch_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.4, 3.0)
    sharp, uneven, accuracy = figure.subplots(1, 3)
    data = results["switch"].sortby("step")
    steps = data["step"].values
    n, size, eta = settings.samples, settings.switch_batch_size, settings.switch_rate
    for axes, name, label, bound in (
        (sharp, "sharpness", "sharpness a", 2 / eta),
        (uneven, "nonuniformity", "non-uniformity s", np.sqrt(size * (n - 1) / (n - size)) / eta),
    ):
        axes.plot(steps, data[name].values, color=MEASURED, marker="o")
        axes.axhline(bound, color=MUTED, linestyle="--", linewidth=1)
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0.0)
    for name, color, marker, label in (
        ("train_accuracy", MEASURED, "o", "training"),
        ("test_accuracy", PREDICTED[0], "s", "test"),
    ):
        values = data[name].values
        accuracy.plot(steps, values, color=color, marker=marker)
        accuracy.plot([], [], color=color, marker=marker, label=label)
    accuracy.set_ylabel("accuracy")
    accuracy.legend()
    for axes in (sharp, uneven, accuracy):
        axes.set_xscale("symlog", linthresh=10)
        axes.set_xlim(left=-1.0)
        axes.set_xlabel("steps of SGD after the switch")
    return figure


def _training_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.4, 3.2)
    ends, course, escape = figure.subplots(1, 3)
    minima = results["minima"]
    for k, eta in enumerate(settings.learning_rates):
        for m, architecture in enumerate(settings.architectures):
            values = 100 * minima["test_accuracy"].sel(eta=eta, architecture=architecture)
            ends.plot(
                settings.batch_sizes,
                values.transpose("B", "run").values,
                color=(MEASURED, *PREDICTED)[k % 6],
                marker=MARKERS[m],
                linestyle="none",
            )
            ends.plot(
                [],
                [],
                color=(MEASURED, *PREDICTED)[k % 6],
                marker=MARKERS[m],
                linestyle="none",
                label=f"η = {eta:g}" + (f", {architecture}" if len(settings.architectures) > 1 else ""),
            )
    ends.set_xscale("log")
    plain_numbers(ends.xaxis, settings.batch_sizes)
    ends.minorticks_off()
    ends.set_xlabel("batch size B")
    ends.set_ylabel("test accuracy (%)")
    data = results["course"].sortby("step")
    for size, color in ((settings.samples, MEASURED), (min(settings.batch_sizes), PREDICTED[0])):
        for part, style, marker in (("train", "-", "o"), ("test", "--", "s")):
            draw_means(
                course,
                data["step"].values,
                100 * data[f"{part}_accuracy"].sel(B=size),
                bounds=PERCENT,
                color=color,
                linestyle=style,
                marker=marker,
                label=f"{'training' if part == 'train' else 'test'}, B = {size}",
            )
    course.set_xscale("log")
    course.set_xlabel("steps")
    course.set_ylabel("accuracy (%)")
    for quantity, color, marker, label in (
        ("left", MEASURED, "o", "until it leaves"),
        ("settled", PREDICTED[0], "s", "until it settles"),
    ):
        escape.plot(
            results["escape"]["sharpness"].values.ravel(),
            results["escape"][quantity].values.ravel(),
            color=color,
            marker=marker,
            linestyle="none",
            label=label,
        )
    escape.set_xscale("log")
    escape.set_yscale("log")
    escape.set_xlabel("sharpness a before")
    escape.set_ylabel("steps of SGD")
    plain_numbers(escape.xaxis, [m * 10.0**k for k in range(0, 3) for m in (1, 2, 5)])
    escape.minorticks_off()
    for axes in (ends, course, escape):
        axes.legend(fontsize=7)
    return figure
