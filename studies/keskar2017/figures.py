"""The model, the tables of sharpness as a picture, the lines, the way down, warm starts, scaled layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.inference import means_over_runs
from simdyn.plotting.intervals import PERCENT, draw_intervals, draw_means
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure, plain_numbers
from simdyn.study import Results, StudyFigure
from studies.keskar2017.claims import kinds
from studies.keskar2017.experiment import has_networks
from studies.keskar2017.settings import FLAT, SHARP, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALL: dict[str, Any] = {"color": MEASURED, "marker": "o"}
LARGE: dict[str, Any] = {"color": PREDICTED[0], "marker": "s"}
TEST: dict[str, Any] = {"color": PREDICTED[1], "marker": "^"}


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """That of the model, and with PyTorch those of the networks."""
    with house_style():
        found = [
            StudyFigure(
                "concept",
                "A sharp and a flat minimum of a training loss, and the same curve shifted, as a test loss "
                "may be: at the sharp minimum it is higher.",
                _concept_figure(settings),
            )
        ]
        if has_networks(results):
            small, large = settings.small_batch, settings.large_batch
            found += [
                StudyFigure(
                    "sharpness",
                    "Sharpness where training ends, small and large batches, in full space and in random "
                    f"subspaces of dimension {settings.subspace}. Light: single runs. Dark: geometric means "
                    "with 95 % intervals.",
                    _sharpness_figure(results, settings),
                ),
                StudyFigure(
                    "line",
                    f"On the line through the solutions of B = {small} (alpha = 0) and B = {large} "
                    "(alpha = 1): cross-entropy and accuracy, means of runs with 95 % intervals.",
                    _line_figure(results, settings),
                ),
                StudyFigure(
                    "batches",
                    "Test accuracy against sharpness where training ends, one point a run and batch size.",
                    _batches_figure(results, settings),
                ),
                StudyFigure(
                    "course",
                    "Sharpness and test accuracy on the way down to the tolerance; means of runs with 95 % "
                    "intervals. Training goes from right to left.",
                    _course_figure(results, settings),
                ),
                StudyFigure(
                    "warm",
                    f"Large batches (B = {large}) after so many epochs with small ones (B = {small}), both "
                    "trained to the same loss; means of runs with 95 % intervals. The claims compare within "
                    "a run, which varies less.",
                    _warm_figure(results),
                ),
                StudyFigure(
                    "scaled",
                    f"The solution of B = {small} with its first layer multiplied, and its second divided, "
                    f"by a scale. The function is the same. Means of runs with 95 % intervals. Dashed: B = "
                    f"{large}, unscaled.",
                    _scaled_figure(results, settings),
                ),
            ]
        return found


def _concept_figure(settings: Settings) -> Figure:
    from potentials import sharp_and_flat

    figure = new_figure(4.6, 3.0)
    axes = figure.subplots()
    landscape = sharp_and_flat(sharp=SHARP, flat=FLAT)
    x = np.linspace(-1.6, 2.0, 400)
    shift = max(settings.shifts)
    axes.plot(x, landscape.energy(x[:, None]), color=EXACT, label="training loss")
    axes.plot(
        x,
        landscape.energy(x[:, None] - shift),
        color=PREDICTED[0],
        linestyle="--",
        label=f"test loss, shifted by {shift:g}",
    )
    for place, name in ((-1.0, "sharp"), (1.0, "flat")):
        rise = float(landscape.energy(np.array([place - shift])))
        axes.plot([place, place], [0.0, rise], color=MEASURED, marker="_", linewidth=2)
        axes.annotate(name, (place, 0.0), (0, -4), textcoords="offset points", ha="center", va="top")
    top = float(landscape.energy(x[(x > -1) & (x < 1), None]).max())
    axes.set_ylim(-0.25 * top, 1.6 * top)
    axes.set_xlabel("parameter x")
    axes.set_ylabel("loss")
    axes.legend(loc="upper center")
    return figure


def _sharpness_figure(results: Results, settings: Settings) -> Figure:
    data = results["sharpness"]["sharpness"]
    lines = kinds(settings)
    figure = new_figure(7.2, 1.5 + 0.35 * len(lines) * len(settings.epsilons))
    panels = figure.subplots(1, 2, sharey=True)
    names: list[str] = []
    for axes, space, title in zip(
        panels, ("full", "random"), ("full space", "random subspaces"), strict=True
    ):
        names, row = [], 0
        for epsilon in settings.epsilons:
            for architecture, optimiser in lines:
                one = data.sel(architecture=architecture, optimiser=optimiser, space=space, epsilon=epsilon)
                for batch, style, shift in (
                    (settings.small_batch, SMALL, -0.14),
                    (settings.large_batch, LARGE, 0.14),
                ):
                    values = one.sel(B=batch).values
                    ends = means_over_runs(values, logarithmic=True)
                    axes.plot(values, np.full(len(values), row + shift), linestyle="none", alpha=0.3, **style)
                    label = f"B = {batch}" if row == 0 else None
                    draw_intervals(axes, row + shift, *ends, horizontal=True, label=label, **style)
                names.append(f"{architecture}, {'SGD' if optimiser == 'sgd' else 'Adam'}\nε = {epsilon:g}")
                row += 1
        axes.set_title(title)
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
        axes.set_xlabel("sharpness φ (%)")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _line_figure(results: Results, settings: Settings) -> Figure:
    data = results["line"].sortby("alpha")
    alphas = data["alpha"].values
    lines = kinds(settings)
    figure = new_figure(7.2, 2.1 * len(lines) + 0.4)
    panels = figure.subplots(len(lines), 2, sharex=True, squeeze=False)
    for (architecture, optimiser), (losses, accuracies) in zip(lines, panels, strict=True):
        one = data.sel(architecture=architecture, optimiser=optimiser)
        for axes, quantity, logarithmic in ((losses, "loss", True), (accuracies, "accuracy", False)):
            for part, color, style in (("train", MEASURED, "-"), ("test", PREDICTED[0], "--")):
                values = one[f"{part}_{quantity}"].transpose("alpha", "run").values
                mean, low, high = means_over_runs(values, logarithmic=logarithmic)
                if quantity == "accuracy":
                    mean, low, high = 100 * mean, 100 * low.clip(0.0, 1.0), 100 * high.clip(0.0, 1.0)
                label = "training" if part == "train" else "test"
                axes.plot(alphas, mean, color=color, linestyle=style, label=label)
                axes.fill_between(alphas, low, high, color=color, alpha=0.2, linewidth=0)
            for place in (0.0, 1.0):
                axes.axvline(place, color=MUTED, linestyle=":", linewidth=1)
        losses.set_yscale("log")
        losses.set_ylabel(f"{architecture}, {'SGD' if optimiser == 'sgd' else 'Adam'}\ncross-entropy")
        accuracies.set_ylabel("accuracy (%)")
        accuracies.set_ylim(0.0, 103.0)
    for axes in panels[-1]:
        axes.set_xlabel(f"α (0: B = {settings.small_batch}, 1: B = {settings.large_batch})")
    panels[0, 1].legend(loc="lower center")
    return figure


def _batches_figure(results: Results, settings: Settings) -> Figure:
    data = results["batches"].sortby("B")
    figure = new_figure(4.8, 3.2)
    axes = figure.subplots()
    sizes = data["B"].values
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0.0, 0.85, len(sizes)))
    for size, shade, marker in zip(sizes, shades, "osD^vP*X<>" * len(sizes), strict=False):
        one = data.sel(B=size)
        axes.plot(
            one["sharpness"].values,
            100 * one["test_accuracy"].values,
            color=shade,
            marker=marker,
            linestyle="none",
            label=f"B = {size:g}",
        )
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    axes.set_xlabel(f"sharpness φ (%), full space, ε = {settings.epsilons[0]:g}")
    axes.set_ylabel("test accuracy (%)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _course_figure(results: Results, settings: Settings) -> Figure:
    data = results["course"].sortby("level")
    figure = new_figure(7.2, 3.0)
    sharp, accuracy = figure.subplots(1, 2)
    for batch, style in ((settings.small_batch, SMALL), (settings.large_batch, LARGE)):
        one = data.sel(B=batch)
        losses = np.exp(np.log(one["train_loss"].transpose("level", "run").values).mean(1))
        draw_means(sharp, losses, one["sharpness"], logarithmic=True, label=f"B = {batch}", **style)
        draw_means(accuracy, losses, 100 * one["test_accuracy"], bounds=PERCENT, **style)
    sharp.set_yscale("log")
    plain_numbers(sharp.yaxis)
    sharp.set_ylabel(f"sharpness φ (%), ε = {settings.epsilons[0]:g}")
    accuracy.set_ylabel("test accuracy (%)")
    for axes in (sharp, accuracy):
        axes.set_xscale("log")
        axes.set_xlabel("training loss (cross-entropy)")
    sharp.legend()
    return figure


def _warm_figure(results: Results) -> Figure:
    data = results["warm"].sortby("start")
    starts = data["start"].values
    figure = new_figure(7.2, 2.8)
    accuracy, sharp = figure.subplots(1, 2)
    draw_means(accuracy, starts, 100 * data["test_accuracy"], bounds=PERCENT, **TEST)
    draw_means(sharp, starts, data["sharpness"], logarithmic=True, **LARGE)
    accuracy.set_ylabel("test accuracy (%)")
    sharp.set_ylabel("sharpness φ (%)")
    for axes in (accuracy, sharp):
        axes.set_xscale("symlog", linthresh=1.0)
        axes.set_xticks(starts, [f"{value:g}" for value in starts])
        axes.minorticks_off()
        axes.set_xlabel("epochs with small batches before")
    return figure


def _scaled_figure(results: Results, settings: Settings) -> Figure:
    data = results["scaled"].sortby("scale")
    scales = data["scale"].values
    figure = new_figure(7.4, 2.8)
    eigenvalue, sharp, accuracy = figure.subplots(1, 3)
    draw_means(eigenvalue, scales, data["eigenvalue"], logarithmic=True, **SMALL)
    draw_means(sharp, scales, data["sharpness"], logarithmic=True, **SMALL)
    draw_means(accuracy, scales, 100 * data["test_accuracy"], bounds=PERCENT, **SMALL)
    chosen = {
        "architecture": settings.architectures[0],
        "optimiser": settings.optimiser,
        "B": settings.large_batch,
    }
    ends = results["solutions"].sel(chosen)
    box = results["sharpness"]["sharpness"].sel(chosen).sel(space="full", epsilon=settings.epsilons[0])
    for axes, value in (
        (eigenvalue, np.exp(float(np.log(ends["eigenvalue"]).mean()))),
        (sharp, np.exp(float(np.log(box).mean()))),
        (accuracy, 100 * float(ends["test_accuracy"].mean())),
    ):
        axes.axhline(
            value, color=LARGE["color"], linestyle="--", linewidth=1, label=f"B = {settings.large_batch}"
        )
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
        axes.set_xlabel("scale α of the first layer")
    for axes in (eigenvalue, sharp):
        axes.set_yscale("log")
    eigenvalue.legend(loc="upper left")
    eigenvalue.set_ylabel("largest eigenvalue")
    sharp.set_ylabel("sharpness φ (%)")
    accuracy.set_ylabel("test accuracy (%)")
    return figure
