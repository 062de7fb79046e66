"""Predictions among what was measured: a line for each that has a value, and the names of the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from simdyn.plotting.style import PREDICTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simdyn.results import Prediction

_STYLES: tuple[Any, ...] = ((0, (5, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)), (0, (3, 1, 1, 1, 1, 1)), "-")


def draw_predictions(
    axes: Axes, predictions: Sequence[Prediction], line: Callable[..., object], text: str = "{:.4g}"
) -> None:
    """Draw all predictions of one answer, told apart by colour and by kind of line.

    Parameters
    ----------
    axes
        Where to draw; those without a finite value get one entry of its legend together.
    predictions
        Of a mean escape time.
    line
        Called with a value and the style of its line, label included; draws it.
    text
        How a label writes the value.
    """
    looks = cycle(zip(PREDICTED, _STYLES, strict=True))
    for prediction in predictions:
        if math.isfinite(prediction.value):
            colour, style = next(looks)
            note = "" if prediction.valid else " (outside validity)"
            label = f"{prediction.name} {text.format(prediction.value)}{note}"
            line(prediction.value, color=colour, linestyle=style, linewidth=1.1, label=label)
    without = [prediction.name for prediction in predictions if not math.isfinite(prediction.value)]
    if without:
        axes.plot([], [], linestyle="none", label=f"no value here: {', '.join(without)}")
