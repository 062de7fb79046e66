"""Pictures of landscapes: curve, contours or streamlines, with the critical points on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from potentials import CriticalPoint, DriftField, FixedPoint, InputError, Potential
from simdyn.plotting.style import MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_WIDTH = 3.4
_MARKS: dict[str, dict[str, Any]] = {
    "minimum": {"marker": "o", "color": "white", "markersize": 6},
    "attractor": {"marker": "o", "color": "white", "markersize": 6},
    "saddle": {"marker": "X", "color": PREDICTED[0], "markersize": 7},
    "other": {"marker": "^", "color": PREDICTED[3], "markersize": 6},
}
_GRID = 241
_LEVELS = 14
_MOST_DEGENERATE = 12
"""More of them are a sample of a curve of equal energy, which the contours show better than marks."""


@dataclass(frozen=True)
class _Mark:
    """A critical point as a picture shows it: position in the picture, kind, energy, reach of a valley."""

    x: Floats
    kind: str
    energy: float = 0.0
    softness: Floats | None = None
    """At a minimum: how far the valley extends along each coordinate at the energy 1/2 above its bottom."""


def landscape_figure(
    landscape: Potential | DriftField,
    axes: Axes | None = None,
    *,
    coordinates: tuple[int, int] | None = None,
    legend: bool | None = None,
) -> Figure:
    """One picture of a landscape at the width of a column.

    One dimension: the energy (or drift) as a curve. Two: contours of the energy up to somewhat above the
    highest saddle, or the streamlines of the drift. More: the section in two coordinates through the deepest
    minimum (or first attractor), which says so. Marked are the critical points that lie in the picture.

    Parameters
    ----------
    coordinates
        Numbers, from 0, of the two coordinates of a section; by default the first and the last.
    legend
        Whether to explain the marks below the figure; by default where the figure is made here.

    Raises
    ------
    InputError
        Coordinates that the landscape does not have.
    """
    with house_style():
        legend = axes is None if legend is None else legend
        if axes is None:
            figure = new_figure(_WIDTH, 2.3 if landscape.dim == 1 else 2.9)
            axes = figure.add_subplot()
        else:
            figure = axes.figure  # type: ignore[assignment]
        axes.set_title(landscape.name if len(landscape.name) <= 40 else "", fontsize=9)
        if landscape.dim == 1:
            _draw_curve(landscape, axes)
        else:
            section = _Section.of(landscape, coordinates)
            if isinstance(landscape, Potential):
                _draw_contours(section, axes)
            else:
                _draw_streamlines(section, axes)
            if landscape.dim > 2:
                _say_section(section, axes)
        handles, labels = axes.get_legend_handles_labels()
        if legend and handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=3, handletextpad=0.1)
    return figure


def _marked(point: CriticalPoint | FixedPoint, kept: Sequence[int]) -> _Mark:
    """The mark of a critical point in a picture of some coordinates."""
    chosen = list(kept)
    if isinstance(point, FixedPoint):
        kind = "saddle" if point.is_saddle else "attractor" if point.is_attractor else "other"
        return _Mark(point.x[chosen], kind)
    if point.is_minimum:
        softness = np.sqrt(np.diag(np.linalg.inv(point.hessian[np.ix_(chosen, chosen)])))
        return _Mark(point.x[chosen], "minimum", point.energy, softness)
    return _Mark(point.x[chosen], "saddle" if point.is_saddle else "other", point.energy)


def _ceiling(marks: Sequence[_Mark], share: float) -> float | None:
    """Energy somewhat above the highest point between valleys; None if there is none."""
    between = [mark.energy for mark in marks if mark.kind != "minimum"]
    if not between or len(between) == len(marks):
        return None
    lowest = min(mark.energy for mark in marks)
    return max(between) + share * (max(between) - lowest)


def _window(
    marks: Sequence[_Mark], k: int, top: float | None, domain: tuple[float, float]
) -> tuple[float, float]:
    """Interval of coordinate k with every mark and the valleys up to the energy `top`.

    Without that energy (a single valley, a drift field) it is the domain, cut to where the marks are.
    """
    if top is None:
        places = [float(mark.x[k]) for mark in marks]
        span = np.ptp(places) if places else 0.0
        if span <= 1e-6 * (domain[1] - domain[0]):
            return domain
        return max(domain[0], min(places) - 0.4 * span), min(domain[1], max(places) + 0.4 * span)
    ends = []
    for mark in marks:
        room = 0.0
        if mark.softness is not None:
            room = 1.2 * float(np.sqrt(2.0 * (top - mark.energy))) * float(mark.softness[k])
        ends += [float(mark.x[k]) - room, float(mark.x[k]) + room]
    room = 0.08 * (max(ends) - min(ends))
    return min(ends) - room, max(ends) + room


def _mark(marks: Sequence[_Mark], axes: Axes, *, curve: bool) -> None:
    """Draw the marks in a plane, or at their energies on a curve; one entry of the legend for each kind."""
    for kind, style in _MARKS.items():
        alike = [mark for mark in marks if mark.kind == kind]
        if alike:
            axes.plot(
                [float(mark.x[0]) for mark in alike],
                [mark.energy if curve else float(mark.x[1]) for mark in alike],
                linestyle="none",
                markeredgecolor="black",
                markeredgewidth=0.9,
                zorder=5,
                label=kind,
                **style,
            )


def draw_critical_points(landscape: Potential | DriftField, axes: Axes) -> None:
    """Mark the critical points of a landscape of two dimensions that lie within the axes."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    _, marks = _critical_points_in_plane(landscape, 0, 1)
    within = [mark for mark in marks if left <= mark.x[0] <= right and bottom <= mark.x[1] <= top]
    _mark(within, axes, curve=False)


