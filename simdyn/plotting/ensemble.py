"""What was recorded of an ensemble: fans of paths, moments, histograms, final states."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from potentials import Potential
from simdyn.inference.sample import NORMAL_975
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from potentials import DriftField

_ROWS = 4
_WIDTH = 3.4
_PATHS_DRAWN = 3
_POINTS_DRAWN = 3_000
_GRID = 160

Draw = Callable[["Axes", int], None]


def ensemble_figure(data: xarray.Dataset, potential: Potential | DriftField) -> Figure:
    """One column for each of snapshots, moments and histogram; final states where nothing else was recorded.

    Rows are coordinates (or formulas), four at most. In two dimensions final states are drawn as points over
    the contours of the potential.

    Parameters
    ----------
    data
        A dataset of `simulate`.
    potential
        The landscape it was run on.
    """
    columns: list[tuple[int, Draw]] = []
    dim = data.sizes["coordinate"]
    if "snapshots" in data:
        columns.append((dim, lambda axes, i: _fan(axes, data, i)))
    if "mean" in data:
        columns.append((dim, lambda axes, i: _moments(axes, data, i)))
    if "histogram" in data:
        columns.append((data.sizes["quantity"], lambda axes, i: _histogram(axes, data, i)))
    if not columns and dim == 2:
        columns.append((1, lambda axes, _: _points(axes, data, potential)))
    elif not columns:
        columns.append((dim, lambda axes, i: _final(axes, data, i)))
    rows = min(_ROWS, max(count for count, _ in columns))
    with house_style():
        figure = new_figure(_WIDTH * len(columns), 2.5 if rows == 1 else 1.9 * rows + 0.3)
        axes = figure.subplots(rows, len(columns), squeeze=False)
        for column, (count, draw) in enumerate(columns):
            for row in range(rows):
                if row < count:
                    draw(axes[row, column], row)
                else:
                    axes[row, column].set_axis_off()
            # One legend a column, in the room that is made for it in the first row.
            _add_legend(axes[0, column])
        figure.suptitle(_title(data, max(count for count, _ in columns)), fontsize=8)
    return figure


def _title(data: xarray.Dataset, count: int) -> str:
    name = json.loads(data.attrs["problem"])["potential"]["name"]
    title = f"{data.attrs['paths']:,} paths on {name if len(name) < 24 else 'a formula'}"
    if data.attrs["diverged"]:
        title += f", {data.attrs['diverged'] / data.attrs['paths']:.2%} diverged"
    if not data.attrs["complete"]:
        title += ", interrupted"
    return f"{title}; {_ROWS} of {count} rows" if count > _ROWS else title


def _clock(data: xarray.Dataset) -> tuple[np.ndarray, str]:
    """The axis of recorded steps: steps of a discrete rule, time of an SDE."""
    if json.loads(data.attrs["problem"])["dynamics"]["name"] == "SDE":
        return data["time"].values, "time"
    return data["step"].values, "steps"


def _when(data: xarray.Dataset, step: int) -> str:
    """A step as the reader counts."""
    if json.loads(data.attrs["problem"])["dynamics"]["name"] == "SDE":
        return f"time {step * data.attrs['step_time']:.4g}"
    return f"step {step:,}"


def _within(data: xarray.Dataset, states: np.ndarray) -> np.ndarray:
    """States as numbers, NaN where a path, along the last axis but one, has diverged."""
    states = states.astype(np.float64)
    with np.errstate(invalid="ignore"):
        diverged = ~(np.abs(states) < data.attrs["divergence_bound"]).all(axis=-1)
    states[diverged] = np.nan
    return states


def _fan(axes: Axes, data: xarray.Dataset, i: int) -> None:
    x, label = _clock(data)
    shares, first, kept = [], [], []
    # A step at a time, for all snapshots together may be large.
    for states in data["snapshots"].values:
        column = _within(data, states)[:, i]
        # Where all have diverged there is nothing to draw.
        kept.append(bool(np.isfinite(column).any()))
        if kept[-1]:
            shares.append(np.nanquantile(column, (0.05, 0.25, 0.5, 0.75, 0.95)))
            first.append(column[:_PATHS_DRAWN])
    axes.set_xlabel(label)
    axes.set_ylabel(str(data["coordinate"].values[i]))
    if not shares:
        return
    x, paths = x[kept], np.array(first)
    low, lower, middle, upper, high = np.array(shares).T
    axes.fill_between(x, low, high, color=MEASURED, alpha=0.2, linewidth=0, label="5 % to 95 %")
    axes.fill_between(x, lower, upper, color=MEASURED, alpha=0.35, linewidth=0, label="25 % to 75 %")
    for k, path in enumerate(paths.T):
        label_of_paths = "single paths" if k == 0 else None
        axes.plot(x, path, color=PREDICTED[0], linewidth=0.6, alpha=0.9, label=label_of_paths)
    axes.plot(x, middle, color=EXACT, linewidth=1.4, label="median")
    _finish(axes, label, str(data["coordinate"].values[i]), x)


def _moments(axes: Axes, data: xarray.Dataset, i: int) -> None:
    x, label = _clock(data)
    mean, error = data["mean"].values[:, i], data["mean_error"].values[:, i]
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(data["covariance"].values[:, i, i])
    axes.fill_between(
        x, mean - deviation, mean + deviation, color=PREDICTED[4], alpha=0.3, linewidth=0, label="mean ± sd"
    )
    axes.fill_between(
        x,
        mean - NORMAL_975 * error,
        mean + NORMAL_975 * error,
        color=MEASURED,
        alpha=0.6,
        linewidth=0,
        label="95 % interval of the mean",
    )
    axes.plot(x, mean, color=EXACT, linewidth=0.7, label="mean")
    _finish(axes, label, str(data["coordinate"].values[i]), x)


def _finish(axes: Axes, label: str, name: str, x: np.ndarray) -> None:
    axes.set_xlabel(label)
    axes.set_ylabel(name)
    if len(x) > 1:
        axes.set_xlim(x[0], x[-1])


def _histogram(axes: Axes, data: xarray.Dataset, i: int) -> None:
    edges = data["edge"].values[i]
    counts = data["histogram"].values[:, i]
    steps = data["step"].values
    last = counts[-1]
    later = steps >= steps[-1] / 2
    shown = np.flatnonzero(counts[later].any(axis=0))
    begin, end = (int(shown[0]), int(shown[-1]) + 1) if len(shown) else (0, len(last))
    edges, last, pooled = edges[begin : end + 1], last[begin:end], counts[later][:, begin:end].sum(axis=0)
    paths, width = data.attrs["paths"], np.diff(edges)
    axes.stairs(
        last / (paths * width), edges, fill=True, color=MEASURED, alpha=0.4, label=_when(data, int(steps[-1]))
    )
    if later.sum() > 1:
        axes.stairs(
            pooled / (paths * int(later.sum()) * width),
            edges,
            color=EXACT,
            label=f"{_when(data, int(steps[later][0]))} and later",
        )
    outside = int(data["underflow"].values[-1, i] + data["overflow"].values[-1, i])
    name = str(data["quantity"].values[i])
    if outside:
        name += f"   ({outside / paths:.2%} of the paths beyond the bins)"
    axes.set_xlabel(name)
    axes.set_ylabel("density")


def _final(axes: Axes, data: xarray.Dataset, i: int) -> None:
    column = _within(data, data["final"].values)[:, i]
    column = column[np.isfinite(column)]
    if len(column):
        # Rice's rule, within what a small picture can show.
        counts, edges = np.histogram(column, min(100, max(1, round(2.0 * len(column) ** (1 / 3)))))
        density = counts / (data.attrs["paths"] * np.diff(edges))
        axes.stairs(
            density, edges, fill=True, color=MEASURED, alpha=0.5, label=_when(data, data.attrs["steps_done"])
        )
        middle = float(np.median(column))
        axes.axvline(
            middle, ymax=0.8, color=EXACT, linewidth=1.0, linestyle="--", label=f"median {middle:.4g}"
        )
    axes.set_xlabel(str(data["coordinate"].values[i]))
    axes.set_ylabel("density")


def _add_legend(axes: Axes) -> None:
    """Above the curves, and none where a picture has brought its own or shows nothing."""
    labels = axes.get_legend_handles_labels()[1]
    if not labels or axes.get_legend() is not None:
        return
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (0.25 if len(labels) <= 2 else 0.45) * (high - low))
    axes.legend(loc="upper center", ncols=2, fontsize=7, columnspacing=1.0, handlelength=1.5)


def _contours(axes: Axes, potential: Potential, states: np.ndarray) -> None:
    """Contours of the energy around the points, shape (n, 2)."""
    low, high = states.min(axis=0), states.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 1e-3 * (1.0 + np.abs(high)))
    x, y = (np.linspace(a, b, _GRID) for a, b in zip(low - margin, high + margin, strict=True))
    with np.errstate(all="ignore"):
        energy = potential.energy(np.stack(np.meshgrid(x, y), axis=-1))
        reached = potential.energy(states)
    # Contours up to somewhat above where nearly all paths are; the walls beyond would swallow them.
    bottom = float(np.nanmin(energy))
    top = bottom + 4.0 * max(float(np.nanquantile(reached, 0.99)) - bottom, 1e-12)
    axes.contour(
        x,
        y,
        energy,
        levels=np.linspace(bottom, top, 14)[1:],
        colors=MUTED,
        linewidths=0.5,
        linestyles="solid",
    )


def _points(axes: Axes, data: xarray.Dataset, potential: Potential | DriftField) -> None:
    states = _within(data, data["final"].values)
    states = states[np.isfinite(states).all(axis=1)]
    axes.set_xlabel(str(data["coordinate"].values[0]))
    axes.set_ylabel(str(data["coordinate"].values[1]))
    if len(states) == 0:
        return
    if isinstance(potential, Potential):
        _contours(axes, potential, states)
    axes.plot(
        states[:_POINTS_DRAWN, 0],
        states[:_POINTS_DRAWN, 1],
        linestyle="none",
        marker=".",
        markersize=2.0,
        alpha=0.5,
        color=MEASURED,
        markeredgewidth=0.0,
        rasterized=True,
        label=f"paths at {_when(data, data.attrs['steps_done'])}",
    )
    axes.plot([], [], color=MUTED, linewidth=0.5, label="equal energy")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=7, markerscale=3)
