"""Maps of where a prediction holds: its ratio to the exact value, and what it says of itself."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_ONE_COLUMN, _TWO_COLUMNS = 3.4, 7.0
_MOST_MARKS = 26
"""Marks along an axis; of a finer grid some are left out."""

_STEPS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 1e2, 1e3, 1e4, 1e6, 1e10, 1e20, 1e40, 1e80, 1e150, 1e300)
_MOST_COLOURS = 5
_FINER = 8
"""Points of the contours for each cell."""
_MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "holds": ("right, and says so", {"marker": "o", "markersize": 1.7, "color": "#333333"}),
    "too strict": (
        "right, but declines",
        {"marker": "o", "markersize": 2.8, "markerfacecolor": "none", "color": EXACT},
    ),
    "too lax": ("wrong, but claims to hold", {"marker": "x", "markersize": 3.2, "color": EXACT}),
}


def validity_figure(data: xarray.Dataset, width: float | None = None) -> Figure:
    """One panel for each prediction.

    Colours give predicted over exact: white where the prediction is within the tolerance, inside the black
    line; red where it is too large and blue where it is too small. Marks give what the prediction says of
    itself, where that matters. Grey cells have no ratio, and the words in them say why.

    Parameters
    ----------
    data
        Of a `ValidityMap`.
    width
        In inches; by default one column of a journal for one panel and two for more.
    """
    names = [str(name) for name in data["prediction"].values]
    count = len(names)
    columns = min(count, 3)
    rows = -(-count // columns)
    if width is None:
        width = _ONE_COLUMN if count == 1 else _TWO_COLUMNS
    bounds = _bounds(data["log10_ratio"].values, float(data.attrs["tolerance"]))
    with house_style():
        frame = _Frame(width, rows, columns, "barrier" in data[str(data["ratio"].dims[1])].attrs)
        figure = new_figure(width, frame.height)
        figure.set_layout_engine("none")
        colours = _colours(bounds)
        for k, name in enumerate(names):
            row, column = divmod(k, columns)
            axes = figure.add_axes(frame.panel(row, column))
            _draw(data.sel(prediction=name), axes, bounds, colours)
            lowest, first = k + columns >= count, column == 0
            axes.tick_params(labelbottom=lowest, labelleft=first)
            _name_axes(data, axes, below=lowest, left=first, above=frame.second and row == 0)
        _bar(figure, frame, bounds, colours)
        _legend(figure, frame, data)
    return figure


@dataclass(frozen=True)
class _Frame:
    """Where things are, in inches, so that panels are as large as the paper allows.

    Attributes
    ----------
    width
        Of the figure.
    rows, columns
        Of panels.
    second
        Whether there is a second axis above.
    """

    width: float
    rows: int
    columns: int
    second: bool

    left: float = 0.6
    right: float = 0.78
    gap: float = 0.26

    @property
    def side(self) -> tuple[float, float]:
        """Width and height of a panel."""
        across = (self.width - self.left - self.right - (self.columns - 1) * self.gap) / self.columns
        return across, min(across, 2.6)

    @property
    def top(self) -> float:
        """Room for what stands above the uppermost panels."""
        return 0.74 if self.second else 0.42

    @property
    def bottom(self) -> float:
        """Room for labels and legend."""
        return 0.82 if self.width < 5 else 0.68

    @property
    def between(self) -> float:
        """Room for the titles between rows."""
        return 0.3

    @property
    def height(self) -> float:
        """Of the figure."""
        return self.top + self.bottom + self.rows * self.side[1] + (self.rows - 1) * self.between

    def box(self, x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
        """From inches to shares of the figure."""
        return x / self.width, y / self.height, w / self.width, h / self.height

    def panel(self, row: int, column: int) -> tuple[float, float, float, float]:
        """A panel, rows from above."""
        w, h = self.side
        y = self.bottom + (self.rows - 1 - row) * (h + self.between)
        return self.box(self.left + column * (w + self.gap), y, w, h)

    def bar(self) -> tuple[float, float, float, float]:
        """The colours, beside all panels."""
        return self.box(
            self.width - self.right + 0.1, self.bottom, 0.11, self.height - self.top - self.bottom
        )


def _draw(
    one: xarray.Dataset, axes: Axes, bounds: Floats, colours: tuple[ListedColormap, BoundaryNorm]
) -> None:
    across, up = (str(dim) for dim in one["ratio"].dims)
    x, y = one[across].values, one[up].values
    logs = one["log10_ratio"].values.T
    verdict = one["verdict"].values.T
    _scale(axes, x, y)
    axes.grid(False)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(str(one["title"].values), fontsize=9, loc="left")
    _unknown(axes, x, y, verdict)
    map_, norm = colours
    if np.isfinite(logs).any():
        fine_x, fine_y, fine = _refined(x, y, logs)
        axes.contourf(
            fine_x, fine_y, np.clip(fine, bounds[0], bounds[-1]), levels=bounds, cmap=map_, norm=norm
        )
        edge = np.log10(1 + one.attrs["tolerance"]), np.log10(1 - one.attrs["tolerance"])
        axes.contour(
            fine_x,
            fine_y,
            fine,
            levels=sorted(edge),
            colors=EXACT,
            linewidths=1.1,
            linestyles="solid",
            zorder=4,
        )
    thin = slice(None, None, -(-len(x) // _MOST_MARKS)), slice(None, None, -(-len(y) // _MOST_MARKS))
    across_, up_ = np.meshgrid(x[thin[0]], y[thin[1]])
    kinds = verdict[thin[1], thin[0]]
    for kind, (_, style) in _MARKS.items():
        here = kinds == kind
        axes.plot(
            across_[here], up_[here], linestyle="none", markeredgewidth=0.6, zorder=5, clip_on=False, **style
        )


def _refined(x: Floats, y: Floats, logs: Floats) -> tuple[Floats, Floats, Floats]:
    """The map between its columns and rows, straight as the axes are spaced, which contours are not."""

    def positions(values: Floats) -> tuple[Floats, Floats]:
        place = np.log(values) if _by_ratios(values) else values
        among = np.arange(_FINER * (len(values) - 1) + 1) / _FINER
        return place, np.interp(among, np.arange(len(values)), place)

    (a, fine_a), (b, fine_b) = positions(x), positions(y)
    wide = np.array([np.interp(fine_a, a, row) for row in logs])
    full = np.array([np.interp(fine_b, b, column) for column in wide.T]).T
    back_x, back_y = (np.exp if _by_ratios(values) else np.asarray for values in (x, y))
    return back_x(fine_a), back_y(fine_b), full


def _name_axes(data: xarray.Dataset, axes: Axes, *, below: bool, left: bool, above: bool) -> None:
    """What the axes are; above, what the one below means as a barrier over noise."""
    across, up = (data[str(dim)] for dim in data["ratio"].dims[1:])
    if below:
        axes.set_xlabel(across.attrs["long_name"], labelpad=2)
    if left:
        axes.set_ylabel(up.attrs["long_name"], labelpad=2)
    if above:
        barrier = across.attrs["barrier"]

        def swapped(x: Any) -> Floats:
            # Matplotlib asks beyond the limits, too.
            return np.asarray(barrier / np.maximum(x, 1e-300))

        second = axes.secondary_xaxis("top", functions=(swapped, swapped))
        second.set_xlabel("barrier over noise ΔL/D", fontsize=7, labelpad=3)
        _ticks(second.xaxis, barrier / across.values[::-1])
        second.minorticks_off()
        second.tick_params(labelsize=7, length=2.5)


def _scale(axes: Axes, x: Floats, y: Floats) -> None:
    """Logarithmic where the values grow by ratios."""
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    if _by_ratios(x):
        axes.set_xscale("log")
        _ticks(axes.xaxis, x)
    if _by_ratios(y):
        axes.set_yscale("log")
        _ticks(axes.yaxis, y)


def _ticks(axis: Axis, values: Floats) -> None:
    """A few labels in plain numbers, however many decades there are."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    decades = np.log10(values[-1] / values[0])
    shares = (1.0, 2.0, 5.0) if decades < 1.7 else (1.0, 3.0) if decades < 2.7 else (1.0,)
    axis.set_major_locator(LogLocator(subs=shares, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))
    axis.set_minor_formatter(NullFormatter())


