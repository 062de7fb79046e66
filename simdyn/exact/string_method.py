"""The string method: a curve that steepest descent takes down to a path of least energy."""

from __future__ import annotations

import numpy as np

from simdyn.exact.geometric_action import resampled
from simdyn.exact.panels import Array
from simdyn.exact.stationary_points import Surface

_LOOK = 25
"""Rounds between two looks at the largest curvature."""


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


def relaxed(surface: Surface, path: Array, tolerance: float, most: int) -> tuple[Array, float, float]:
    """A string between two fixed points, relaxed by steepest descent with equal spacing (E, Ren &
    Vanden-Eijnden 2007).

    Parameters
    ----------
    path
        Shape (n + 1, d).
    tolerance
        The string rests when its points move, in the time of a step, by less than this share of what the
        largest force on it would move them.
    most
        Rounds after which it is left as it is.

    Returns
    -------
    path, residual, step
        The string, the share at which it was left (NaN where the energy is undefined), and the step of the
        descent.
    """
    count = len(path) - 1
    inner = path[1:-1]
    directions = np.random.default_rng(0).standard_normal(inner.shape)
    step, residual = 0.0, np.inf
    for k in range(most):
        if k % _LOOK == 0:
            curvature, directions = largest_curvature(surface, inner, directions, 12 if k == 0 else 2)
            if not np.isfinite(curvature):
                return path, np.nan, step
            step = 0.9 / max(curvature, 1e-300)
        force = surface.gradients(inner)
        largest = float(np.linalg.norm(force, axis=1).max())
        if not np.isfinite(largest):
            return path, np.nan, step
        moved = path.copy()
        moved[1:-1] -= step * force
        if path.shape[1] == 1:
            # On a line there is nothing across it.
            return path, 0.0, step
        moved = resampled(moved, count)
        residual = float(np.linalg.norm(moved - path, axis=1).max()) / (step * max(largest, 1e-300))
        path, inner = moved, moved[1:-1]
        if residual <= tolerance:
            break
    return path, residual, step
