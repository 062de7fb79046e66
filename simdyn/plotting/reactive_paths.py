"""Where paths go on their way out: their density over a landscape, or their courses in one dimension, and the
least-action path on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from potentials import DriftField, Potential
from simdyn.errors import InputError
from simdyn.plotting.landscape import draw_critical_points
from simdyn.plotting.style import MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 3.4
_BINS = 80
_COURSES = 30
_LEVELS = 12
_RAREST = 1e-3
"""Densities below this share of the largest are left white."""


def reactive_paths_figure(
    landscape: Potential | DriftField,
    paths: xarray.Dataset,
    least_action: np.ndarray | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Transition paths at the width of a column.

    Two dimensions: the share of all points of the paths that lies in each cell, over lines of equal energy.
    One: position against the steps that are left until the exit, some single paths, and the band that holds
    half of them at each step.

    Parameters
    ----------
    landscape
        Of one or two dimensions.
    paths
        From `answer.reactive_paths()`.
    least_action
        The path of `exact.minimum_action`, shape (n + 1, d); in one dimension that of a discrete rule, whose
        points are steps.

    Raises
    ------
    InputError
        A landscape of more dimensions.
    """
    if landscape.dim > 2:
        raise InputError(
            f"{landscape.name[:60]!r} has {landscape.dim} dimensions, but paths are drawn over one or two."
        )
    with house_style():
        own = axes is None
        if axes is None:
            figure = new_figure(_WIDTH, 3.2 if landscape.dim == 2 else 2.8)
            axes = figure.add_subplot()
        else:
            figure = axes.figure  # type: ignore[assignment]
        draw = _draw_density if landscape.dim == 2 else _draw_courses
        draw(landscape, paths, least_action, axes)
        axes.set_title(f"{paths.sizes['path']:,} paths on their way out", fontsize=9)
        if own:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw_density(
    landscape: Potential | DriftField, paths: xarray.Dataset, least_action: np.ndarray | None, axes: Axes
) -> None:
    from matplotlib.colors import LogNorm

    position = paths.position.values
    there = np.isfinite(position[:, :, 0])
    weights = np.broadcast_to(paths.weight.values[:, None], there.shape)[there]
    x, y = position[there].T
    share, u, v = np.histogram2d(x, y, bins=_BINS, weights=weights)
    share /= share.sum()
    highest = float(share.max())
    mesh = axes.pcolormesh(
        u, v, np.where(share > _RAREST * highest, share, np.nan).T,
        cmap="Blues", norm=LogNorm(_RAREST * highest, highest), rasterized=True,
    )  # fmt: skip
    strip = axes.inset_axes((1.04, 0.0, 0.05, 1.0))
    axes.figure.colorbar(mesh, cax=strip).set_label("share of points in a cell", labelpad=2)
    margin = [0.08 * np.ptp(edges) for edges in (u, v)]
    box = [(edges[0] - room, edges[-1] + room) for edges, room in zip((u, v), margin, strict=True)]
    axes.set_xlim(*box[0])
    axes.set_ylim(*box[1])
    if isinstance(landscape, Potential):
        across, up = (np.linspace(*ends, 161) for ends in box)
        energy = landscape.energy(np.stack(np.meshgrid(across, up), axis=-1))
        visited = landscape.energy(position[there])
        low, high = float(energy.min()), float(np.quantile(visited, 0.999))
        levels = np.linspace(low, high + 0.3 * (high - low), _LEVELS)
        axes.contour(across, up, energy, levels=levels, colors=MUTED, linewidths=0.5, linestyles="solid")
    if least_action is not None:
        axes.plot(*np.asarray(least_action).T, color=PREDICTED[0], label="least action")
    draw_critical_points(landscape, axes)
    axes.set_xlabel(str(landscape.variables[0]))
    axes.set_ylabel(str(landscape.variables[1]))
    axes.grid(False)


def _draw_courses(
    landscape: Potential | DriftField, paths: xarray.Dataset, least_action: np.ndarray | None, axes: Axes
) -> None:
    position, durations = paths.position.values[:, :, 0], paths.duration.values
    reach = int(np.quantile(durations, 0.9))
    if least_action is not None:
        least_action = _without_rest(np.asarray(least_action))
        reach = max(reach, min(len(least_action) - 1, 2 * reach))
    before = np.arange(reach + 1)
    place = durations[:, None] - before
    inside = place >= 0
    courses = np.where(inside, np.take_along_axis(position, np.maximum(place, 0), axis=1), np.nan)
    weights = paths.weight.values
    # Where few paths have lasted so long there is no band worth showing.
    common = before[(inside * weights[:, None]).sum(axis=0) >= 0.5]
    quartiles = np.array(
        [
            np.quantile(
                courses[inside[:, k], k],
                [0.25, 0.5, 0.75],
                weights=weights[inside[:, k]],
                method="inverted_cdf",
            )
            for k in common
        ]
    )
    shown = np.linspace(0, len(courses) - 1, min(_COURSES, len(courses))).astype(int)
    for number in shown:
        axes.plot(before, courses[number], color=MUTED, linewidth=0.4, alpha=0.7)
    axes.plot([], [], color=MUTED, linewidth=0.6, label=f"{len(shown)} of the paths")
    axes.fill_between(
        common, quartiles[:, 0], quartiles[:, 2], color=MEASURED, alpha=0.3, linewidth=0, label="middle half"
    )
    axes.plot(common, quartiles[:, 1], color=MEASURED, label="median")
    if least_action is not None:
        course = least_action[::-1, 0][: reach + 1]
        axes.plot(
            np.arange(len(course)), course, ".--", color=PREDICTED[0], linewidth=1.2, label="least action"
        )
    axes.set_xlim(reach, 0)
    axes.set_xlabel("steps before the exit")
    axes.set_ylabel(str(landscape.variables[0]))


def _without_rest(path: np.ndarray) -> np.ndarray:
    """A path up to where it comes to its end, a saddle, for the first time."""
    far = np.abs(path[:, 0] - path[-1, 0]) > 0.01 * np.ptp(path[:, 0])
    return path[: np.flatnonzero(far)[-1] + 2]
