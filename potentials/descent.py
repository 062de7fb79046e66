"""The way down: paths of steepest descent from points to the bottoms of their valleys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["newton_polished", "ways_down"]

Floats = NDArray[np.float64]

_LARGEST_STEP = 0.02
_MISMATCH = 0.05
_MOST_STEPS = 20_000
_FAR = 50.0
_HELD = 1 << 22
"""Numbers in all Hessians that are held at once."""


def ways_down(potential: Potential, starts: Floats, scale: float) -> Floats:
    """Ends of the paths dx/dt = -grad L from `starts`; NaN where one ends in no non-degenerate minimum.

    Each step follows the exact descent path of the local quadratic (Page & McIver, Journal of Chemical
    Physics 88 (1988) 922) no further than the gradient stays as predicted, so that ridges are not stepped
    over.

    Parameters
    ----------
    starts
        Shape (n, d).
    scale
        Length of the landscape; steps are at most 2 % of it, and a path that goes 50 times as far is given
        up.

    Returns
    -------
    numpy.ndarray
        Shape (n, d).
    """
    some = max(1, _HELD // max(1, starts.shape[-1]) ** 2)
    parts = [_together(potential, starts[i : i + some], scale) for i in range(0, len(starts), some)]
    return np.concatenate([*parts, np.empty((0, starts.shape[-1]))])


@np.errstate(over="ignore", invalid="ignore")
def _together(potential: Potential, starts: Floats, scale: float) -> Floats:
    ends = np.full(starts.shape, np.nan)
    # Of the paths still on their way: who they are, where they are, and the quadratic around.
    who = np.arange(len(starts))
    x, gradient = np.array(starts), potential.gradient(starts)
    reach = np.full(len(starts), _LARGEST_STEP * scale)
    curvatures, modes = np.empty_like(x), np.empty((*x.shape, x.shape[1]))
    moved = np.ones(len(starts), dtype=bool)
    for _ in range(_MOST_STEPS):
        hessian = potential.hessian(x[moved])
        lost = ~(np.abs(x - starts[who]).max(axis=1) <= _FAR * scale) | ~np.isfinite(gradient).all(axis=1)
        lost[moved] |= ~np.isfinite(hessian).all(axis=(1, 2))
        curvatures[moved], modes[moved] = np.linalg.eigh(np.where(lost[moved, None, None], 0.0, hessian))
        slopes = np.einsum("nij,ni->nj", modes, gradient)
        with np.errstate(divide="ignore"):
            near = np.linalg.norm(slopes / curvatures, axis=1) <= 1e-3 * reach
        arrived = ~lost & (curvatures[:, 0] > 0.0) & near
        lost |= (np.linalg.norm(gradient, axis=1) == 0.0) | (reach < 1e-12 * scale)
        ends[who[arrived]] = newton_polished(potential, x[arrived])
        on = ~(arrived | lost)
        if not on.any():
            break
        who, x, gradient, reach = who[on], x[on], gradient[on], reach[on]
        curvatures, modes, slopes = curvatures[on], modes[on], slopes[on]
        along = _quadratic_path(slopes, curvatures, reach)
        step = np.einsum("nij,nj->ni", modes, along)
        after = potential.gradient(x + step)
        off = np.linalg.norm(after - gradient - np.einsum("nij,nj->ni", modes, curvatures * along), axis=1)
        length = np.linalg.norm(step, axis=1)
        moved = (off <= _MISMATCH * np.linalg.norm(gradient, axis=1)) | ~(length > 1e-9 * scale)
        x = np.where(moved[:, None], x + step, x)
        gradient = np.where(moved[:, None], after, gradient)
        reach = np.where(
            moved, np.minimum(1.5 * reach, _LARGEST_STEP * scale), 0.5 * np.minimum(reach, length)
        )
    return ends


@np.errstate(over="ignore", invalid="ignore")
def newton_polished(potential: Potential, points: Floats) -> Floats:
    """Zeros of the gradient next to `points`, shape (n, d), by Newton steps until rounding stops them."""
    best = np.array(points)
    sizes = np.linalg.norm(potential.gradient(best), axis=1)
    going = np.arange(len(best))
    for _ in range(12):
        hessian = potential.hessian(best[going])
        regular = np.linalg.slogdet(hessian)[0] ** 2 == 1.0
        going, hessian = going[regular], hessian[regular]
        if going.size == 0:
            break
        gradient = potential.gradient(best[going])
        x = best[going] - np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        now = np.linalg.norm(potential.gradient(x), axis=1)
        better = now < sizes[going]
        going = going[better]
        best[going], sizes[going] = x[better], now[better]
    return best


def _quadratic_path(slopes: Floats, curvatures: Floats, reach: Floats) -> Floats:
    """Points of the quadratics' descent paths at distance `reach`, or their ends if nearer; in the modes."""

    def at(time: Floats) -> Floats:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            gone = np.where(
                curvatures == 0.0, time[:, None], -np.expm1(-curvatures * time[:, None]) / curvatures
            )
        return np.asarray(-slopes * gone, dtype=np.float64)

    # Logarithms of the time in units of the fastest mode.
    low, high = np.full(len(slopes), -60.0), np.full(len(slopes), 60.0)
    unit = 1.0 / np.maximum(np.abs(curvatures).max(axis=1), 1e-300)
    low = np.where(np.linalg.norm(at(unit * np.exp(high)), axis=1) <= reach, high, low)
    # To 2^-13 of a factor e in time: the step need not be longer than `reach`, nor exactly as long.
    for _ in range(20):
        middle = 0.5 * (low + high)
        within = np.linalg.norm(at(unit * np.exp(middle)), axis=1) <= reach
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return at(unit * np.exp(low))
