"""Paths of least cost, where the cost is a sum over the edges between consecutive points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simdyn.exact.panels import Array

EdgeCost = Callable[[Array, Array], Array]
"""Cost of edges from points to points, both of shape (n, d); shape (n,)."""

MAX_ITERATIONS = 400
CONVERGED = 1e-13


def relax(cost: EdgeCost, path: Array, frames: Array, stretch: float) -> Array:
    """Move the inner points of a path within their frames to a local minimum of its cost.

    Newton's method with as much damping as it takes for the cost to fall. Derivatives are central
    differences, whose error moves the points a little but the least cost only in second order.

    Parameters
    ----------
    cost
        Cost of an edge; infinite where it makes no sense.
    path
        Shape (n + 1, d); the ends stay.
    frames
        Directions in which each point may move, shape (n + 1, d, m), orthonormal.
    stretch
        Length of a difference step.

    Returns
    -------
    numpy.ndarray
        The relaxed path, shape (n + 1, d).
    """
    from scipy.linalg import cho_solve_banded, cholesky_banded

    size = frames.shape[2]
    value = float(cost(path[:-1], path[1:]).sum())
    damping = 0.0
    for _ in range(MAX_ITERATIONS):
        gradient, banded = _derivatives(cost, path, frames, stretch)
        scale = float(np.abs(banded[0]).max())
        for _ in range(60):
            shifted = banded.copy()
            shifted[0] += damping * scale
            try:
                factor = cholesky_banded(shifted, lower=True, check_finite=False)
            except np.linalg.LinAlgError:
                damping = max(4.0 * damping, 1e-10)
                continue
            move = -cho_solve_banded((factor, True), gradient, check_finite=False)
            trial = path.copy()
            trial[1:-1] += np.einsum("ndm,nm->nd", frames[1:-1], move.reshape(-1, size))
            with np.errstate(all="ignore"):
                found = float(cost(trial[:-1], trial[1:]).sum())
            if found <= value:
                break
            damping = max(4.0 * damping, 1e-10)
            if np.abs(move).max() < 1e-12 * (1.0 + np.abs(path).max()):
                return path
        else:
            return path
        gain, path, value = value - found, trial, found
        damping = 0.0 if damping < 1e-9 else damping / 8.0
        if gain <= CONVERGED * max(value, 1e-3):
            return path
    return path


def _derivatives(cost: EdgeCost, path: Array, frames: Array, h: float) -> tuple[Array, Array]:
    """Gradient, shape ((n - 1) m,), and Hessian in lower banded form, shape (2 m, (n - 1) m)."""
    edges, m = len(path) - 1, frames.shape[2]
    # Moves of both ends of an edge along each of its 2 m directions, and all pairs of them, in one call.
    moves = np.zeros((2 * m, 2, edges, path.shape[1]))
    for j in range(m):
        moves[j, 0] = h * frames[:-1, :, j]
        moves[m + j, 1] = h * frames[1:, :, j]
    pairs = [(i, j) for i in range(2 * m) for j in range(i)]
    both = np.array([moves[i] + moves[j] for i, j in pairs])
    shifts = np.concatenate([np.zeros((1, *moves.shape[1:])), moves, -moves, both, -both])
    starts = (path[:-1] + shifts[:, 0]).reshape(-1, path.shape[1])
    ends = (path[1:] + shifts[:, 1]).reshape(-1, path.shape[1])
    with np.errstate(all="ignore"):
        costs = np.nan_to_num(cost(starts, ends), nan=1e300, posinf=1e300).reshape(len(shifts), edges)
    middle, up, down = costs[0], costs[1 : 2 * m + 1], costs[2 * m + 1 : 4 * m + 1]
    first, last = np.split(costs[4 * m + 1 :], 2)
    local = ((up - down) / (2 * h)).T
    second = np.empty((edges, 2 * m, 2 * m))
    for i in range(2 * m):
        second[:, i, i] = (up[i] - 2 * middle + down[i]) / (h * h)
    for k, (i, j) in enumerate(pairs):
        mixed = first[k] + last[k] + 2 * middle - up[i] - up[j] - down[i] - down[j]
        second[:, i, j] = second[:, j, i] = mixed / (2 * h * h)
    inner = edges - 1
    gradient = local[:-1, m:] + local[1:, :m]
    own = second[:-1, m:, m:] + second[1:, :m, :m]
    following = second[1:-1, m:, :m]
    banded = np.zeros((2 * m, inner * m))
    for a in range(m):
        for b in range(a + 1):
            banded[a - b, np.arange(inner) * m + b] = own[:, a, b]
    for a in range(m):
        for b in range(m):
            banded[m + a - b, np.arange(inner - 1) * m + b] = following[:, a, b]
    return gradient.ravel(), banded
