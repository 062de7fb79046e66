"""The way of least energy between two minima: which saddles it crosses, and how high they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.errors import InputError
from simdyn.exact.errors import NoReference
from simdyn.exact.geometric_action import resampled
from simdyn.exact.panels import Array
from simdyn.exact.stationary_points import StationaryPoint, Surface, climbed, minimum_near
from simdyn.exact.string_method import largest_curvature, relaxed
from simdyn.exits import parse_start
from simdyn.results import Reference

METHOD = "string method; climb and Newton's method at each saddle"
AT_END = 0.02
"""How far a given end may be from its minimum, in units of the distance between the ends."""
FEWEST = 8
"""Edges of the shortest piece between a minimum and a saddle."""
TOLERANCE = 1e-3
LOOSEST = 0.05
"""Residual of a string that still counts as relaxed, where kinks or rounding keep it from rest."""
TURNS = 6
BEND = 0.1


@dataclass(frozen=True, kw_only=True)
class MinimumEnergyPath(Reference):
    """A path of least energy; its value is the barrier from the start, the highest saddle above it.

    Attributes
    ----------
    path
        Points from start to end, shape (n + 1, d), equally spaced between one stop and the next.
    energies
        Along the path, shape (n + 1,).
    stops
        Minima and saddles by turns, as the path meets them, the start and the end among them.
    residual
        How far the string was from rest when it was left: the motion of its points in a step, in units of
        the largest move before they were spaced equally.
    """

    path: Array = field(repr=False, compare=False)
    energies: Array = field(repr=False, compare=False)
    stops: tuple[StationaryPoint, ...] = field(repr=False, compare=False)
    residual: float

    @property
    def minima(self) -> tuple[StationaryPoint, ...]:
        """From the start to the end, both included."""
        return self.stops[::2]

    @property
    def saddles(self) -> tuple[StationaryPoint, ...]:
        """In the order in which the path crosses them."""
        return self.stops[1::2]

    @property
    def highest(self) -> StationaryPoint:
        """The saddle that makes the barrier."""
        return max(self.saddles, key=lambda saddle: saddle.energy)

    @property
    def back(self) -> Reference:
        """The barrier from the end."""
        top, end = self.highest, self.stops[-1]
        return Reference(
            value=top.energy - end.energy, error=top.error + end.error, unit="energy", method=self.method
        )


def minimum_energy_path(
    potential: Potential | Any,
    start: Any,
    end: Any,
    *,
    through: Any = None,
    images: int = 32,
    most: int = 20_000,
) -> MinimumEnergyPath:
    """The path of least energy between two minima, with its saddles and its barrier.

    Along it the gradient is tangent to the path, so that it is what steepest descent from its saddles
    follows. A string of points is taken down by steepest descent and kept equally spaced (E, Ren &
    Vanden-Eijnden 2007); its tops climb along the string and are brought to machine precision by Newton's
    method, the minima between them likewise. What is found depends on the first path: it is one way, not
    always the lowest.

    Which of its neighbours to take: `Potential.valley` and `Potential.well_graph` look for all saddles
    around a minimum, in up to 8 dimensions in the whole domain and in some more by climbs. `minimum_action`
    gives the exponent of escape times, and differs from the barrier where noise is not isotropic or the
    drift is no gradient; for a gradient and a number D its value is this barrier over D, with fewer digits.
    This function needs two minima that have a barrier between them, and goes to thousands of dimensions. In
    the losses of networks, where a string seldom comes to rest, `lowered_path` bounds the barrier.

    Parameters
    ----------
    potential
        A `Potential`, or anything with the methods energy(x) and gradient(x) at one point of shape (d,), such
        as `simdyn.networks.LossSurface`; `hessian` and `hessian_product` are used where they exist.
    start, end
        Minima, as points (in a `Potential` also "x=-1" or a critical point); each is brought to the bottom
        of its valley if that is next to it.
    through
        Points for a first path to come through, shape (k, d); by default it is straight.
    images
        Number of edges of the string.
    most
        Rounds of descent at most; each needs one gradient for every image.

    Returns
    -------
    MinimumEnergyPath
        The barrier from the start in units of the energy, with a bound for its numerical error.

    Raises
    ------
    InputError
        Ends that are no minima, or the same.
    NoReference
        A string that does not come to rest, or a top that is no saddle, as where the energy has kinks or
        level stretches, or is undefined on the way.
    """
    if images < 2 * FEWEST:
        raise InputError(f"images is {images}, but the string needs at least {2 * FEWEST} edges.")
    surface = Surface(potential)
    origin, goal = point_of(start, potential, "start"), point_of(end, potential, "end")
    if origin.shape != goal.shape:
        raise InputError(
            f"The start has {origin.size} coordinates and the end {goal.size}; give one for each variable."
        )
    apart = float(np.linalg.norm(goal - origin))
    if apart == 0.0:
        raise InputError("Start and end are the same point; there is no way to go.")
    stops = [
        _end_point(surface, origin, apart, "start"),
        _end_point(surface, goal, apart, "end"),
    ]
    if np.linalg.norm(stops[1].x - stops[0].x) <= AT_END * apart:
        raise InputError("Start and end lie at the bottom of the same valley; there is no barrier between.")
    path = first_path(surface, stops[0].x, stops[1].x, through, images)
    path, residual = _at_rest(surface, path, most)
    for turn in range(TURNS):
        found = _stops_on(surface, path, stops)
        bent = [top for top in found[1::2] if top.index > 1]
        if bent:
            path, residual = _at_rest(surface, _bent(surface, path, bent[0], turn), most)
            continue
        pieces = []
        residual = 0.0
        for one, other in pairwise(found):
            piece, left = _at_rest(surface, _piece(path, one.x, other.x, images), most)
            residual = max(residual, left)
            pieces.append(piece)
        path = np.concatenate([pieces[0][:1], *(piece[1:] for piece in pieces)])
        if all(_monotone(surface.energies(piece)) for piece in pieces):
            return _answer(surface, path, found, residual)
    raise NoReference(
        f"The string met other tops and dips in each of {TURNS} turns; give more images, or points for a "
        "first path to come through."
    )


def _answer(
    surface: Surface, path: Array, stops: list[StationaryPoint], residual: float
) -> MinimumEnergyPath:
    top = max(stops[1::2], key=lambda saddle: saddle.energy)
    return MinimumEnergyPath(
        value=top.energy - stops[0].energy,
        error=top.error + stops[0].error,
        unit="energy",
        method=METHOD,
        path=path,
        energies=surface.energies(path),
        stops=tuple(stops),
        residual=residual,
    )


def point_of(given: Any, potential: Any, name: str) -> Array:
    """A point as a vector.

    Raises
    ------
    InputError
        What is none.
    """
    if isinstance(potential, Potential):
        try:
            return parse_start(given, potential)
        except InputError as reason:
            raise InputError(str(reason).replace("The start", f"The {name}", 1)) from None
    point = np.array(getattr(given, "x", given), dtype=float)
    if point.ndim != 1 or not np.all(np.isfinite(point)):
        raise InputError(f"The {name} must be a vector of finite numbers, one for each variable.")
    return point


def _end_point(surface: Surface, x: Array, apart: float, name: str) -> StationaryPoint:
    if not np.isfinite(surface.energy(x)):
        raise InputError(f"The energy at the {name} is not a finite number; give a minimum.")
    point = minimum_near(surface, x, AT_END * apart)
    if point is None:
        raise InputError(
            f"The {name} {np.array2string(x, precision=6, threshold=8)} is no minimum, and none lies next to "
            "it; give a point from which there is no way down."
        )
    return point


def first_path(surface: Surface, start: Array, end: Array, through: Any, images: int) -> Array:
    """Equally spaced points on straight lines from start to end, by way of some others.

    Raises
    ------
    NoReference
        An energy that is undefined there.
    """
    points = np.stack([start, end])
    if through is not None:
        between = np.asarray(through, dtype=float).reshape(-1, start.size)
        points = np.concatenate([start[None], between, end[None]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    even = np.linspace(0.0, length[-1], images + 1)
    path = np.stack([np.interp(even, length, column) for column in points.T], axis=1)
    if not np.all(np.isfinite(surface.energies(path))):
        raise NoReference(
            "The energy is not a finite number on the first path; give points for it to come through."
        )
    return path


def _at_rest(surface: Surface, path: Array, most: int) -> tuple[Array, float]:
    path, residual = relaxed(surface, path, TOLERANCE, most)
    if not residual <= LOOSEST:
        raise NoReference(
            f"The string has not come to rest after {most} rounds (residual {residual:.2g}); allow more, or "
            "give points for a first path to come through."
        )
    return path, residual


def _monotone(energies: Array) -> bool:
    """Whether energies rise or fall all along, up to rounding and the tangents of a polygon."""
    steps = np.diff(energies)
    span = float(np.ptp(energies))
    slack = 1e-6 * span + 1e-13 * float(np.abs(energies).max())
    return bool(np.all(steps >= -slack) or np.all(steps <= slack))


def _turning_points(energies: Array) -> list[int]:
    """Places of maxima and minima by turns, the first a maximum, small wiggles left out."""
    slack = 1e-6 * float(np.ptp(energies)) + 1e-13 * float(np.abs(energies).max())
    places: list[int] = []
    best, rising = 0, True
    for i, value in enumerate(energies):
        better = value > energies[best] if rising else value < energies[best]
        if better:
            best = i
        elif abs(value - energies[best]) > slack and best > 0:
            places.append(best)
            best, rising = i, not rising
    return places


def _stops_on(surface: Surface, path: Array, ends: list[StationaryPoint]) -> list[StationaryPoint]:
    """Minima and saddles along a string, by turns, each polished and each once."""
    energies = surface.energies(path)
    places = [place for place in _turning_points(energies) if 0 < place < len(path) - 1]
    # What ends in a fall begins with a rise: an even number of turns would end on the way up.
    places = places[: len(places) - (len(places) + 1) % 2]
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    spacing, reach = length / (len(path) - 1), 0.2 * length
    if not places:
        raise NoReference(
            "The string has no top between its ends; one of them is no minimum on any visible scale."
        )
    stops = [ends[0]]
    for number, place in enumerate(places):
        if number % 2:
            found = minimum_near(surface, path[place], reach)
        else:
            tangent = path[place + 1] - path[place - 1]
            tangent /= np.linalg.norm(tangent)
            step = _climbing_step(surface, path[place])
            found = climbed(surface, path[place], tangent, step, max(4 * spacing, 0.5 * reach))
        if found is None or (number % 2 == 0 and found.index == 0):
            kind = "dip" if number % 2 else "top"
            raise NoReference(
                f"A {kind} of the string is next to no {'minimum' if number % 2 else 'saddle'}; the energy "
                "may have a kink or a level stretch there, or the string needs more images."
            )
        stops.append(found)
    return _without_repeats([*stops, ends[1]], 1e-5 * length)


def _climbing_step(surface: Surface, x: Array) -> float:
    first = np.random.default_rng(0).standard_normal((1, x.size))
    return 0.5 / max(largest_curvature(surface, x[None], first, 12)[0], 1e-300)


def _without_repeats(stops: list[StationaryPoint], near: float) -> list[StationaryPoint]:
    """Stops without those between two meetings of the same point."""
    i = 0
    while i + 2 < len(stops):
        if np.linalg.norm(stops[i + 2].x - stops[i].x) <= near:
            del stops[i + 1 : i + 3]
            i = max(0, i - 2)
        else:
            i += 1
    return stops


def _piece(path: Array, start: Array, end: Array, images: int) -> Array:
    """The part of a string between the points next to two stops, from one stop to the other."""
    first = int(np.argmin(np.linalg.norm(path - start, axis=1)))
    last = int(np.argmin(np.linalg.norm(path - end, axis=1)))
    inner = path[first + 1 : last]
    points = np.concatenate([start[None], inner, end[None]])
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    whole = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    count = max(FEWEST, round(images * length / whole))
    if len(points) == 2:
        points = np.linspace(start, end, count + 1)
    return resampled(points, count)


def _bent(surface: Surface, path: Array, top: StationaryPoint, turn: int) -> Array:
    """The string pushed off a hilltop, along the second of the ways down from there."""
    _, modes = surface.lowest_modes(top.x)
    tangent = path[-1] - path[0]
    # The way down that is least along the string; to the other side at every second turn.
    ways = modes[:, : top.index].T
    way = ways[np.argmin(np.abs(ways @ tangent))]
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    bulge = np.sin(np.pi * np.linspace(0.0, 1.0, len(path)))[:, None]
    return path + (-1.0) ** turn * BEND * length * bulge * way
