"""How every figure looks, and how it is written: paper size, colour-blind safe, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError
from simdyn.whole_files import ANOTHER_PLACE, check_folder, write_atomically

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe & Ito's palette, told apart by readers with any of the common colour-vision deficiencies.
MEASURED = "#0072B2"
EXACT = "#000000"
PREDICTED = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MUTED = "#7F7F7F"

_STAMPS: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
FORMATS = tuple(f".{form}" for form in _STAMPS)

_SETTINGS: dict[Any, Any] = {
    "figure.dpi": 120,
    "savefig.dpi": 200,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2.5,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib settings of this project, for the time of a block."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: float = 5.2, height: float = 3.6) -> Figure:
    """An empty figure without any window or global state, sizes in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain_numbers(axis: Axis, places: Iterable[float] | None = None) -> None:
    """Numbers as people write them on a short logarithmic axis: at these places, or at 1, 2 and 5 of every
    decade."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if places is None else FixedLocator(list(places)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def figure_bytes(figure: Figure, form: str, salt: str = "simdyn") -> bytes:
    """The figure as "pdf", "svg" or "png", without dates, so that equal figures are equal bytes.

    `salt` keeps the identifiers of several SVGs on one page apart.
    """
    import matplotlib

    stream = io.BytesIO()
    with house_style(), matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(stream, format=form, metadata=_STAMPS[form], bbox_inches="tight")
    return stream.getvalue()


def saved(figure: Figure, path: str | Path | None) -> Figure:
    """The figure, also written to a file if there is a path; see `save`."""
    if path is not None:
        save(figure, path)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PDF, SVG or PNG, by the ending of `path`.

    Raises
    ------
    InputError
        Another ending, or a place that cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise InputError(f"The picture {str(path)!r} must end in one of: {', '.join(FORMATS)}.")
    check_folder("picture", target)
    # A picture that is there already is lost only to one that is whole.
    write_atomically(target, figure_bytes(figure, target.suffix.lower()[1:]), ANOTHER_PLACE)
