"""How every figure looks, and how it is written: paper size, colour-blind safe, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's palette, told apart by readers with any of the common colour-vision deficiencies.
MEASURED = "#0072B2"
EXACT = "#000000"
PREDICTED = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MUTED = "#7F7F7F"

FORMATS = (".pdf", ".svg", ".png")

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
    "svg.hashsalt": "simdyn",
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


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PDF, SVG or PNG, by the ending of `path`.

    Without time stamps, so that equal figures are equal files.

    Raises
    ------
    InputError
        Another ending, or a folder that cannot be written.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in FORMATS:
        raise InputError(f"The picture {str(path)!r} must end in one of: {', '.join(FORMATS)}.")
    stamps = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}
    try:
        with house_style():
            figure.savefig(target, metadata=stamps[ending])
    except OSError as error:
        raise InputError(
            f"The picture {str(path)!r} cannot be written ({error.strerror}); choose another place."
        ) from None
