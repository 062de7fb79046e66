"""A stationary law: density beside exact and predicted ones and their ratio; in the plane its current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simdyn.questions.stationary_comparison import OtherLaw
    from simdyn.questions.stationary_estimate import StationaryEstimate

_ROWS = 4
_GRID = 161
_ARROWS = 17
_LEVELS = (0.95, 0.75, 0.5, 0.25)
"""Shares of the law within contours."""

_UNSEEN = 1e-5
"""Rows and columns at the rim of a plane that hold less than this are not drawn."""

_STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1)))
_RATIO = 0.3
_LEAST = 30
"""Fewer states in a bin than this say nothing about a ratio."""


def stationary_figure(answer: StationaryEstimate) -> Figure:
    """In two dimensions the joint density with contours and current.

    Else one column for each formula, four at most, with the density and, where another law is known, its
    ratio to the measured one.
    """
    with house_style():
        if len(answer.names) == 2 and answer.plane is not None and answer.plane.share.sum() > 0:
            figure = new_figure(6.4, 4.9)
            plane_axes(figure.add_subplot(), answer)
        else:
            figure = _lines(answer)
        title = f"Stationary law on {answer.problem['potential']['name'][:40]}"
        figure.suptitle(title + ("" if answer.settled else " (not settled)"), fontsize=9)
    return figure


def _lines(answer: StationaryEstimate) -> Figure:
    shown = list(answer.histogram.values())[:_ROWS]
    known = answer.laws if len(answer.names) == 1 else ()
    figure = new_figure(4.4 * len(shown), 4.6 + 0.15 * len(known) if known else 3.2)
    grid = figure.add_gridspec(2 if known else 1, len(shown), height_ratios=[1, 0.5] if known else [1])
    coordinates = {one.label: one.coordinate for one in answer.quantities}
    for column, histogram in enumerate(shown):
        axes = figure.add_subplot(grid[0, column])
        _density(axes, histogram)
        others = known if coordinates[histogram.label] is not None else ()
        below = figure.add_subplot(grid[1, column], sharex=axes) if others else None
        for k, law in enumerate(others):
            colour, style = _look(law.name, k)
            masses = answer.masses(law, histogram.label)
            label = _label(law)
            middles = 0.5 * (histogram.edges[1:] + histogram.edges[:-1])
            axes.plot(
                middles,
                masses / np.diff(histogram.edges),
                color=colour,
                linestyle=style,
                label=label,
                linewidth=1.1,
            )
            if below is not None:
                with np.errstate(all="ignore"):
                    ratio = masses / masses.sum() / (histogram.share.value / histogram.share.value.sum())
                # Lines break where too few states are to compare with.
                ratio[histogram.counts.sum(axis=0) < _LEAST] = np.nan
                below.plot(middles, ratio, color=colour, linestyle=style, linewidth=1.1)
        axes.set_ylim(bottom=0.0)
        if below is not None:
            _band(below, histogram)
            axes.tick_params(labelbottom=False)
            below.set_xlabel(histogram.label)
        else:
            axes.set_xlabel(histogram.label)
    handles = {h.get_label(): h for axes in figure.axes for h in axes.get_legend_handles_labels()[0]}
    figure.legend(handles=list(handles.values()), loc="outside lower center", ncols=len(shown), fontsize=7)
    return figure


def _density(axes: Axes, histogram: Any) -> None:
    widths = np.diff(histogram.edges)
    low, high = histogram.share.low / widths, histogram.share.high / widths
    axes.stairs(histogram.density, histogram.edges, color=MEASURED, label="measured, 95 % band")
    axes.fill_between(
        histogram.edges,
        np.append(low, low[-1:]),
        np.append(high, high[-1:]),
        step="post",
        color=MEASURED,
        alpha=0.25,
        linewidth=0,
    )
    seen = np.flatnonzero(histogram.counts.sum(axis=0))
    if len(seen):
        axes.set_xlim(histogram.edges[seen[0]], histogram.edges[seen[-1] + 1])
    axes.set_ylabel("density")


def _band(axes: Axes, histogram: Any) -> None:
    """The measured law itself, with its 95 % band, as a ratio to itself."""
    value = histogram.share.value
    middles = 0.5 * (histogram.edges[1:] + histogram.edges[:-1])
    with np.errstate(all="ignore"):
        half = (histogram.share.high - histogram.share.low) / 2 / value
    half[histogram.counts.sum(axis=0) < _LEAST] = np.nan
    axes.fill_between(middles, 1 - half, 1 + half, color=MEASURED, alpha=0.25, linewidth=0)
    axes.axhline(1.0, color=MEASURED, linewidth=0.8)
    axes.set_ylim(1 - _RATIO, 1 + _RATIO)
    axes.set_ylabel("ratio to\nmeasured")


def plane_axes(axes: Axes, answer: StationaryEstimate) -> None:
    """The measured density in colours, contours that hold 25 to 95 % of it and of the other laws, and the
    current as arrows."""
    plane = answer.plane
    assert plane is not None
    u, v = plane.edges
    density = plane.density
    rows, columns = (np.flatnonzero(plane.share.sum(axis=axis) > _UNSEEN) for axis in (1, 0))
    axes.pcolormesh(u, v, density.T, cmap="Blues", shading="flat", rasterized=True)
    axes.set_xlim(u[rows[0]], u[rows[-1] + 1])
    axes.set_ylim(v[columns[0]], v[columns[-1] + 1])
    middles = 0.5 * (u[1:] + u[:-1]), 0.5 * (v[1:] + v[:-1])
    _contour(axes, middles[0], middles[1], density, MEASURED, "-")
    axes.plot([], [], color=MEASURED, label="measured (25, 50, 75, 95 %)")
    fine = np.linspace(u[0], u[-1], _GRID), np.linspace(v[0], v[-1], _GRID)
    points = np.stack(np.meshgrid(*fine, indexing="ij"), axis=-1).reshape(-1, 2)
    for k, law in enumerate(answer.laws):
        colour, style = _look(law.name, k)
        density_there = np.asarray(law.density(points)).reshape(_GRID, _GRID)
        _contour(axes, fine[0], fine[1], density_there, colour, style)
        axes.plot([], [], color=colour, linestyle=style, label=_label(law))
    _arrows(axes, plane)
    axes.set_xlabel(plane.names[0])
    axes.set_ylabel(plane.names[1])
    axes.grid(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=7)


def _contour(axes: Axes, x: np.ndarray, y: np.ndarray, density: np.ndarray, colour: str, style: Any) -> None:
    ordered = np.sort(density.ravel())[::-1]
    total = np.cumsum(ordered)
    if not total[-1] > 0:
        return
    heights = [float(ordered[int(np.searchsorted(total, share * total[-1]))]) for share in _LEVELS]
    levels = sorted({height for height in heights if 0 < height < ordered[0]})
    if levels:
        axes.contour(x, y, density.T, levels=levels, colors=[colour], linewidths=0.9, linestyles=[style])


def _arrows(axes: Axes, plane: Any) -> None:
    """The current over blocks of rectangles, where it stands out of its noise."""
    size = max(1, len(plane.edges[0]) // _ARROWS)
    bins = (len(plane.edges[0]) - 1) // size * size
    blocks = (bins // size, size, bins // size, size)

    def blocked(array: np.ndarray) -> np.ndarray:
        return np.asarray(array[:bins, :bins].reshape(blocks).sum(axis=(1, 3)))

    current = np.stack([blocked(one) for one in plane.current]) / size**2
    error = np.stack([np.sqrt(blocked(one**2)) for one in plane.current_error]) / size**2
    middles = [0.5 * (e[1:] + e[:-1])[:bins].reshape(-1, size).mean(axis=1) for e in plane.edges]
    with np.errstate(all="ignore"):
        clear = ((current / error) ** 2).sum(axis=0) > 18.0
    if not clear.any():
        return
    x, y = np.meshgrid(*middles, indexing="ij")
    axes.quiver(
        x[clear], y[clear], current[0][clear], current[1][clear], color=MUTED, angles="xy", width=0.004
    )
    longest = float(np.sqrt((current[:, clear] ** 2).sum(axis=0)).max())
    label = f"current, at most {longest:.2g} per unit of time and length"
    axes.plot([], [], color=MUTED, label=label)


def _label(law: OtherLaw) -> str:
    return law.name if law.valid else f"{law.name} (outside validity)"


def _look(name: str, k: int) -> tuple[str, Any]:
    if name == "exact":
        return EXACT, ":"
    return PREDICTED[k % len(PREDICTED)], _STYLES[k % len(_STYLES)]
