"""Paths of least energy between wells, and which well survives smoothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from potentials import (
    CriticalPoint,
    EffectiveEnergy,
    Potential,
    WellGraph,
    lookup,
    sharp_and_flat,
    smoothed,
    tilted_well,
)
from studies.landscape.model_settings import ModelSettings

DEEP_BY = 0.1
"""How much lower the sharp well is than the flat one."""

SHARP, FLAT = 20.0, 2.0

PLACES: dict[str, Callable[[], Potential]] = {
    "deep well": lambda: tilted_well(tilt=0.1),
    "deep sharp well": lambda: sharp_and_flat(sharp=SHARP, flat=FLAT, depth=DEEP_BY),
}
"""Landscapes of two wells: alike in width, or the deeper one the sharper."""


def _muller_brown() -> Potential:
    found = lookup("muller_brown")
    assert isinstance(found, Potential)
    return found


PLANAR: dict[str, tuple[Callable[[], Potential], float]] = {
    "muller_brown": (_muller_brown, 0.5),
    "four wells": (lambda: Potential("(x**2 + y - 11)**2 + (x + y**2 - 7)**2"), 2.5),
}
"""Landscapes of two coordinates, and the largest width; the second is Himmelblau's."""

BETAS = {"cold bath": 20.0, "warm bath": 5.0}
METHODS = ("diffusion", *BETAS)
"""Averages of the energy, and of exp(-beta energy)."""

WIDE = 50
"""Coordinates of the double well."""


def string(settings: ModelSettings, landscape: str) -> dict[str, float]:
    """The path of least energy between two minima, beside what a search for saddles finds."""
    from simdyn import exact

    potential, start, end, known = _ends(landscape)
    found = exact.minimum_energy_path(potential, start, end)
    line = start + np.linspace(0.0, 1.0, 2001)[:, None] * (end - start)
    energies = potential.energy(line)
    length = float(np.linalg.norm(np.diff(found.path, axis=0), axis=1).sum())
    return {
        "barrier": found.value,
        "error": found.error,
        "known": known,
        "straight": float(energies.max() - energies[0]),
        "saddles": len(found.saddles),
        "longer": length / float(np.linalg.norm(end - start)),
    }


def _ends(name: str) -> tuple[Potential, np.ndarray, np.ndarray, float]:
    """A landscape, two of its minima, and the barrier between them by its saddles."""
    potential = lookup(name, dim=WIDE) if name == "double_well" else lookup(name)
    assert isinstance(potential, Potential)
    if name == "double_well":
        start, end = -np.ones(WIDE), -np.ones(WIDE)
        end[0] = 1.0
        return potential, start, end, potential.saddles(start)[0].energy - float(potential.energy(start))
    graph = potential.well_graph()
    ends = np.argsort([point.x[0] for point in graph.minima])[[0, -1]]
    first, last = (graph.minima[i] for i in ends)
    return potential, np.array(first.x), np.array(last.x), _lowest_way(graph, *ends) - first.energy


def _lowest_way(graph: WellGraph, start: int, end: int) -> float:
    """The least height to which one has to climb from one well to another."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(graph.minima)
    within = [way for way in graph.passes if way.wells[1] is not None]
    for number, way in enumerate(within, 1):
        pairs = np.array([one.wells for one in within[:number]])
        joined = coo_array((np.ones(number), pairs.T), shape=(count, count))
        wells = connected_components(joined, directed=False)[1]
        if wells[start] == wells[end]:
            return way.saddle.energy
    raise ValueError(f"wells {start} and {end} are not joined")


def survived(settings: ModelSettings, landscape: str, method: str, width: float) -> dict[str, float]:
    """The lowest minimum after smoothing, and where it is followed back to as the width goes to zero."""
    widths = [w for w in sorted(settings.smoothing_widths, reverse=True) if w <= width]
    minima = _minima(landscape, method, widths[0])
    lowest = place = float(minima[0].x[0])
    for w in widths[1:]:
        place = _followed(place, _minima(landscape, method, w))
    potential = PLACES[landscape]()
    place = _followed(place, potential.minima())
    return {
        "minima": len(minima),
        "lowest": lowest,
        "followed": place,
        "right": float(abs(place - potential.deepest().x[0]) < 1e-6),
    }


def counted(landscape: str, share: float) -> dict[str, float]:
    """Minima of the mean energy, with a share of the largest width; with two coordinates there may be more
    of them than without smoothing."""
    build, largest = PLANAR[landscape]
    found = smoothed(build(), share * largest) if share else build()
    return {"minima": len(found.minima())}


@cache
def _minima(landscape: str, method: str, width: float) -> tuple[CriticalPoint, ...]:
    """Lowest first."""
    if method == "diffusion":
        return _diffused(landscape).with_parameters(width=width).minima()
    beta = BETAS[method]
    return EffectiveEnergy(PLACES[landscape](), 1 / (beta * width**2), beta).minima()


@cache
def _diffused(landscape: str) -> Potential:
    return smoothed(PLACES[landscape](), 0.0)


def _followed(place: float, minima: Sequence[CriticalPoint]) -> float:
    """The minimum nearest to where it was."""
    return min((float(point.x[0]) for point in minima), key=lambda x: abs(x - place))
