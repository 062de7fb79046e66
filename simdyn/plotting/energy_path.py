"""A path of least energy: on the landscape where that can be drawn, and its energy along the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from potentials import Potential
from simdyn.plotting.landscape import landscape_figure
from simdyn.plotting.style import EXACT, MEASURED, MUTED, PREDICTED, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simdyn.exact import MinimumEnergyPath


def energy_path_figure(potential: Potential, found: MinimumEnergyPath) -> Figure:
    """Energy along the path and along the straight line, with minima and saddles marked.

    In two dimensions a second panel shows both on the contours of the landscape.
    """
    start, end = found.minima[0].x, found.minima[-1].x
    line = start + np.linspace(0.0, 1.0, 201)[:, None] * (end - start)
    with house_style():
        figure = new_figure(7.2 if potential.dim == 2 else 4.6, 3.4)
        panels = figure.subplots(1, 2 if potential.dim == 2 else 1, squeeze=False)[0]
        axes = panels[-1]
        if potential.dim == 2:
            landscape_figure(potential, panels[0])
            panels[0].plot(*line.T, "--", color=EXACT, linewidth=1)
            panels[0].plot(*found.path.T, color=MEASURED, linewidth=2)
        bottom = found.minima[0].energy
        places = _lengths(found.path)
        if potential.dim > 1:
            # On a line the path is the line.
            straight = potential.energy(line) - bottom
            axes.plot(_lengths(line), straight, "--", color=EXACT, linewidth=1, label="straight line")
        axes.plot(places, found.energies - bottom, color=MEASURED, label="path of least energy")
        for kind, stops, mark, color in (
            ("minimum", found.minima, "o", "white"),
            ("saddle", found.saddles, "X", PREDICTED[0]),
        ):
            at = [places[np.argmin(np.linalg.norm(found.path - stop.x, axis=1))] for stop in stops]
            heights = [stop.energy - bottom for stop in stops]
            axes.plot(
                at, heights, mark, color=color, markeredgecolor=EXACT, linestyle="none", label=kind, zorder=4
            )
        axes.axhline(found.value, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_xlabel("length along the path")
        axes.set_ylabel("energy above the start")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
        return figure


def _lengths(path: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
