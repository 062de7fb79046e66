"""The independent runs of a splitting measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from simdyn.plotting.predictions import draw_predictions
from simdyn.plotting.style import EXACT, MEASURED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simdyn.estimators import SplittingMeasurement
    from simdyn.questions import EscapeEstimate


def splitting_figure(answer: EscapeEstimate, axes: Axes | None = None) -> Figure:
    """The mean escape time according to each run, in order of size, with the mean and its interval.

    Runs of a good score scatter evenly about the mean; where one run lies far below the others, the score
    hides a way out.
    """
    with house_style():
        if axes is None:
            figure = new_figure()
            axes = figure.add_subplot()
        else:
            figure = axes.figure  # type: ignore[assignment]
        _draw(answer, axes)
    return figure


def _draw(answer: EscapeEstimate, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    times = np.sort(cast("SplittingMeasurement", answer.measurement).times)
    shown = times[np.isfinite(times)]
    rank = np.arange(1, len(shown) + 1)
    axes.axhspan(answer.low, answer.high, color=MEASURED, alpha=0.2, linewidth=0, label="95 % interval")
    axes.axhline(answer.value, color=MEASURED, linestyle="--", label=f"all runs together {answer.value:.4g}")
    axes.plot(rank, shown, "o", color=MEASURED, label=f"each of {len(times)} runs alone")
    if answer.reference is not None:
        exact = answer.reference.value
        axes.axhline(exact, color=EXACT, linestyle=":", label=f"exact {exact:.5g}")
    draw_predictions(axes, answer.predictions, axes.axhline)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("run, in order of its answer")
    unit = "steps" if answer.unit == "steps" else "time (learning rate × steps)"
    axes.set_ylabel(f"mean escape time in {unit}")
    axes.set_title(f"Escape from {answer.problem['potential']['name']}: {answer.problem['exit']}", fontsize=9)
    axes.legend(loc="best", fontsize=7)
