"""A walk in a valley: the loss along a step, and the distance travelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.plotting.style import MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 40
"""Paths drawn one by one."""


def walk_figure(losses: np.ndarray, travelled: np.ndarray, along: str | None) -> Figure:
    """Left the loss on the line between two iterates less that of the first: some paths, and the mean with
    its 95 % interval; right the distribution of the distance travelled.

    Parameters
    ----------
    losses
        At equally spaced points of each step, shape (n, points).
    travelled
        By each path, shape (n,).
    along
        What the distance is measured along; None for straight lines.
    """
    with house_style():
        figure = new_figure(7.2, 3.0)
        left, right = figure.subplots(1, 2)
        place = np.linspace(0.0, 1.0, losses.shape[1])
        rises = losses - losses[:, :1]
        for n, one in enumerate(rises[:_SHOWN]):
            left.plot(place, one, color=MUTED, linewidth=0.5, alpha=0.4, label=None if n else "single steps")
        mean = rises.mean(axis=0)
        half = 1.96 * rises.std(axis=0, ddof=1) / np.sqrt(len(rises)) if len(rises) > 1 else 0.0 * mean
        left.fill_between(place, mean - half, mean + half, color=MEASURED, alpha=0.3, linewidth=0)
        left.plot(place, mean, color=MEASURED, label="mean, 95 % band")
        shown = rises[:_SHOWN]
        low, high = np.quantile(shown, (0.02, 0.98))
        left.set_ylim(min(low, float(mean.min())), max(high, float(mean.max())))
        left.set_xlabel("share of the way to the next iterate")
        left.set_ylabel("loss above that of the first")
        left.legend(fontsize=7)
        root = float(np.sqrt((travelled**2).mean()))
        right.hist(travelled, bins="auto", color=MEASURED, alpha=0.7)
        for sign in (1.0,) if along is None else (-1.0, 1.0):
            right.axvline(
                sign * root,
                color=PREDICTED[0],
                linestyle="--",
                label="root mean square" if sign > 0 else None,
            )
        right.set_xlabel("distance from the start" if along is None else f"travelled along {along}")
        right.set_ylabel("paths")
        right.legend(fontsize=7)
    return figure