def _draw_curve(landscape: Potential | DriftField, axes: Axes) -> None:
    if isinstance(landscape, Potential):
        points = [point for point in landscape.critical_points() if not point.degenerate]
        marks = [_marked(point, (0,)) for point in points]
        top = _ceiling(marks, 0.5)
        value, label = landscape.energy, "energy"
    else:
        marks = [_marked(point, (0,)) for point in landscape.fixed_points()]
        top = None
        value, label = lambda x: landscape.drift(x)[:, 0], "drift"
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
    low, high = _window(marks, 0, top, landscape.domain[0])
    x = np.linspace(low, high, 601)
    bottom = marks[0] if len(marks) == 1 else None
    if bottom is not None and bottom.softness is not None:
        room = min(3.0 * float(bottom.softness[0]), 0.5 * (high - low))
        x = np.linspace(float(bottom.x[0]) - room, float(bottom.x[0]) + room, 601)
        low, high = float(x[0]), float(x[-1])
        highest = min(float(np.nanmax(value(x[:, None]))), bottom.energy + 9.0)
        axes.set_ylim(bottom.energy - 0.08 * (highest - bottom.energy), highest)
    axes.plot(x, value(x[:, None]), color=MEASURED)
    if top is not None:
        lowest = min(mark.energy for mark in marks)
        axes.set_ylim(lowest - 0.1 * (top - lowest), top)
        low, high = _cropped(x, value(x[:, None]) <= top)
    axes.set_xlim(low, high)
    axes.set_xlabel(str(landscape.variables[0]))
    axes.set_ylabel(label)
    _mark(marks, axes, curve=True)


@dataclass(frozen=True)
class _Section:
    """The plane of two coordinates through a point, and the critical points in it."""

    landscape: Potential | DriftField
    first: int
    second: int
    through: Floats
    marks: tuple[_Mark, ...]
    box: tuple[tuple[float, float], tuple[float, float]]
    top: float | None

    @classmethod
    def of(cls, landscape: Potential | DriftField, coordinates: tuple[int, int] | None) -> _Section:
        i, j = (0, landscape.dim - 1) if coordinates is None else coordinates
        if not (0 <= i < landscape.dim and 0 <= j < landscape.dim and i != j):
            raise InputError(
                f"The coordinates {coordinates} are no section of {landscape.name[:60]!r}: give two "
                f"different numbers from 0 to {landscape.dim - 1}."
            )
        through, marks = _critical_points_in_plane(landscape, i, j)
        top = _ceiling(marks, 0.5) if isinstance(landscape, Potential) else None
        across, up = (_window(marks, k, top, landscape.domain[n]) for k, n in ((0, i), (1, j)))
        return cls(landscape, i, j, through, marks, (across, up), top)

    def points(self) -> tuple[Floats, Floats, Floats]:
        """Grid lines of the two coordinates, and the points of the grid in all d."""
        u, v = (np.linspace(low, high, _GRID) for low, high in self.box)
        points = np.tile(self.through, (_GRID, _GRID, 1))
        points[..., self.first], points[..., self.second] = np.meshgrid(u, v)
        return u, v, points


def _critical_points_in_plane(
    landscape: Potential | DriftField, i: int, j: int
) -> tuple[Floats, tuple[_Mark, ...]]:
    """A point of the plane, and the marks in it at their two coordinates."""
    if isinstance(landscape, DriftField):
        found = landscape.fixed_points()
        attractors = landscape.attractors()
        middle = np.mean(landscape.domain, axis=1)
        through = attractors[0].x if attractors else found[0].x if found else middle
        rest = [k for k in range(landscape.dim) if k not in (i, j)]
        inside = [point for point in found if np.allclose(point.x[rest], through[rest], atol=1e-9)]
        return through, tuple(_marked(point, (i, j)) for point in inside)
    if landscape.dim == 2:
        points = landscape.critical_points()
        if sum(point.degenerate for point in points) > _MOST_DEGENERATE:
            points = tuple(point for point in points if not point.degenerate)
        return np.zeros(2), tuple(_marked(point, (i, j)) for point in points)
    through = landscape.deepest().x
    fixed = {item: float(x) for item, x in zip(landscape.variables, through, strict=True)}
    kept = [landscape.variables[i], landscape.variables[j]]
    expression = landscape.expression.subs({item: x for item, x in fixed.items() if item not in kept})
    plane = Potential(
        expression,
        variables=kept,
        parameters={s.name: landscape.parameters[s.name] for s in expression.free_symbols - set(kept)},
        domain=(landscape.domain[i], landscape.domain[j]),
    )
    marks = []
    for point in plane.critical_points():
        place = np.array(through)
        place[[i, j]] = point.x
        hessian = landscape.hessian(place)
        step = np.linalg.norm(landscape.gradient(place)) / max(float(np.max(np.abs(hessian))), 1e-300)
        if step <= 1e-8 * (1.0 + np.linalg.norm(place)) and not point.degenerate:
            energy = float(landscape.energy(place))
            index = int(np.sum(np.linalg.eigvalsh(hessian) < 0))
            marks.append(_marked(CriticalPoint(place, energy, hessian, index), (i, j)))
    return through, tuple(marks)


