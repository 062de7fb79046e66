"""Pictures of the noise of networks and of how they leave a minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.intervals import draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, PREDICTED, new_figure
from simdyn.study import Results, StudyFigure
from studies.xie2021.settings import HISTOGRAM_BATCH, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (MEASURED, PREDICTED[0], PREDICTED[1], EXACT)
MARKERS = ("o", "s", "^", "v")


def network_figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """The deck's figures 3, 4 and 7 (bottom)."""
    return [
        StudyFigure(
            "noise",
            f"Norm of the gradient noise by layer ({settings.data_sets[0]}), before training (top) and at a "
            f"minimum (bottom), batches of {HISTOGRAM_BATCH}. Bars: real batches; solid: Gaussian noise of "
            "the same covariance; dashed: alpha-stable noise with one scale and one index for all "
            "coordinates, most of which lies beyond the frame. Last column: distance of Kolmogorov and "
            "Smirnov from the Gaussian law against the batch size, with 95 % bands.",
            _noise_figure(results, settings.data_sets[0]),
        ),
        StudyFigure(
            "alignment",
            "Covariance of single-sample gradients beside the Hessian in the course of training: cosine "
            "between "
            "the matrices and power along the top eigenvectors, both 1 if C is proportional to H. Points: "
            "networks.",
            _alignment_figure(results),
        ),
        StudyFigure(
            "leaving",
            "Mean number of steps until the training loss has risen from its minimum by "
            f"{settings.leaving_margin:g}, with 95 % intervals, against B, 1/eta and 1/k, each over its "
            "least "
            "value. Equation (7) asks for a straight line, the same in all three panels but for the factor "
            "eta.",
            _leaving_figure(results),
        ),
    ]


def _noise_figure(results: Results, data_set: str) -> Figure:
    figure = new_figure(7.4, 4.2)
    data, laws = results["histogram"], results["noise"]
    laws = laws.sel(data=data_set)
    layers = [str(layer) for layer in data["layer"].values]
    axes = figure.subplots(2, len(layers) + 1, squeeze=False)
    for row, step in enumerate(sorted(data["step"].values)):
        for column, layer in enumerate(layers):
            one, panel = data.sel(step=step, layer=layer), axes[row][column]
            norm = one["norm"].values
            panel.bar(norm, one["real"], norm[1] - norm[0], color=MEASURED, alpha=0.5, label="real")
            panel.plot(norm, one["gaussian"], color=EXACT, label="Gaussian")
            panel.plot(norm, one["levy"], color=PREDICTED[0], linestyle="--", label="Levy")
            panel.set_title(f"{layer} layer, step {int(step)}")
            panel.set_xlabel("norm / r.m.s.")
        axes[row][0].set_ylabel("density")
        for number, layer in enumerate(layers):
            one = laws.sel(step=step, layer=layer).sortby("B")
            style = {"color": COLOURS[number], "marker": MARKERS[number], "linestyle": "-"}
            draw_quantity(axes[row][-1], one["B"], one, "gaussian", label=layer, **style)
        axes[row][-1].set(xscale="log", xlabel="B", ylim=(0, None), title="KS distance")
        axes[row][-1].set_xticks(laws["B"].values, [f"{size:g}" for size in laws["B"].values])
        axes[row][-1].minorticks_off()
    axes[0][-1].legend()
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _alignment_figure(results: Results) -> Figure:
    figure = new_figure(6.4, 2.9)
    left, right = figure.subplots(1, 2)
    data = results["alignment"].sortby("step")
    places = np.arange(data.sizes["step"])
    for axes, name, label in ((left, "cosine", "cosine"), (right, "slope", "power")):
        axes.axhline(1.0, color="black", linewidth=0.8)
        for number, one in enumerate(data["data"].values):
            values = data[name].sel(data=one).transpose("step", "run").values
            for run in range(values.shape[1]):
                axes.plot(
                    places + 0.08 * (number - 1),
                    values[:, run],
                    color=COLOURS[number % 4],
                    marker=MARKERS[number % 4],
                    linestyle="none",
                    label=str(one) if run == 0 else None,
                )
        axes.set_xticks(places, [f"{int(step):,}" for step in data["step"].values])
        axes.set(xlabel="steps of training", ylabel=label)
    left.legend()
    return figure


def _leaving_figure(results: Results) -> Figure:
    figure = new_figure(7.2, 3.0)
    panels = figure.subplots(1, 3, sharey=True)
    data = results["leaving"].sortby("factor")
    for axes, varied, label in zip(
        panels, ("B", "eta", "k"), ("B / least B", "largest η / η", "1/k"), strict=True
    ):
        for number, one in enumerate(data["data"].values):
            curve = data.sel(varied=varied, data=one)
            curve = curve.isel(factor=np.flatnonzero(curve["left"].values > 0))
            x = curve["factor"].values
            if varied == "B":
                x = curve["size"].values / curve["size"].values.min()
            style = {"color": COLOURS[number % 4], "marker": MARKERS[number % 4], "linestyle": "-"}
            draw_quantity(axes, x, curve, "steps", label=str(one), **style)
        axes.set(yscale="log", xlabel=label)
    panels[0].set_ylabel("mean number of steps")
    panels[0].legend()
    return figure
