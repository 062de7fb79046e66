"""Stability against the learning rate, and the typical path beside the mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.errors import InputError
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simdyn.questions.stability import StabilityReport

_LOOKS = {
    "theorem1": ("Theorem 1", PREDICTED[0], "--"),
    "box": ("box", PREDICTED[3], ":"),
    "mean_square": ("mean square, exact", EXACT, "-"),
    "almost_sure": ("almost surely, exact", PREDICTED[1], "-"),
    "gd": ("gradient descent", MUTED, "-."),
}


def stability_figure(report: StabilityReport) -> Figure:
    """Left the largest stable learning rate of each criterion; right the measured course, if there is one."""
    with house_style():
        figure = new_figure(7.2 if report.measurement is not None else 4.2, 3.2)
        axes = figure.subplots(1, 2 if report.measurement is not None else 1, squeeze=False)[0]
        _thresholds(report, axes[0])
        if report.measurement is not None:
            _course(report, axes[1])
    return figure


def _thresholds(report: StabilityReport, axes: Axes) -> None:
    shown = []
    for name in report.criteria:
        try:
            shown.append((name, report.threshold(name)))
        except InputError:
            continue
    for row, (name, value) in enumerate(reversed(shown)):
        _label, colour, _ = _LOOKS[name]
        axes.barh(row, value, color=colour, alpha=0.7, height=0.6)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
        axes.text(value, row, f" {value:.4g}", va="center", fontsize=7, bbox=box)
    axes.set_yticks(range(len(shown)), [_LOOKS[name][0] for name, _ in reversed(shown)])
    axes.axvline(report.linear.learning_rate, color=MEASURED, label="learning rate")
    axes.set_xlim(0, 1.25 * max([report.linear.learning_rate, *(v for _, v in shown if np.isfinite(v))]))
    axes.set_xlabel("stable up to learning rate")
    # Above the bars, of which any may be long.
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=7)


def _course(report: StabilityReport, axes: Axes) -> None:
    growth = report.measurement
    assert growth is not None
    with np.errstate(invalid="ignore"):
        low, middle, high = np.quantile(growth.log_lengths, (0.05, 0.5, 0.95), axis=0)
    finite = np.isfinite(low)
    marks = growth.marks[finite]
    axes.fill_between(
        marks, low[finite], high[finite], color=MEASURED, alpha=0.25, linewidth=0, label="5-95 %"
    )
    axes.plot(marks, middle[finite], color=MEASURED, label="median path")
    try:
        multiplier = report.multiplier("mean_square")
    except InputError:
        multiplier = 0.0
    if multiplier > 0:
        axes.plot(
            growth.marks,
            0.5 * np.log(multiplier) * growth.marks,
            color=EXACT,
            linestyle="--",
            label="root mean square, exact growth",
        )
    axes.axhline(0.0, color=MUTED, linewidth=0.7)
    axes.set_xlabel("steps")
    axes.set_ylabel("log |x|")
    axes.legend(loc="best", fontsize=7)
