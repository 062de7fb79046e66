"""Figures of the networks: spectra, outliers, the way down, batch sizes, tails, GD and SGD, fitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.plotting.intervals import PERCENT, draw_means
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, new_figure, plain_numbers
from simdyn.study import Results, StudyFigure
from studies.landscape.fitting_claims import by_width, critical_places
from studies.landscape.motion import FITTED
from studies.landscape.motion_claims import fewest_steps, log_scales_on_the_way, tradeoffs
from studies.landscape.network_claims import has_networks
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.spectra import parameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import DataArray

Array = np.ndarray

FIRST: dict[str, Any] = {"color": MEASURED, "marker": "o"}
SECOND: dict[str, Any] = {"color": PREDICTED[0], "marker": "s"}
THIRD: dict[str, Any] = {"color": PREDICTED[1], "marker": "^"}
FOURTH: dict[str, Any] = {"color": PREDICTED[2], "marker": "D"}


def network_figures(results: Results, settings: NetworkSettings) -> list[StudyFigure]:
    """All of them; none without PyTorch."""
    if not has_networks(results):
        return []
    return [
        StudyFigure(
            "spectra",
            f"All eigenvalues of the Hessian of a network of {parameters(settings.width)} parameters by "
            "rank, before and after training (left; linear below the dotted lines), and the largest thirty "
            "(right). Dotted there: the number of classes.",
            _spectra(results),
        ),
        StudyFigure(
            "outliers",
            "Eigenvalues above the largest gap against the number of classes; the largest nine at the end by "
            "batch size; the bulk by width. Light: single runs. Dark: means with 95 % intervals.",
            _outliers(results),
        ),
        StudyFigure(
            "course",
            "Share of the squared gradient in the space of the ten largest eigenvalues (dashed: a random "
            "vector), and noise scales in training (dashed: the critical batch size that the steps to a loss "
            "give). Means with 95 % intervals.",
            _course(results),
        ),
        StudyFigure(
            "tradeoff",
            f"Steps and samples to the loss {settings.tradeoff_loss:g} at the best learning rate of each "
            "batch size, points of all runs (left), and steps against batch size, means with 95 % intervals "
            "(right). The curve has the mean parameters.",
            _tradeoff(results, settings),
        ),
        StudyFigure(
            "tails",
            "Stable index of gradient noise (2 for Gaussian): of single coordinates, and of all together, "
            "which is what Gaussian coordinates of unequal scales give. Means with 95 % intervals.",
            _tails(results),
        ),
        StudyFigure(
            "descent",
            f"GD and SGD after {settings.descent_steps} steps, by width, and in the minima below (dashed, "
            f"losses below {FITTED:g} as this). Means with 95 % intervals.",
            _descent(results),
        ),
        StudyFigure(
            "fitting",
            "Against the number of parameters over that of samples: who fits; the test error of one network "
            "and of the mean output; how far outputs differ. Dotted: N*, mean of runs. Means with 95 % "
            "intervals.",
            _fitting(results, settings),
        ),
    ]


def _over(data: DataArray, name: str) -> tuple[Array, DataArray]:
    """Coordinates, ascending, and values by these and runs."""
    ordered = data.sortby(name).transpose(name, "run")
    return ordered[name].values, ordered


def _spectra(results: Results) -> Figure:
    data = results["eigenvalues"]["eigenvalue"].sortby("rank")
    ranks = data["rank"].values
    figure = new_figure(7.2, 3.0)
    whole, top = figure.subplots(1, 2, width_ratios=(1.3, 1.0))
    for stage, style, label in (("start", SECOND, "before training"), ("end", FIRST, "after training")):
        values = data.sel(stage=stage).values
        whole.plot(ranks, values, linestyle="-", linewidth=0.8, markersize=2.5, label=label, **style)
        large = ranks <= 30
        top.plot(ranks[large], values[large], linestyle="none", markersize=3.5, **style)
    whole.set_yscale("symlog", linthresh=1e-4)
    whole.set_yticks([-1e-1, -1e-3, 0, 1e-3, 1e-1])
    for edge in (-1e-4, 1e-4):
        whole.axhline(edge, color=MUTED, linestyle=":", linewidth=0.8)
    whole.set_xlabel("rank")
    whole.set_ylabel("eigenvalue of the Hessian")
    whole.legend(loc="upper right")
    top.set_yscale("log")
    top.axvline(10, color=MUTED, linestyle=":", linewidth=1)
    top.set_xlabel("rank")
    top.set_ylabel("eigenvalue")
    return figure


def _outliers(results: Results) -> Figure:
    figure = new_figure(8.0, 2.7)
    number, batch, width = figure.subplots(1, 3)
    classes, found = _over(results["classes"]["outliers"], "classes")
    number.plot(classes, classes, color=EXACT, linewidth=1, label="classes")
    number.plot(classes, classes - 1, color=MUTED, linestyle="--", linewidth=1, label="classes - 1")
    draw_means(number, classes, found, linestyle="none", **FIRST)
    number.set_xlabel("classes")
    number.set_ylabel("outliers")
    number.legend()
    sizes, tops = _over(results["outlier_batches"]["top_mean"], "B")
    batch.plot(sizes, tops, color=MEASURED, alpha=0.3, linewidth=0.8)
    draw_means(batch, sizes, tops, logarithmic=True, linestyle="none", **FIRST)
    batch.set_xscale("log")
    plain_numbers(batch.xaxis, sizes)
    batch.set_xlim(sizes[0] / 2, sizes[-1] * 2)
    batch.set_xlabel("batch size B")
    batch.set_ylabel("mean of the largest nine")
    widths, bulks = _over(results["widths"]["bulk"], "width")
    width.plot(widths, bulks, color=MEASURED, alpha=0.3, linewidth=0.8)
    draw_means(width, widths, bulks, logarithmic=True, linestyle="none", **FIRST)
    plain_numbers(width.xaxis, widths)
    width.set_xlim(0.7 * widths[0], widths[-1] + 0.3 * widths[0])
    width.set_xlabel("width")
    width.set_ylabel("root mean square of the bulk")
    return figure


def _ladder(values: Array) -> Array:
    """Of 1, 2, 5, 10, 20, ... and 0.5, 0.2, ... those that positive values span."""
    low, high = np.nanmin(values), np.nanmax(values)
    steps = np.outer(10.0 ** np.arange(-6, 7), (1.0, 2.0, 5.0)).ravel()
    return steps[(steps >= low) & (steps <= high)]


def _course(results: Results) -> Figure:
    data = results["course"]
    figure = new_figure(7.2, 3.2)
    share, noise = figure.subplots(1, 2)
    steps, values = _over(data["share"], "step")
    draw_means(share, steps, values, **FIRST)
    share.axhline(float(data["chance"].mean()), color=MUTED, linestyle="--", linewidth=1)
    share.set_ylim(0.0, 1.05)
    share.set_ylabel("share of the squared gradient")
    for name, style, label in (("simple", FIRST, "tr C / |g|²"), ("curved", SECOND, "tr(H C) / g'Hg")):
        draw_means(noise, steps, _over(data[name], "step")[1], logarithmic=True, label=label, **style)
    noise.axhline(
        np.exp(np.mean([np.log(one.critical_batch) for one in tradeoffs(results)])),
        color=EXACT,
        linestyle="--",
        linewidth=1,
        label="critical batch size",
    )
    noise.set_yscale("log")
    noise.set_ylabel("noise scale (samples)")
    figure.legend(loc="outside lower right", ncols=3)
    for axes in (share, noise):
        axes.set_xscale("symlog", linthresh=steps[1])
        axes.set_xlim(-0.1 * steps[1], 1.3 * steps[-1])
        plain_numbers(axes.xaxis, steps)
        axes.set_xlabel("step")
    return figure


def _tradeoff(results: Results, settings: NetworkSettings) -> Figure:
    steps = fewest_steps(results)
    batches = steps["B"].values.astype(float)
    curves = tradeoffs(results)
    fewest = float(np.exp(np.mean([np.log(one.fewest_steps) for one in curves])))
    critical = float(np.exp(np.mean([np.log(one.critical_batch) for one in curves])))
    fine = np.geomspace(batches[0] / 1.3, batches[-1] * 1.3, 100)
    line = fewest * (1 + critical / fine)
    figure = new_figure(7.2, 3.3)
    plane, by_batch = figure.subplots(1, 2)
    for row in steps.values:
        plane.plot(
            row, batches * row, color=MEASURED, marker="o", linestyle="none", alpha=0.5, markersize=3.5
        )
    plane.plot(line, fine * line, color=EXACT)
    plane.set_xlabel("steps S")
    plane.set_ylabel("samples E")
    draw_means(by_batch, batches, steps, logarithmic=True, linestyle="none", **FIRST)
    by_batch.plot(fine, line, color=EXACT, label="S = S_min (1 + B_crit / B)")
    by_batch.axvline(critical, color=EXACT, linestyle="--", linewidth=1, label="B_crit")
    noise = float(np.exp(log_scales_on_the_way(results, settings).mean()))
    by_batch.axvline(noise, color=PREDICTED[0], linestyle=":", label="noise scale")
    by_batch.set_xlabel("batch size B")
    by_batch.set_ylabel("steps S")
    for axes in (plane, by_batch):
        axes.set_xscale("log")
        axes.set_yscale("log")
    for axis in (plane.xaxis, by_batch.yaxis):
        plain_numbers(axis, _ladder(steps.values))
    plain_numbers(by_batch.xaxis, batches)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _tails(results: Results) -> Figure:
    data = results["tails"]
    figure = new_figure(5.2, 3.5)
    axes = figure.subplots()
    for name, style, label in (
        ("single", FIRST, "one coordinate (median)"),
        ("scaled", THIRD, "all, each divided by its deviation"),
        ("pooled", SECOND, "all together"),
    ):
        batches, values = _over(data[name], "B")
        draw_means(axes, batches, values, label=label, **style)
    axes.plot(
        batches,
        _over(data["pooled_gaussian"], "B")[1].mean("run"),
        color=PREDICTED[0],
        linestyle="--",
        label="all together, were each Gaussian",
    )
    axes.axhline(2.0, color=MUTED, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    plain_numbers(axes.xaxis, batches)
    axes.set_xlabel("batch size B")
    axes.set_ylabel("stable index α")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _descent(results: Results) -> Figure:
    data = results["descent"]
    figure = new_figure(7.2, 2.9)
    loss, accuracy = figure.subplots(1, 2)
    for method, style in (("GD", SECOND), ("SGD", FIRST)):
        one = data.sel(algorithm=method)
        widths, values = _over(one["loss"], "width")
        draw_means(loss, widths, values, logarithmic=True, label=method, **style)
        draw_means(accuracy, widths, 100 * _over(one["test_accuracy"], "width")[1], bounds=PERCENT, **style)
        below = {"linestyle": "--", "markerfacecolor": "none", **style}
        rest = _over(one["rest_loss"], "width")[1].clip(min=FITTED)
        draw_means(loss, widths, rest, logarithmic=True, label=f"{method}, at rest", **below)
        draw_means(accuracy, widths, 100 * _over(one["rest_accuracy"], "width")[1], bounds=PERCENT, **below)
    loss.set_yscale("log")
    loss.set_ylabel("training loss (cross-entropy)")
    accuracy.set_ylabel("test accuracy (%)")
    for axes in (loss, accuracy):
        axes.set_xscale("log")
        plain_numbers(axes.xaxis, widths)
        axes.set_xlabel("width")
    loss.legend()
    return figure


def _fitting(results: Results, settings: NetworkSettings) -> Figure:
    data = by_width(results)
    ratios = data["parameters"].values[0] / settings.fit_samples
    places = critical_places(data)
    critical = float(np.exp(np.log(ratios[places]).mean()))
    figure = new_figure(7.6, 3.2)
    fits, errors, spread = figure.subplots(1, 3)
    draw_means(fits, ratios, 100 * data["fitted"], bounds=PERCENT, label="networks that fit", **FIRST)
    draw_means(fits, ratios, 100 * data["missed"], bounds=PERCENT, label="samples missed", **SECOND)
    fits.set_ylabel("%")
    fits.set_ylim(-5.0, 105.0)
    draw_means(errors, ratios, 100 * data["error"], bounds=PERCENT, label="one network", **THIRD)
    draw_means(
        errors,
        ratios,
        100 * data["together"],
        bounds=PERCENT,
        label=f"mean of {settings.fit_members}",
        **FOURTH,
    )
    errors.set_ylabel("test error (%)")
    draw_means(spread, ratios, data["spread"], logarithmic=True, color=EXACT, marker="v")
    spread.set_yscale("log")
    spread.set_ylabel("spread of outputs")
    for axes in (fits, errors, spread):
        axes.axvline(critical, color=MUTED, linestyle=":", linewidth=1)
        axes.set_xscale("log")
        plain_numbers(axes.xaxis, _ladder(ratios))
        axes.set_xlabel("parameters / samples")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