def _plain(value: float) -> str:
    return f"{value:g}" if 1e-3 <= value < 1e4 else rf"$10^{{{round(np.log10(value))}}}$"


def _by_ratios(values: Floats) -> bool:
    if values[0] <= 0 or values[-1] / values[0] < 3:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(np.ptp(ratios) / ratios.mean() < np.ptp(steps) / steps.mean())


def _unknown(axes: Axes, x: Floats, y: Floats, verdict: NDArray[np.object_]) -> None:
    """Grey where there is no ratio, with the reason in words where there is room."""
    axes.set_facecolor("#E6E6E6")
    for kind in ("no exact value", "does not apply", "not computed"):
        here = verdict == kind
        if here.mean() >= 0.04:
            rows, columns = np.nonzero(here)
            nearest = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()
            row, column = rows[nearest], columns[nearest]
            axes.text(
                x[column],
                y[row],
                "\n".join(textwrap.wrap(kind, 9)),
                ha="center",
                va="center",
                fontsize=7,
                color="#444444",
            )


def _bounds(logs: Floats, tolerance: float) -> Floats:
    """Logarithms between which a colour stays: of 1 - tolerance, 1 + tolerance, and factors as needed."""
    finite = logs[np.isfinite(logs)]
    inner = np.log10([1 - tolerance, 1 + tolerance])
    steps = [step for step in np.log10(_STEPS) if step > 1.5 * inner[1]]
    low, high = (float(side.max(initial=0.0)) for side in (-finite, finite))
    reach = 1 + int(np.searchsorted(steps, max(low, high)))
    needed = steps[:reach]
    kept = np.array([needed[round(k)] for k in np.linspace(0, len(needed) - 1, min(reach, _MOST_COLOURS))])
    below, above = (kept[: 1 + int(np.searchsorted(kept, side))] for side in (low, high))
    if low <= -inner[0]:
        below = below[:0]
    if high <= inner[1]:
        above = above[:0]
    return np.concatenate([-below[::-1], inner, above])


