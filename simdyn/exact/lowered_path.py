"""An upper bound for the barrier between two points, where the path of least energy is out of reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.errors import InputError
from simdyn.exact.energy_path import first_path, point_of
from simdyn.exact.panels import Array
from simdyn.exact.stationary_points import Surface
from simdyn.exact.string_method import relaxed

BETWEEN = 4
"""Looks at the energy on each edge."""


@dataclass(frozen=True, kw_only=True)
class LoweredPath:
    """A path from start to end that steepest descent has taken down for a while.

    Attributes
    ----------
    barrier
        The highest energy on it above that of the start: the barrier on the path of least energy is at most
        that.
    back
        The same above the end.
    straight
        Its value on the first path.
    rounds
        Rounds of descent.
    path
        Its points, shape (n + 1, d), equally spaced; between them it is straight.
    energies
        At these, shape (n + 1,).
    """

    barrier: float
    back: float
    straight: float
    rounds: int
    path: Array = field(repr=False, compare=False)
    energies: Array = field(repr=False, compare=False)


def lowered_path(
    potential: Potential | Any,
    start: Any,
    end: Any,
    *,
    through: Any = None,
    images: int = 16,
    rounds: int = 200,
) -> LoweredPath:
    """How low a path from start to end can be made in so many rounds of the string method.

    For losses of networks and other landscapes in which `minimum_energy_path` does not come to rest: a path
    need not be at rest for its highest point to bound the barrier from above. Nor need the ends be minima;
    they stay where they are. That two minima of a network are joined without a barrier (Draxler et al. 2018;
    Garipov et al. 2018) is a statement of this kind.

    Parameters
    ----------
    potential, start, end, through
        As for `minimum_energy_path`.
    images
        Number of edges.
    rounds
        Of descent; each needs two gradients for every image.

    Raises
    ------
    InputError
        Ends that are the same, or numbers out of range.
    NoReference
        An energy that is undefined on the first path.
    """
    for name, value, least in (("images", images, 4), ("rounds", rounds, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name} is {value!r}, but it must be a whole number from {least} on.")
    surface = Surface(potential)
    origin, goal = point_of(start, potential, "start"), point_of(end, potential, "end")
    if origin.shape != goal.shape or np.array_equal(origin, goal):
        raise InputError("Start and end must be two points with a coordinate for each variable.")
    first = first_path(surface, origin, goal, through, images)
    path, _ = relaxed(surface, first, 0.0, rounds)
    tops = [_highest(surface, one) for one in (first, path)]
    if tops[1] > tops[0]:
        path, tops[1] = first, tops[0]
    energies = surface.energies(path)
    return LoweredPath(
        barrier=tops[1] - float(energies[0]),
        back=tops[1] - float(energies[-1]),
        straight=tops[0] - float(energies[0]),
        rounds=rounds,
        path=path,
        energies=energies,
    )


def _highest(surface: Surface, path: Array) -> float:
    """Highest energy on a polygon, as far as a few looks at each edge show."""
    shares = np.arange(BETWEEN) / BETWEEN
    points = (path[:-1, None] + shares[:, None] * np.diff(path, axis=0)[:, None]).reshape(-1, path.shape[1])
    energies = surface.energies(np.concatenate([points, path[-1:]]))
    return float(energies.max()) if np.all(np.isfinite(energies)) else float("inf")