def _say_section(section: _Section, axes: Axes) -> None:
    names = [str(section.landscape.variables[k]) for k in (section.first, section.second)]
    where = "deepest minimum" if isinstance(section.landscape, Potential) else "first attractor"
    name = section.landscape.name
    title = f"{name}: section" if len(name) <= 24 else "section"
    axes.set_title(
        f"{title} in {names[0]}, {names[1]}\nthrough the {where} (d = {section.landscape.dim})",
        fontsize=8,
    )


def _cropped(x: Floats, shown: NDArray[np.bool_]) -> tuple[float, float]:
    """The part of an axis in which something is shown, with a margin, within the ends of `x`."""
    places = x[shown]
    if places.size == 0:
        return float(x[0]), float(x[-1])
    margin = 0.06 * float(places[-1] - places[0])
    return max(float(x[0]), float(places[0]) - margin), min(float(x[-1]), float(places[-1]) + margin)


def _frame(section: _Section, axes: Axes, box: tuple[tuple[float, float], tuple[float, float]]) -> None:
    (left, right), (bottom, top) = box
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel(str(section.landscape.variables[section.first]))
    axes.set_ylabel(str(section.landscape.variables[section.second]))
    axes.grid(False)
    if 0.45 < (right - left) / (top - bottom) < 2.2:
        axes.set_aspect("equal")


def _levels(energies: Floats, section: _Section) -> Floats:
    """Contour levels, denser below: up to well above the saddles, or over three decades if there are none."""
    finite = energies[np.isfinite(energies)]
    lowest = min([*(mark.energy for mark in section.marks), float(finite.min())])
    if section.top is not None:
        return np.asarray(lowest + (section.top - lowest) * np.linspace(0.0, 1.0, _LEVELS) ** 1.5)
    top = float(np.quantile(finite, 0.6)) - lowest
    return lowest + np.concatenate([[0.0], np.geomspace(1e-3 * top, top, _LEVELS - 1)])


def _short(level: float, levels: Floats) -> str:
    """Three digits, and a plain zero where only rounding keeps a level from it."""
    return f"{0.0 if abs(level) < 1e-9 * np.ptp(levels) else level:.3g}"


def _draw_contours(section: _Section, axes: Axes) -> None:
    from matplotlib.colors import BoundaryNorm

    assert isinstance(section.landscape, Potential)
    u, v, points = section.points()
    energies = section.landscape.energy(points)
    levels = _levels(energies, section)
    norm = BoundaryNorm(levels, 256)
    filled = axes.contourf(u, v, energies, levels=levels, cmap="Blues_r", norm=norm)
    axes.contour(u, v, energies, levels=levels[1:], colors="#08306B", linewidths=0.35, linestyles="solid")
    strip = axes.inset_axes((1.04, 0.0, 0.05, 1.0))  # as tall as the picture, whatever its shape
    bar = axes.figure.colorbar(filled, cax=strip, ticks=levels[[0, 4, 7, 10, -1]])
    bar.ax.set_yticklabels([_short(level, levels) for level in levels[[0, 4, 7, 10, -1]]], fontsize=7)
    bar.ax.minorticks_off()
    bar.set_label("energy", labelpad=2)
    low = energies <= levels[-1]
    cropped = (_cropped(u, low.any(axis=0)), _cropped(v, low.any(axis=1)))
    _frame(section, axes, section.box if section.top is None else cropped)
    _mark(section.marks, axes, curve=False)


def _draw_streamlines(section: _Section, axes: Axes) -> None:
    assert isinstance(section.landscape, DriftField)
    u, v, points = section.points()
    drift = section.landscape.drift(points)
    across, up = drift[..., section.first], drift[..., section.second]
    axes.streamplot(
        u, v, across, up, color=MEASURED, linewidth=0.7, arrowsize=0.8, density=0.6, broken_streamlines=False
    )
    _frame(section, axes, section.box)
    _mark(section.marks, axes, curve=False)
