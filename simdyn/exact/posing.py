"""From what people ask for (landscape, dynamics, start, exit) to the law of one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics, Update
from simdyn.errors import InputError
from simdyn.exact.coordinates import Coordinate, coordinate
from simdyn.exact.errors import NoReference
from simdyn.exact.panels import Array
from simdyn.exits import parse_start

Method = Callable[..., Any]


def law_of(potential: Potential | DriftField, dynamics: Dynamics, start: Array) -> Update:
    """The Gaussian law of one step.

    Raises
    ------
    NoReference
        No such law, or no noise.
    """
    try:
        update = dynamics.law(potential, start)
    except InputError as reason:
        raise NoReference(str(reason)) from None
    if update.noise_dim == 0:
        raise NoReference("The rule has no noise, so there is no law of what it does to compute exactly.")
    return update


def typical_point(potential: Potential | DriftField, start: Any) -> Array:
    """`start`, or where paths are often: the deepest minimum, or the first attractor of a drift field."""
    if start is not None:
        return parse_start(start, potential)
    if isinstance(potential, Potential):
        return np.array(potential.deepest().x, dtype=float)
    attractors = potential.attractors()
    if not attractors:
        raise InputError(f"The drift field {potential.name!r} has no attractor in its domain; give a start.")
    return np.array(attractors[0].x, dtype=float)


def landmarks(potential: Potential | DriftField) -> Array:
    """Critical points, shape (k, d): the valleys and passes that a path may come through."""
    try:
        points = potential.critical_points() if isinstance(potential, Potential) else potential.fixed_points()
    except InputError:
        points = ()
    return np.array([point.x for point in points]).reshape(-1, potential.dim)


def too_many(update: Update) -> NoReference:
    """The refusal of an update in too many dimensions."""
    return NoReference(
        f"The landscape has {update.dim} coordinates, and this answer is exact in one or two dimensions."
    )


def in_the_plane(update: Update, of_sde: Method, of_chain: Method) -> Method | None:
    """Which of two methods answers for an update in two dimensions; None for one in a single dimension.

    Raises
    ------
    NoReference
        More dimensions.
    """
    if update.dim > 2:
        raise too_many(update)
    if update.dim == 1:
        return None
    return of_sde if update.unit == "time" else of_chain


def on_a_line(update: Update, start: Array, lower: float = -np.inf, upper: float = np.inf) -> Coordinate:
    """A one-dimensional update with its start and exits."""
    return coordinate(update, 0, float(start[0]), lower, upper)
