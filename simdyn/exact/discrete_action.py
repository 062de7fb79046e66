"""Least action of a discrete Gaussian rule: the cheapest noise that takes it from one point to another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simdyn.exact.errors import NoReference
from simdyn.exact.panels import Array
from simdyn.exact.path_newton import relax

Field = Callable[[Array], Array]

GRID = 1200
STILL = 1e-9
MAX_STEPS = 16_384
CONVERGED = 1e-9


class DiscreteAction:
    """Sum over steps of half the squared length, in the metric of its covariance, of what noise adds.

    Escape times grow like the exponential of its minimum over all paths and all numbers of steps.

    Parameters
    ----------
    mean
        Mean of the next point at points of shape (n, d); same shape.
    covariance
        Its covariance, shape (n, d, d). Steps from where it is singular cost infinitely much.
    """

    def __init__(self, mean: Field, covariance: Field) -> None:
        self.mean, self.covariance = mean, covariance

    def edges(self, start: Array, end: Array) -> Array:
        """Cost of single steps, shape (n,)."""
        kick = end - self.mean(start)
        spread = self.covariance(start)
        if kick.shape[1] == 1:
            with np.errstate(all="ignore"):
                cost = 0.5 * kick[:, 0] ** 2 / spread[:, 0, 0]
            return np.where(spread[:, 0, 0] > 0, cost, np.inf)
        try:
            return 0.5 * np.einsum("nd,nd->n", kick, np.linalg.solve(spread, kick[:, :, None])[:, :, 0])
        except np.linalg.LinAlgError:
            return np.full(len(kick), np.inf)

    def along(self, path: Array) -> float:
        """Cost of a path of shape (n + 1, d)."""
        return float(self.edges(path[:-1], path[1:]).sum())

    def minimum(self, guess: Array) -> tuple[float, float, Array]:
        """Least action, the change at the last doubling of the number of steps, and the path.

        `guess` is a path of shape (n + 1, d). More and more steps are given to rest at those of its ends
        where the rule stands still.

        Raises
        ------
        NoReference
            An action that still falls at `MAX_STEPS` steps.
        """
        path = self._relaxed(guess)
        value = self.along(path)
        while len(path) <= MAX_STEPS:
            longer = self._relaxed(self._with_rests(path))
            found = self.along(longer)
            change = value - found
            path, value = longer, found
            if change <= CONVERGED * value:
                return value, abs(change), path
        raise NoReference(
            f"The cheapest escape takes more than {MAX_STEPS:,} steps, so that the learning rate is as good "
            "as zero; ask for the SDE."
        )

    def _relaxed(self, path: Array) -> Array:
        size = float(np.abs(np.diff(path, axis=0)).max() or 1.0)
        frames = np.broadcast_to(np.eye(path.shape[1]), (*path.shape, path.shape[1]))
        return relax(self.edges, path, frames, 1e-4 * size)

    def _with_rests(self, path: Array) -> Array:
        more = len(path) // 2
        moved = np.linalg.norm(self.mean(path[[0, -1]]) - path[[0, -1]], axis=1)
        length = float(np.linalg.norm(path[-1] - path[0]))
        parts = [path]
        if moved[0] < STILL * length:
            parts.insert(0, np.repeat(path[:1], more, axis=0))
        if moved[1] < STILL * length:
            parts.append(np.repeat(path[-1:], more, axis=0))
        if len(parts) == 1:
            # The start is no resting point: the path is as long as it takes, and a few steps more.
            parts.insert(0, np.repeat(path[:1], 1, axis=0))
        return np.concatenate(parts)


def cheapest_on_a_grid(action: DiscreteAction, start: float, end: float, lower: float, upper: float) -> Array:
    """A globally cheapest path through the points of a grid on [lower, upper], shape (n + 1, 1).

    Dijkstra's algorithm: a path may leave by way of a far wall, or leap, where no small change of a straight
    one leads.
    """
    grid = np.unique(np.concatenate([np.linspace(lower, upper, GRID), [start, end]]))[:, None]
    origin, goal = (int(np.argmin(np.abs(grid[:, 0] - x))) for x in (start, end))
    best = np.full(len(grid), np.inf)
    before = np.full(len(grid), -1)
    open_ = np.ones(len(grid), dtype=bool)
    best[origin] = 0.0
    for _ in range(len(grid)):
        here = int(np.argmin(np.where(open_, best, np.inf)))
        if not open_[here] or not np.isfinite(best[here]):
            break
        open_[here] = False
        if here == goal:
            break
        reached = best[here] + action.edges(np.repeat(grid[here : here + 1], len(grid), axis=0), grid)
        closer = reached < best
        best[closer], before[closer] = reached[closer], here
    if not np.isfinite(best[goal]):
        raise NoReference(f"No sequence of steps of finite cost leads from {start:g} to {end:g}.")
    path = [goal]
    while path[-1] != origin:
        path.append(int(before[path[-1]]))
    return grid[path[::-1]]
