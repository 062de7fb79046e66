"""The survival curve of an escape measurement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from simdyn.inference import kaplan_meier
from simdyn.plotting.predictions import draw_predictions
from simdyn.plotting.style import EXACT, MEASURED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simdyn.estimators import DirectMeasurement
    from simdyn.questions import EscapeEstimate

_CURVE_POINTS = 400


def survival_figure(answer: EscapeEstimate, axes: Axes | None = None) -> Figure:
    """Share of paths still inside against time, on a log axis.

    Shown are the Kaplan-Meier curve with its pointwise 95 % band, the exponential fitted beyond the burn-in,
    and the laws of the same form with the exact and with the predicted means.
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
    measurement = cast("DirectMeasurement", answer.measurement)
    curve = kaplan_meier(measurement.ages, measurement.counts.exited, measurement.counts.paths)
    events = max(1, answer.events)
    # The last handful of events says nothing but noise on a log axis.
    floor = max(0.5 / events, float(curve.survival[curve.survival > 0].min(initial=1.0)) * 0.7)
    shown = np.unique(np.linspace(0, len(curve.times) - 1, _CURVE_POINTS * 4).astype(int))
    shown = shown[curve.survival[shown] >= floor]
    times = np.concatenate([[0.0], curve.times[shown]])
    survival = np.concatenate([[1.0], curve.survival[shown]])
    low = np.concatenate([[1.0], np.maximum(curve.low[shown], floor)])
    high = np.concatenate([[1.0], curve.high[shown]])
    axes.fill_between(
        times, low, high, step="post", color=MEASURED, alpha=0.25, linewidth=0, label="95 % band"
    )
    axes.step(times, survival, where="post", color=MEASURED, label=f"measured, {answer.events:,} escapes")
    end = float(times[-1]) if times[-1] > 0 else 1.0
    grid = np.linspace(0.0, end, _CURVE_POINTS)
    fit = measurement.fit
    later = grid[grid >= fit.burn_in]

    def law(mean: float) -> np.ndarray:
        """Exponential beyond the burn-in, with the measured part before it and this mean of the whole."""
        early = fit.estimate.value - fit.survivors * fit.residual_mean
        rest = (mean - early) / fit.survivors
        return np.asarray(fit.survivors * np.exp(-(later - fit.burn_in) / rest))

    if math.isfinite(fit.residual_mean):
        label = f"exponential fit, mean {answer.value:.4g} ({answer.low:.4g} to {answer.high:.4g})"
        axes.plot(later, law(answer.value), color=MEASURED, linestyle="--", label=label)
        if answer.reference is not None:
            exact = answer.reference.value
            axes.plot(later, law(exact), color=EXACT, linestyle=":", label=f"exact mean {exact:.5g}")
        draw_predictions(axes, answer.predictions, lambda mean, **style: axes.plot(later, law(mean), **style))
    axes.set_yscale("log")
    axes.set_ylim(floor * 0.8, 1.3)
    axes.set_xlim(0.0, end)
    axes.set_xlabel("steps" if answer.unit == "steps" else "time (learning rate × steps)")
    axes.set_ylabel("share of paths still inside")
    axes.set_title(f"Escape from {answer.problem['potential']['name']}: {answer.problem['exit']}", fontsize=9)
    axes.legend(loc="lower left", fontsize=7)