def _colours(bounds: Floats) -> tuple[ListedColormap, BoundaryNorm]:
    """White within the tolerance, blue below and vermilion above, darker the further away."""
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap

    below, above = int((bounds < 0).sum()) - 1, int((bounds > 0).sum()) - 1
    shades = 0.75 * np.linspace(0.28, 1.0, max(below, above, 2))
    low = LinearSegmentedColormap.from_list("low", ["white", MEASURED, "#00324F"])
    high = LinearSegmentedColormap.from_list("high", ["white", PREDICTED[0], "#5E2900"])
    colours = [*low(shades[:below][::-1]), (1.0, 1.0, 1.0, 1.0), *high(shades[:above])]
    return ListedColormap(colours), BoundaryNorm(bounds, len(colours))


def _bar(figure: Figure, frame: _Frame, bounds: Floats, colours: tuple[ListedColormap, BoundaryNorm]) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(
        ScalarMappable(colours[1], colours[0]),
        cax=figure.add_axes(frame.bar()),
        spacing="uniform",
        ticks=bounds,
    )
    bar.ax.set_yticklabels([_factor(bound) for bound in bounds], fontsize=7)
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=2)
    bar.outline.set_linewidth(0.6)
    bar.set_label("predicted / exact", fontsize=8, labelpad=2)


def _factor(log10: float) -> str:
    """A bound as people say it: 0.9, 2, 1/2, 10^-20."""
    if abs(log10) >= 2.5:
        return rf"$10^{{{round(log10)}}}$"
    value = 10**log10
    return f"1/{1 / value:.3g}" if value < 0.75 else f"{value:.3g}"


def _legend(figure: Figure, frame: _Frame, data: xarray.Dataset) -> None:
    from matplotlib.lines import Line2D

    percent = f"{100 * data.attrs['tolerance']:.3g} %"
    verdicts = data["verdict"].values
    handles = [Line2D([], [], color=EXACT, linewidth=1.1, label=f"within {percent}")]
    for kind, (words, style) in _MARKS.items():
        if (verdicts == kind).any():
            handles.append(Line2D([], [], linestyle="none", markeredgewidth=0.6, label=words, **style))
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=2 if frame.width < 5 else 4,
        fontsize=7,
        handletextpad=0.4,
        columnspacing=1.4,
        borderaxespad=0.1,
    )
    problem = json.loads(data.attrs["problem"])
    name = problem["potential"]["name"].replace("_", " ")
    figure.text(
        frame.left / frame.width,
        1 - 0.02 / frame.height,
        f"{name if len(name) <= 28 else 'formula'}, exit: {problem['exit']}",
        fontsize=7,
        color=MUTED,
        va="top",
    )
