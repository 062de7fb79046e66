"""A flow out of a valley as it becomes stationary."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from simdyn.plotting.predictions import draw_predictions
from simdyn.plotting.style import EXACT, MEASURED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simdyn.estimators import FluxMeasurement
    from simdyn.questions import EscapeEstimate

BINS = 40


def flux_figure(answer: EscapeEstimate, axes: Axes | None = None) -> Figure:
    """Exits per path and unit of time as time goes on, with the rates of all answers; the second half counts.

    Error bars are Poisson's, one standard deviation.
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
    measurement = cast("FluxMeasurement", answer.measurement)
    scale = measurement.step if answer.unit == "time" else 1.0
    edges = np.linspace(0, measurement.steps, min(BINS, measurement.steps) + 1)
    counts, _ = np.histogram(measurement.exits, edges)
    exposure = measurement.population * np.diff(edges) * scale
    middle = 0.5 * (edges[1:] + edges[:-1]) * scale
    axes.axvspan(0, measurement.settled * scale, color="0.5", alpha=0.12, linewidth=0, label="left out")
    axes.errorbar(
        middle,
        counts / exposure,
        np.sqrt(counts) / exposure,
        fmt="o",
        color=MEASURED,
        label="flux / population",
    )
    axes.axhline(1 / answer.value, color=MEASURED, linestyle="--", label=f"1 / {answer.value:.4g}")
    axes.axhspan(1 / answer.high, 1 / answer.low, color=MEASURED, alpha=0.2, linewidth=0)
    if answer.reference is not None:
        exact = answer.reference.value
        axes.axhline(1 / exact, color=EXACT, linestyle=":", label=f"exact 1 / {exact:.5g}")
    draw_predictions(
        axes, answer.predictions, lambda mean, **style: axes.axhline(1 / mean, **style), "1 / {:.4g}"
    )
    axes.set_ylim(bottom=0)
    unit = "steps" if answer.unit == "steps" else "time (learning rate × steps)"
    axes.set_xlabel(unit)
    axes.set_ylabel("escapes per path and " + ("step" if answer.unit == "steps" else "unit of time"))
    axes.set_title(f"Escape from {answer.problem['potential']['name']}: {answer.problem['exit']}", fontsize=9)
    axes.legend(loc="best", fontsize=7)
