"""What a landscape is like: its minima, the saddles on their rims, and what Kramers needs of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import CriticalPoint, DriftField, FixedPoint, Potential
from simdyn.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Basin", "Survey", "WayOut", "survey"]


@dataclass(frozen=True)
class WayOut:
    """A saddle on the rim of a valley (or on the border of a basin).

    Attributes
    ----------
    saddle
        The point.
    barrier
        Its energy above the valley's minimum; None in a drift field.
    unstable
        The eigenvalue that leads across: the negative one of the Hessian, or the positive one of the
        Jacobian of a drift.
    prefactor
        2 pi/|lambda_1| sqrt(|det H_b|/det H_a): with white noise of temperature D the mean time from the
        minimum over this saddle alone to the far side is prefactor*exp(barrier/D) (Eyring-Kramers). None in a
        drift field.
    """

    saddle: CriticalPoint | FixedPoint
    barrier: float | None
    unstable: float
    prefactor: float | None


@dataclass(frozen=True)
class Basin:
    """A minimum (or attractor) and the ways out of it, the lowest and, of equals, the fastest first."""

    bottom: CriticalPoint | FixedPoint
    ways: tuple[WayOut, ...]


@dataclass(frozen=True)
class Survey:
    """Minima or attractors of a landscape with their ways out.

    Attributes
    ----------
    landscape
        The potential or drift field.
    basins
        The lowest minima, or the attractors, with their ways out.
    bottoms
        How many minima or attractors were found; None if they are too many to list, in which case `basins`
        holds the deepest alone.
    others
        The critical points that are neither minima nor saddles; None if they are too many to list.
    complete
        Whether no critical point can be missing (separable polynomials), or whether they are those that a
        search of the domain found.
    """

    landscape: Potential | DriftField
    basins: tuple[Basin, ...]
    bottoms: int | None
    others: tuple[CriticalPoint | FixedPoint, ...] | None
    complete: bool

    def plot(self, path: str | None = None) -> Figure:
        """The landscape with its critical points; with `path` also written there (.pdf, .svg or .png)."""
        from simdyn.plotting.landscape import landscape_figure
        from simdyn.plotting.style import saved

        return saved(landscape_figure(self.landscape), path)

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; a number that is not finite is None."""
        from simdyn.questions.survey_text import json_object

        return json_object(self)

    def __str__(self) -> str:
        from simdyn.questions.survey_text import table

        return table(self)


def survey(landscape: Potential | DriftField, *, most: int = 8) -> Survey:
    """The minima of a landscape and the saddles on their rims, with barriers and Kramers prefactors.

    Parameters
    ----------
    landscape
        A potential or a drift field.
    most
        Largest number of minima whose ways out are looked for, from the deepest up.

    Raises
    ------
    InputError
        `most` is less than 1.
    """
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"The number of minima to show, {most!r}, is not possible; give at least 1.")
    if isinstance(landscape, DriftField):
        attractors = landscape.attractors()
        basins = [
            Basin(
                bottom,
                tuple(
                    WayOut(saddle, None, float(saddle.eigenvalues[-1].real), None)
                    for saddle in landscape.saddles(around=bottom)
                ),
            )
            for bottom in attractors[:most]
        ]
        rest = [p for p in landscape.fixed_points() if not (p.is_attractor or p.is_saddle)]
        return Survey(landscape, tuple(basins), len(attractors), tuple(rest), False)
    try:
        minima: tuple[CriticalPoint, ...] = landscape.minima()
        count: int | None = len(minima)
    except InputError:  # too many to list
        minima, count = (landscape.deepest(),), None
    try:
        others = tuple(p for p in landscape.critical_points() if not (p.is_minimum or p.is_saddle))
    except InputError:
        others = None
    found = [Basin(bottom, _ways_out(landscape, bottom)) for bottom in minima[:most]]
    return Survey(landscape, tuple(found), count, others, landscape.listed_completely)


def _ways_out(potential: Potential, minimum: CriticalPoint) -> tuple[WayOut, ...]:
    ways = []
    for saddle in potential.saddles(around=minimum):
        down = float(saddle.eigenvalues[0])
        log_ratio = float(np.sum(np.log(np.abs(saddle.eigenvalues))) - np.sum(np.log(minimum.eigenvalues)))
        with np.errstate(over="ignore"):
            prefactor = 2.0 * math.pi / abs(down) * float(np.exp(0.5 * log_ratio))
        ways.append(WayOut(saddle, saddle.energy - minimum.energy, down, prefactor))

    def order(way: WayOut) -> tuple[float, float]:
        """Equal barriers stay together whatever their rounding."""
        assert way.barrier is not None
        assert way.prefactor is not None
        return float(f"{way.barrier:.9g}"), way.prefactor

    return tuple(sorted(ways, key=order))
