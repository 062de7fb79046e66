"""The most likely way from one point to another when noise is weak, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics, Update
from simdyn.errors import InputError
from simdyn.exact.discrete_action import DiscreteAction, cheapest_on_a_grid
from simdyn.exact.errors import NoReference
from simdyn.exact.geometric_action import GeometricAction
from simdyn.exact.panels import Array
from simdyn.exact.posing import law_of
from simdyn.exits import parse_start
from simdyn.results import Reference

GEOMETRIC = "geometric minimum action method, Newton relaxation of a polygon, extrapolated in its spacing"
DISCRETE = "least action over sequences of steps, Newton relaxation"
LEVELS = 5
REGULAR = 0.2
BEYOND = 2.0
FIRST_STEPS = 64


@dataclass(frozen=True, kw_only=True)
class MinimumAction(Reference):
    """A least action and the path that has it.

    Attributes
    ----------
    path
        Points from start to end, shape (n + 1, d): equally spaced along the curve for SDEs, one for each step
        for discrete rules.
    """

    path: Array = field(repr=False, compare=False)


def minimum_action(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, end: Any
) -> MinimumAction:
    """Exponent of the mean time that the dynamics takes from `start` to `end` when noise is weak.

    The mean time grows like exp(value / c) when all noise covariances are multiplied by a small c. For an
    SDE, value = min 1/4 int |x' - b|^2 dt in the metric of D^-1, over all paths and durations: the barrier
    over D for a gradient system with a number D; with diffusion=1/2 the Freidlin-Wentzell action
    min 1/2 int |x' - b|^2 dt, twice the barrier. For a discrete rule, value = min over sequences of points of
    the sum of 1/2 |x_(k+1) - mean(x_k)|^2 in the metric of the inverse covariance of a step; unlike that of
    the SDE it does not scale with the learning rate.

    Parameters
    ----------
    potential, dynamics
        What is descended, and how.
    start, end
        Points: coordinates, "x=-1", a critical point, or for the start "deepest".

    Returns
    -------
    MinimumAction
        A pure number with its error and the path. In one dimension the minimum is global for SDEs, and for
        discrete rules as far as a fine grid shows; in more dimensions it is the least of the local minima
        that straight and bent first paths lead to.

    Raises
    ------
    InputError
        Start and end that are the same.
    NoReference
        No noise, noise that vanishes in a direction that is needed, or dynamics without a Gaussian law.
    """
    origin, goal = parse_start(start, potential), parse_start(end, potential)
    if np.array_equal(origin, goal):
        raise InputError(f"Start and end are the same point {origin.tolist()}; there is nothing to climb.")
    update = law_of(potential, dynamics, origin)
    if update.unit == "steps":
        value, error, path = _discrete(update, origin, goal)
        method = DISCRETE
    else:
        value, error, path = _geometric(update, origin, goal)
        method = GEOMETRIC
    if not np.isfinite(value):
        raise NoReference(
            "Every path meets a point where the noise vanishes in a direction that it needs, so that its "
            "action is infinite; give the noise a floor."
        )
    return MinimumAction(value=value, error=error, unit="1", method=method, path=path)


def _covariance(update: Update, x: Array) -> Array:
    factor = update.factor_at(x)
    return factor @ np.swapaxes(factor, -1, -2)


def _geometric(update: Update, start: Array, end: Array) -> tuple[float, float, Array]:
    action = _continuous(update)
    if update.dim == 1:
        return _on_a_line(action, start, end)
    with np.errstate(all="ignore"):
        levels, path = action.minimum(start, end, LEVELS)
    value, error = _limit(levels)
    return max(value, 0.0), error + 1e-10 * levels[-1], path


def _limit(levels: list[float]) -> tuple[float, float]:
    """Limit of actions whose spacing halves from one to the next, and a bound for its error."""
    changes = np.diff(levels)
    once = np.array(levels[1:]) + changes / 3
    twice = once[1:] + np.diff(once) / 15
    if np.abs(changes[1:] * 4 - changes[:-1])[-2:].max() < REGULAR * np.abs(changes[-2]):
        return float(twice[-1]), 4 * float(abs(twice[-1] - once[-1]) + abs(twice[-1] - twice[-2]))
    # No series in the square of the spacing, as where the curve winds around a fixed point.
    return levels[-1], 2 * float(np.abs(changes[-1]))


def _continuous(update: Update) -> GeometricAction:
    def drift(x: Array) -> Array:
        return update.drift_at(x) / update.step

    return GeometricAction(drift, lambda x: _covariance(update, x) / (2 * update.step))


def _on_a_line(action: GeometricAction, start: Array, end: Array) -> tuple[float, float, Array]:
    """The integral of what the drift resists over D: nothing to relax, and kinks where the drift turns."""
    from scipy.integrate import quad
    from scipy.optimize import brentq

    a, b = float(start[0]), float(end[0])
    sign = 1.0 if b > a else -1.0

    def resistance(x: float) -> float:
        point = np.array([[x]])
        noise = float(action.diffusion(point)[0, 0, 0])
        return max(0.0, -sign * float(action.drift(point)[0, 0])) / noise if noise > 0 else np.inf

    path = np.linspace(a, b, 257)[:, None]
    drift = action.drift(path)[:, 0]
    noise = action.diffusion(path)[:, 0, 0]
    # To the digit: a sliver of a rise at the end of a piece would fall between the points of the rule.
    turns = [
        brentq(lambda x: float(action.drift(np.array([[x]]))[0, 0]), path[i, 0], path[i + 1, 0], xtol=1e-15)
        for i in np.flatnonzero(drift[:-1] * drift[1:] < 0)
    ]
    dips = path[1:-1][(noise[1:-1] < noise[:-2]) & (noise[1:-1] <= noise[2:]), 0]
    stops = np.unique(np.concatenate([turns, dips]))
    edges = np.concatenate([[a], stops[:: int(sign)], [b]])
    total, error = 0.0, 0.0
    with np.errstate(all="ignore"):
        for left, right in pairwise(edges):
            part, doubt = quad(resistance, left, right, epsabs=0, epsrel=1e-11, limit=400)
            total, error = total + abs(part), error + doubt
    if not error < 1e-4 * total + 1e-300 and total > 0:
        total = np.inf
    return total, error, path


def _discrete(update: Update, start: Array, end: Array) -> tuple[float, float, Array]:
    action = DiscreteAction(
        lambda x: x + update.drift_at(x),
        lambda x: _covariance(update, x),
    )
    if update.dim == 1:
        a, b = float(start[0]), float(end[0])
        reach = BEYOND * abs(b - a)
        guesses = [cheapest_on_a_grid(action, a, b, min(a, b) - reach, max(a, b) + reach)]
    else:
        guesses = _paced(update, start, end)
    found = [action.minimum(guess) for guess in guesses]
    value, change, path = min(found, key=lambda one: one[0])
    return value, change + 1e-9 * value, path


def _paced(update: Update, start: Array, end: Array) -> list[Array]:
    """First paths in several dimensions: a straight one, and the curve of the SDE at its own pace."""
    straight = start + np.linspace(0.0, 1.0, FIRST_STEPS + 1)[:, None] * (end - start)
    action = _continuous(update)
    try:
        _, curve = action.minimum(start, end, 3)
    except (np.linalg.LinAlgError, ValueError):
        return [straight]
    steps = action.durations(curve) / update.step
    # Rests at fixed points are added later; what matters here is the way between them.
    steps = np.minimum(np.nan_to_num(steps, nan=1.0, posinf=1e3), 1e3)
    clock = np.concatenate([[0.0], np.cumsum(steps)])
    count = int(np.clip(np.ceil(clock[-1]), 8, 4096))
    at = np.linspace(0.0, clock[-1], count + 1)
    paced = np.stack([np.interp(at, clock, column) for column in curve.T], axis=1)
    return [straight, paced]
