"""Phase diagrams of stability, and the switch from gradient descent to SGD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import FiniteSum
from simdyn.plotting.intervals import draw_intervals
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure, plain_numbers

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {
    "theorem1": PREDICTED[0],
    "box": PREDICTED[3],
    "mean_square": EXACT,
    "almost_sure": PREDICTED[1],
    "gd": MUTED,
}
_WORDS = {
    "theorem1": "Theorem 1",
    "box": "box",
    "mean_square": "mean square",
    "almost_sure": "almost surely",
    "gd": "gradient descent",
}


def diagram_figure(data: xarray.Dataset) -> Figure:
    """The picture of a diagram of `simdyn.questions.stability_diagrams`."""
    draw = {
        "sharpness diagram": _sharpness,
        "rate diagram": _rates,
        "selection diagram": _selection,
    }[data.attrs["question"]]
    with house_style():
        return draw(data)


def _sharpness(data: xarray.Dataset) -> Figure:
    rows, columns = data.sizes["momentum"], data.sizes["batch_size"]
    figure = new_figure(3.4 * columns, 3.0 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for i, m in enumerate(data.momentum.values):
        for j, batch in enumerate(data.batch_size.values):
            _sharpness_panel(axes[i, j], data.isel(momentum=i, batch_size=j))
            axes[i, j].set_title(f"B = {batch}" + (f", momentum {m:g}" if m else ""), fontsize=9)
    for one in axes[-1]:
        one.set_xlabel("sharpness a")
    for one in axes[:, 0]:
        one.set_ylabel("non-uniformity s")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7)
    return figure


def _sharpness_panel(axes: Axes, data: xarray.Dataset) -> None:
    x, y = data.sharpness.values, data.nonuniformity.values
    axes.contourf(x, y, data.mean_square.values, levels=[0.0, 1.0], colors=[PREDICTED[4]], alpha=0.35)
    axes.fill([], [], color=PREDICTED[4], alpha=0.35, linewidth=0, label="stable in mean square")
    lines = (
        ("box", 1.0, PREDICTED[3], "--", "box"),
        ("mean_square", 1.0, EXACT, "-", "mean square, exact (Theorem 1 without momentum)"),
        ("almost_sure", 0.0, PREDICTED[1], "-", "almost surely, two-point family"),
        ("shuffled_mean_square", 1.0, PREDICTED[2], ":", "mean square, shuffled epochs"),
    )
    for name, level, colour, style, label in lines:
        values = data[name].values
        if np.isfinite(values).any():
            axes.contour(x, y, values, levels=[level], colors=[colour], linestyles=[style], linewidths=1.3)
        axes.plot([], [], color=colour, linestyle=style, label=label)
    if "measured" in data:
        grid = np.meshgrid(data.measured_sharpness.values, data.measured_nonuniformity.values)
        for keep, marker, colour, label in (
            (data.measured_high.values < 0, ".", MEASURED, "measured: the typical path shrinks"),
            (data.measured_low.values > 0, "x", PREDICTED[0], "measured: it grows"),
        ):
            axes.plot(
                grid[0][keep], grid[1][keep], marker, color=colour, markersize=2.5, alpha=0.6, label=label
            )


def _rates(data: xarray.Dataset) -> Figure:
    figure = new_figure(4.6, 3.4)
    axes = figure.add_subplot()
    for name in data.criterion.values.tolist():
        kind = "-" if name in ("mean_square", "almost_sure") else "--"
        axes.plot(
            data.batch_size.values,
            data.threshold.sel(criterion=name).values,
            kind,
            marker="o",
            color=_COLOURS.get(name, PREDICTED[2]),
            label=_WORDS.get(name, name),
        )
    axes.set_xscale("log", base=2)
    plain_numbers(axes.xaxis, data.batch_size.values)
    axes.set_ylim(0, float(data.learning_rate.max()))
    axes.set_xlabel("batch size")
    axes.set_ylabel("stable up to learning rate")
    axes.set_title(f"{data.attrs['potential'][:40]}", fontsize=9)
    axes.legend(loc="best", fontsize=7)
    return figure


def _selection(data: xarray.Dataset) -> Figure:
    starts, batches = data.sizes["start"], data.sizes["batch_size"]
    figure = new_figure(3.2 * batches, 2.2 * starts + 0.5)
    axes = figure.subplots(starts, batches, squeeze=False, sharex=True, sharey=True)
    for i in range(starts):
        for j, batch in enumerate(data.batch_size.values):
            one = axes[i, j]
            for k in range(data.sizes["end"]):
                place, colour = _at(data.position.values[k]), (MEASURED, *PREDICTED)[k % 6]
                ends = (data[name].values[i, j, :, k] for name in ("share", "share_low", "share_high"))
                draw_intervals(
                    one,
                    data.learning_rate.values,
                    *ends,
                    marker=".",
                    linestyle="-",
                    linewidth=1.0,
                    color=colour,
                    label=f"ends at ({place}), 95 % interval",
                )
            exact = (
                (data.mean_square, EXACT, "mean square"),
                (data.almost_sure, PREDICTED[1], "almost surely"),
            )
            for threshold, colour, label in exact:
                value = float(threshold.values[i, j])
                if np.isfinite(value) and value <= float(data.learning_rate.max()):
                    one.axvline(value, color=colour, linestyle="--", linewidth=1.0)
                one.plot(
                    [], [], color=colour, linestyle="--", linewidth=1.0, label=f"start unstable, {label}"
                )
            start = _at(data.position.values[i])
            one.set_title(f"from ({start}), B = {batch}", fontsize=8)
    for one in axes[-1]:
        one.set_xlabel("learning rate")
    for one in axes[:, 0]:
        one.set_ylabel("share of paths")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7)
    return figure


def _at(point: np.ndarray) -> str:
    """A point in a few words, rounding errors of zero as zero."""
    return ", ".join(f"{v + 0.0:.3g}" for v in np.round(point[:3], 9))


def switch_figure(potential: FiniteSum, descent: Any, stochastic: Any, switch: int) -> Figure:
    """A path that descends by the full gradient and then goes on by SGD: over steps, and on the landscape.

    Parameters
    ----------
    potential
        A mean over samples in one variable.
    descent, stochastic
        Positions: of the steps before the switch, shape (switch + 1,), and from it on, shape (paths, steps).
    switch
        The step of the switch.
    """
    before, after = np.asarray(descent), np.atleast_2d(np.asarray(stochastic))
    with house_style():
        figure = new_figure(7.2, 3.0)
        left, right = figure.subplots(1, 2)
        left.plot(np.arange(len(before)), before, color=EXACT, label="gradient descent")
        steps = switch + np.arange(after.shape[1])
        for k, path in enumerate(after):
            left.plot(steps, path, color=MEASURED, linewidth=0.7, alpha=0.7, label=None if k else "SGD")
        left.axvline(switch, color=MUTED, linestyle="--", linewidth=1.0, label="switch")
        left.set_xlabel("steps")
        left.set_ylabel(str(potential.variables[0]))
        left.legend(loc="best", fontsize=7)
        reached = np.concatenate([before, after.ravel()])
        low, high = float(np.nanmin(reached)), float(np.nanmax(reached))
        x = np.linspace(low - 0.2 * (high - low) - 0.1, high + 0.2 * (high - low) + 0.1, 400)
        right.plot(x, potential.energy(x[:, None]), color=MUTED, label="mean loss")
        path = after[0]
        right.plot(path, potential.energy(path[:, None]), ".-", color=MEASURED, linewidth=0.5, label="SGD")
        right.plot(before[-1], potential.energy(before[-1:]), "o", color=EXACT, label="where GD stays")
        right.set_xlabel(str(potential.variables[0]))
        right.set_ylabel("loss")
        right.legend(loc="best", fontsize=7)
    return figure
