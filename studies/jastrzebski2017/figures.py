"""Equilibrium, rescaling, clouds, steering, walks, and with PyTorch the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.intervals import draw_intervals, draw_means, draw_quantity
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure
from simdyn.study import Results, StudyFigure
from studies.jastrzebski2017.claims import SAME, course_crossings, spread_crossings
from studies.jastrzebski2017.experiment import has_networks
from studies.jastrzebski2017.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset

Array = np.ndarray

COLORS = (MEASURED, *PREDICTED)
MARKERS = "osD^vPX*"


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """Those of the model landscapes, and with PyTorch those of the networks."""
    with house_style():
        found = [
            StudyFigure(
                "equilibrium",
                "Left: share of the flat, shallow well against the noise, with 95 % intervals; black: exact "
                "for the chain with Gaussian noise; dashed: the formula exp(-2 L / (n σ²)) / sqrt(det H). "
                "Right: odds of the flat well against the determinants, in one and two dimensions, without "
                "what the depths do; black: exact under the law of Gibbs.",
                _equilibrium_figure(results),
            ),
            StudyFigure(
                "rescaling",
                "Learning rate and batch size multiplied alike. Left: variance around a minimum over that "
                f"of the SDE, with 95 % intervals and exact values; shaded: within {SAME:.0%}; the vertical "
                "line marks where the measured variance with replacement leaves the band. Right: mean loss "
                "on the way into two wells at equal times; lines: exact.",
                _rescaling_figure(results, settings),
            ),
            StudyFigure(
                "clouds",
                "Width of the cloud of the last iterates in a parabola, against the noise and against the "
                "curvature, and the time to leave valleys of one depth, times the curvature. Lines: exact "
                "for the chain. Intervals of 95 % are smaller than the symbols where not seen.",
                _cloud_figure(results, settings),
            ),
            StudyFigure(
                "steering",
                "A level floor between walls whose curvature grows from 2 to 200. Left: typical curvature of "
                "the walls where SGD settles, against the factor of the learning rate across the floor; "
                "dashed: walls that settle while the floor stands still. Right: some time after a start on "
                "the steep side, against the noise; 0 is gradient descent. 95 % intervals.",
                _steering_figure(results),
            ),
            StudyFigure(
                "walk",
                "A walk in the winding valley: distance along the floor against the batch size, height above "
                "the floor against the learning rate, and share of updates with the lowest loss between "
                "their ends. Lines: free diffusion, and straight valleys averaged over where the iterates "
                "are. 95 % intervals.",
                _walk_figure(results),
            ),
        ]
        if has_networks(results):
            found += network_figures(results)
        return found


def network_figures(results: Results) -> list[StudyFigure]:
    """Those of the networks."""
    return [
        StudyFigure(
            "networks",
            "Left: largest eigenvalue of the Hessian in the course of training; mean over runs, bars "
            "from the least to the largest. Middle and right: the same at the end and the test "
            "accuracy, against the factor of the learning rate along the sharpest directions; one "
            "symbol a run.",
            _network_figure(results),
        ),
        StudyFigure(
            "noise",
            "Left and middle: networks with learning rate and batch size multiplied alike (solid) and with "
            "the batch size alone (dashed); geometric means over runs, 95 % intervals. Right: updates with a "
            "lower training loss between their ends, at the last look, against the batch size; the largest "
            "is GD. Means over runs, bars from the least to the largest.",
            _noise_figure(results),
        ),
    ]


def _plain_log_axis(axes: Axes, which: str, values: Array) -> None:
    """A logarithmic axis with plain numbers at the values measured."""
    from matplotlib.ticker import NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    shown = values if len(values) <= 6 else values[:: int(np.ceil(len(values) / 6))]
    axis.set_ticks(list(shown), [f"{value:g}" for value in shown])
    axis.set_minor_locator(NullLocator())


def _equilibrium_figure(results: Results) -> Figure:
    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    names = {"isotropic": "isotropic", "minibatch": "real batches", "curvature": "follows the curvature"}
    for (name, words), color, marker in zip(names.items(), COLORS, MARKERS, strict=False):
        data = results["equilibrium"].sel(noise=name).sortby("B", ascending=False)
        x = data["temperature"].values
        draw_quantity(left, x, data, "share", label=words, color=color, marker=marker)
        if name != "minibatch":
            left.plot(x, data["chain"].values, color=EXACT, linewidth=1, zorder=1)
    left.plot(x, data["formula"].values, color=MUTED, linestyle="--", label="formula")
    left.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
    left.set_ylim(-0.03, 1.03)
    left.set_xlabel("noise ησ²/(2B) (loss)")
    left.set_ylabel("share of the flat well")
    left.legend(loc="center right", bbox_to_anchor=(1.0, 0.77))
    for dim, color, marker in zip((1, 2), COLORS, MARKERS, strict=False):
        data = results["width"].sel(dim=dim).sortby("h")
        x = data["determinants"].values
        draw_quantity(
            right,
            x,
            data,
            "odds",
            label=f"{dim} coordinate{'s' if dim > 1 else ''}",
            color=color,
            marker=marker,
        )
        right.plot(x, data["gibbs"].values, color=EXACT, linewidth=1, zorder=1)
    ends = np.array([0.0, float(results["width"]["determinants"].max())])
    right.plot(ends, ends / 2, color=MUTED, linestyle="--", label="slope 1/2")
    right.set_xlabel("log det H, sharp − flat")
    right.set_ylabel("log odds of the flat well")
    right.legend(loc="upper left")
    return figure


def _rescaling_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    names = {"with_replacement": "with replacement", "without_replacement": "without replacement"}
    left.axhspan(1 - SAME, 1 + SAME, color="#EEEEEE", zorder=0)
    for (name, words), color, marker in zip(names.items(), COLORS, MARKERS, strict=False):
        data = results["scaling"].sel(sampling=name).sortby("beta")
        x = data["steepness"].values
        draw_quantity(left, x, data, "ratio", label=words, color=color, marker=marker)
        left.plot(x, data["exact"].values, color=EXACT, linewidth=1, zorder=1)
    place = spread_crossings(results)[0]
    if np.isfinite(place):
        left.axvline(place, color=MUTED, linestyle=":", linewidth=1)
        left.annotate(
            f"5 % at {place:.2f}",
            (place, 1.42),
            fontsize=7.5,
            color="#555555",
            ha="right",
            xytext=(-3, 0),
            textcoords="offset points",
        )
    _plain_log_axis(left, "x", x)
    left.set_xlabel("learning rate × curvature, growing with B")
    left.set_ylabel("variance over that of the SDE")
    left.legend(loc="lower left")
    data = results["course"].sortby("time")
    times = data["time"].values
    for beta, color, marker in zip(data["beta"].values, COLORS, MARKERS, strict=False):
        one = data.sel(beta=beta)
        label = f"η = {settings.course_rate * beta:g}, B = {settings.course_batch_size * beta:g}"
        draw_quantity(right, times, one, "loss", label=label, color=color, marker=marker, markersize=3.5)
        right.plot(times, one["exact"].values, color=color, linewidth=1, zorder=1)
    _plain_log_axis(right, "x", times)
    right.set_xlabel("time, learning rate × steps")
    right.set_ylabel("mean loss")
    low, high = right.get_ylim()
    right.set_ylim(low, high + 0.45 * (high - low))
    place = course_crossings(results, settings)[0]
    if np.isfinite(place):
        right.set_title(f"loss changed by 5 % at η = {place:.3f}", fontsize=8)
    right.legend(loc="upper left", fontsize=7, ncols=2)
    return figure


def _cloud_figure(results: Results, settings: Settings) -> Figure:
    figure = new_figure(7.4, 3.1)
    first, second, third = figure.subplots(1, 3)
    data = results["cloud"].sortby("B").sortby("h")
    curvature, size = settings.cloud_middle, float(data["B"].values[len(data["B"]) // 2])
    nearest = float(data["h"].values[np.argmin(np.abs(data["h"].values - curvature))])
    one = data.sel(noise="isotropic", h=nearest)
    x = 1e3 * settings.cloud_rate / one["B"].values
    draw_quantity(first, x, one, "width", label="measured")
    first.plot(x, one["exact"].values, color=EXACT, linewidth=1, label="exact")
    first.plot(x, one["sde"].values, color=PREDICTED[0], linestyle="--", label="(n σ² / (2h))^½")
    first.set_xlabel("noise n = η/B (10⁻³)")
    first.set_ylabel("width of the cloud")
    _plain_log_axis(first, "x", x)
    _plain_log_axis(first, "y", np.array([0.01, 0.02, 0.05, 0.1]))
    first.set_title(f"curvature {nearest:g}")
    first.legend(loc="upper left")
    names = {"isotropic": "isotropic", "curvature": "follows h"}
    for (name, words), color, marker in zip(names.items(), COLORS, MARKERS, strict=False):
        one = data.sel(noise=name, B=size)
        draw_quantity(second, one["h"].values, one, "width", label=words, color=color, marker=marker)
        second.plot(one["h"].values, one["exact"].values, color=EXACT, linewidth=1, zorder=1)
        gone = results["leaving"].sel(noise=name).sortby("h")
        draw_quantity(third, gone["h"].values, gone, "scaled", label=words, color=color, marker=marker)
        third.plot(gone["h"].values, gone["exact"].values, color=EXACT, linewidth=1, zorder=1)
    for axes, values in ((second, data["h"].values), (third, results["leaving"]["h"].values)):
        _plain_log_axis(axes, "x", values)
        axes.set_xlabel("curvature h of the valley")
        axes.legend(loc="upper right")
    second.set_ylim(0.0, None)
    second.set_title(f"η/B = {settings.cloud_rate / size:g}")
    second.set_ylabel("width of the cloud")
    third.set_yscale("log")
    third.set_title("valleys of depth 1")
    third.set_ylabel("time to leave × h")
    return figure


def _decades_axis(axes: Axes) -> None:
    axes.set_ylabel("curvature of the walls (geometric mean)")


def _as_curvature(data: Dataset) -> Dataset:
    """Powers of ten of the decades."""
    return data.assign({name: 10.0 ** data[name] for name in data.data_vars if name != "temperature"})


def _steering_figure(results: Results) -> Figure:
    figure = new_figure(7.2, 3.1)
    left, right = figure.subplots(1, 2)
    data = _as_curvature(results["steer"].sortby("factor"))
    x = data["factor"].values
    draw_quantity(left, x, data, "decades", label="measured")
    left.plot(x, data["adiabatic"].values, color=PREDICTED[0], linestyle="--", label="walls settle first")
    _plain_log_axis(left, "x", x)
    left.axvline(1.0, color=MUTED, linestyle=":", linewidth=0.8)
    left.set_xlabel("factor of the learning rate across the floor")
    left.set_ylim(0.0, None)
    left.legend(loc="lower left")
    data = _as_curvature(results["flatter"].sortby("D"))
    draw_quantity(right, data["D"].values, data, "decades", label="measured")
    right.set_xticks(data["D"].values[[0, *range(2, data.sizes["D"])]])
    right.axhline(float(data["start"][0]), color=MUTED, linestyle=":", linewidth=1, label="start")
    right.set_xlabel("noise ησ²/(2B) (loss)")
    right.set_ylim(0.0, None)
    right.legend(loc="lower left")
    for axes in (left, right):
        _decades_axis(axes)
    return figure


def _walk_figure(results: Results) -> Figure:
    figure = new_figure(7.4, 3.2)
    first, second, third = figure.subplots(1, 3)
    data = results["walk"].sortby("eta").sortby("B")
    etas, sizes = data["eta"].values, data["B"].values
    for eta, color, marker in zip(etas, COLORS, MARKERS, strict=False):
        one = data.sel(eta=eta)
        draw_quantity(first, sizes, one, "distance", label=f"η = {eta:g}", color=color, marker=marker)
        first.plot(sizes, one["diffusion"].values, color=color, linewidth=1, zorder=1)
    shown = sizes if len(sizes) <= 3 else sizes[[0, len(sizes) // 2, -1]]
    for size, color, marker in zip(shown, COLORS, MARKERS, strict=False):
        one = data.sel(B=size)
        draw_quantity(second, etas, one, "height", label=f"B = {size:g}", color=color, marker=marker)
        second.plot(etas, one["linear"].values, color=color, linewidth=1, zorder=1)
    one = data.sel(B=sizes[-1])
    draw_quantity(third, etas, one, "bounce", label="lowest between")
    third.plot(etas, one["bounce_linear"].values, color=MEASURED, linewidth=1, zorder=1)
    draw_quantity(third, etas, one, "convex", label="convex between", color=PREDICTED[0], marker="s")
    _plain_log_axis(first, "x", sizes)
    _plain_log_axis(first, "y", np.array([0.2, 0.5, 1.0, 2.0, 5.0]))
    first.set_xlabel("batch size B")
    first.set_ylabel("rms distance along the floor")
    first.legend(loc="lower left")
    for axes in (second, third):
        _plain_log_axis(axes, "x", etas)
        axes.set_xlabel("learning rate η")
    second.set_yscale("log")
    second.set_ylabel("height above the floor (loss)")
    second.legend(loc="upper left")
    third.set_ylim(0.0, 1.05)
    third.set_ylabel("share of updates")
    third.set_title(f"B = {sizes[-1]:g}")
    third.legend(loc="center left", bbox_to_anchor=(0.0, 0.75))
    return figure


def _network_figure(results: Results) -> Figure:
    figure = new_figure(7.4, 3.2)
    first, second, third = figure.subplots(1, 3, width_ratios=(2, 1, 1))
    data = results["early"].sortby("step")
    steps = data["step"].values
    settings = [(eta, size) for eta in data["eta"].values for size in data["B"].values]
    if len(settings) > 6:
        settings = [(eta, size) for eta in data["eta"].values[[0, -1]] for size in data["B"].values[[0, -1]]]
    for (eta, size), color, marker in zip(settings, COLORS, MARKERS, strict=False):
        runs = data["sharpness"].sel(eta=eta, B=size).transpose("run", "step").values
        ends = runs.mean(axis=0), runs.min(axis=0), runs.max(axis=0)
        label = f"η = {eta:g}, B = {size:g}"
        draw_intervals(first, steps, *ends, color=color, marker=marker, linestyle="-", label=label)
    first.set_xscale("symlog", linthresh=10, linscale=0.4)
    first.set_xticks([0, 10, 100, 1000], ["0", "10", "100", "1000"])
    first.set_xlabel("steps")
    first.set_ylabel("largest eigenvalue of the Hessian")
    first.set_ylim(0.0, None)
    first.legend(loc="upper left")
    data = results["steered"].sortby("factor")
    factors = data["factor"].values
    for axes, name, label in (
        (second, "sharpness", "largest eigenvalue at the end"),
        (third, "test_accuracy", "test accuracy"),
    ):
        values = data[name].transpose("factor", "run").values
        for run in range(values.shape[1]):
            axes.plot(
                factors,
                values[:, run],
                color=MEASURED,
                marker=MARKERS[run % len(MARKERS)],
                linewidth=0.8,
            )
        _plain_log_axis(axes, "x", factors)
        axes.set_xlabel("factor along\nthe sharpest")
        axes.set_ylabel(label)
        axes.margins(x=0.2)
    second.set_ylim(0.0, None)
    third.set_ylim(None, 1.0)
    return figure


def _noise_figure(results: Results) -> Figure:
    figure = new_figure(7.4, 3.2)
    sharp, loss, bounce = figure.subplots(1, 3)
    data = results["equal"].sortby("epoch").sortby("beta")
    for axes, name in ((sharp, "sharpness"), (loss, "loss")):
        for scaled, style in (("both", "-"), ("batch", "--")):
            for beta, color, marker in zip(data["beta"].values, COLORS, MARKERS, strict=False):
                if scaled == "batch" and beta == 1:
                    continue
                draw_means(
                    axes,
                    data["epoch"].values,
                    data[name].sel(scaled=scaled, beta=beta),
                    logarithmic=True,
                    color=color,
                    linestyle=style,
                    marker=marker,
                    markersize=3.5,
                    label=f"× {beta:g}" if scaled == "both" else None,
                )
        _plain_log_axis(axes, "x", data["epoch"].values)
        axes.set_xlabel("passes over the data")
    sharp.set_ylim(0.0, None)
    sharp.set_ylabel("largest eigenvalue of the Hessian")
    sharp.legend()
    loss.set_yscale("log")
    loss.set_ylabel("training loss")
    walks = results["moves"].sortby("B").sortby("step").isel(step=-1)
    for eta, color, marker in zip(walks["eta"].values, COLORS, MARKERS, strict=False):
        runs = walks["bounce"].sel(eta=eta).transpose("B", "run").values
        ends = runs.mean(axis=1), runs.min(axis=1), runs.max(axis=1)
        label = f"η = {eta:g}"
        draw_intervals(
            bounce, walks["B"].values, *ends, color=color, marker=marker, linestyle="-", label=label
        )
    _plain_log_axis(bounce, "x", walks["B"].values)
    bounce.set_ylim(-0.03, 1.03)
    bounce.set_xlabel("batch size B")
    bounce.set_ylabel("share with a lower loss between")
    bounce.legend()
    return figure
