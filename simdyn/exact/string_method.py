"""The string method: a curve that steepest descent takes down to a path of least energy."""

from __future__ import annotations

import numpy as np

from simdyn.exact.geometric_action import resampled
from simdyn.exact.panels import Array
from simdyn.exact.stationary_points import Surface

_LOOK = 25
"""Rounds between two looks at the largest curvature."""
_STEP = 0.9
"""Step of the descent, in units of the inverse of the largest curvature."""
_SHORT = 0.4
"""Longest move of a point, in units of the spacing."""


def largest_curvature(surface: Surface, points: Array, directions: Array, rounds: int) -> tuple[float, Array]:
    """Largest absolute eigenvalue of the Hessian at any of the points, by the power method, about.

    Parameters
    ----------
    points, directions
        Shape (n, d); a first guess of the mode at each point.
    rounds
        Of the power method.
    """
    shift = 1e-5 * max(1e-3, float(np.abs(points).max()))
    sizes = np.zeros(len(points))
    for _ in range(rounds):
        directions = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-300)
        directions = (
            surface.gradients(points + shift * directions) - surface.gradients(points - shift * directions)
        ) / (2 * shift)
        sizes = np.linalg.norm(directions, axis=1)
    return float(sizes.max(initial=0.0)), directions


def relaxed(surface: Surface, path: Array, tolerance: float, most: int) -> tuple[Array, float]:
    """A string between two fixed points, relaxed by steepest descent with equal spacing (E, Ren &
    Vanden-Eijnden 2007).

    Parameters
    ----------
    path
        Shape (n + 1, d).
    tolerance
        The string rests when its points move in a step, after they are spaced equally, by less than this
        share of the largest move before.
    most
        Rounds after which it is left as it is.

    Returns
    -------
    path, residual
        The string, and the share at which it was left: NaN where the energy is undefined.
    """
    count = len(path) - 1
    if path.shape[1] == 1:
        # On a line there is nothing across it.
        return path, 0.0
    directions = np.random.default_rng(0).standard_normal(path.shape)
    step, residual = 0.0, np.inf
    for k in range(most):
        if k % _LOOK == 0:
            curvature, directions = largest_curvature(surface, path, directions, 12 if k == 0 else 2)
            step = _STEP / max(curvature, 1e-300)
        spacing = float(np.linalg.norm(path[1] - path[0]))
        # By the midpoint rule: where a point goes along the string, it stays on it but for the third power.
        half = 0.5 * _move(surface, path[1:-1], step, _SHORT * spacing)
        moves = _move(surface, path[1:-1] + half, step, _SHORT * spacing)
        if not np.all(np.isfinite(moves)):
            return path, np.nan
        moved = path.copy()
        moved[1:-1] += moves
        moved = resampled(moved, count)
        most_moved = float(np.linalg.norm(moved - path, axis=1).max())
        residual = most_moved / max(float(np.linalg.norm(moves, axis=1).max()), 1e-300)
        path = moved
        if residual <= tolerance:
            break
    return path, residual


def _move(surface: Surface, points: Array, step: float, longest: float) -> Array:
    """A step of steepest descent, cut short where a point would pass its neighbour."""
    moves = -step * surface.gradients(points)
    lengths = np.linalg.norm(moves, axis=1, keepdims=True)
    return moves * np.minimum(1.0, longest / np.maximum(lengths, 1e-300))
