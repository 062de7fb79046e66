"""The way down: the path of steepest descent from a point to the bottom of its valley."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["newton_polished", "way_down"]

Floats = NDArray[np.float64]

_LARGEST_STEP = 0.02
_MISMATCH = 0.05
_MOST_STEPS = 20_000
_FAR = 50.0


@np.errstate(over="ignore", invalid="ignore")
def way_down(potential: Potential, start: Floats, scale: float) -> Floats | None:
    """End of the path dx/dt = -grad L from `start`, or None if it ends in no non-degenerate minimum.

    Each step follows the exact descent path of the local quadratic (Page & McIver, Journal of Chemical
    Physics 88 (1988) 922) no further than the gradient stays as predicted, so that ridges are not stepped
    over.

    Parameters
    ----------
    start
        Shape (d,).
    scale
        Length of the landscape; steps are at most 2 % of it, and a path that goes 50 times as far is given
        up.
    """
    x, reach = start, _LARGEST_STEP * scale
    gradient = potential.gradient(x)
    for _ in range(_MOST_STEPS):
        hessian = potential.hessian(x)
        far = not np.max(np.abs(x - start)) <= _FAR * scale
        if far or not np.all(np.isfinite(hessian)) or not np.all(np.isfinite(gradient)):
            return None
        curvatures, modes = np.linalg.eigh(hessian)
        slopes = modes.T @ gradient
        if curvatures[0] > 0.0 and np.linalg.norm(slopes / curvatures) <= 1e-3 * reach:
            return newton_polished(potential, x)
        if np.linalg.norm(gradient) == 0.0 or reach < 1e-12 * scale:
            return None
        step = modes @ _quadratic_path(slopes, curvatures, reach)
        after = potential.gradient(x + step)
        off = np.linalg.norm(after - gradient - hessian @ step)
        if not off <= _MISMATCH * np.linalg.norm(gradient) and np.linalg.norm(step) > 1e-9 * scale:
            reach = 0.5 * min(reach, float(np.linalg.norm(step)))
            continue
        x, gradient = x + step, after
        reach = min(1.5 * reach, _LARGEST_STEP * scale)
    return None


@np.errstate(over="ignore", invalid="ignore")
def newton_polished(potential: Potential, x: Floats) -> Floats:
    """A zero of the gradient next to `x`, by Newton steps until rounding stops them."""
    best, size = x, float(np.linalg.norm(potential.gradient(x)))
    for _ in range(12):
        try:
            x = x - np.linalg.solve(potential.hessian(x), potential.gradient(x))
        except np.linalg.LinAlgError:
            break
        now = float(np.linalg.norm(potential.gradient(x)))
        if not now < size:
            break
        best, size = x, now
    return best


def _quadratic_path(slopes: Floats, curvatures: Floats, reach: float) -> Floats:
    """Point of the quadratic's descent path at distance `reach`, or its end if nearer; in its modes."""

    def at(time: float) -> Floats:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            gone = np.where(curvatures == 0.0, time, -np.expm1(-curvatures * time) / curvatures)
        return np.asarray(-slopes * gone, dtype=np.float64)

    low, high = -60.0, 60.0  # logarithm of the time in units of the fastest mode
    unit = 1.0 / max(float(np.max(np.abs(curvatures))), 1e-300)
    if np.linalg.norm(at(unit * np.exp(high))) <= reach:
        return at(unit * np.exp(high))
    # To 2^-13 of a factor e in time: the step need not be longer than `reach`, nor exactly as long.
    for _ in range(20):
        middle = 0.5 * (low + high)
        if np.linalg.norm(at(unit * np.exp(middle))) <= reach:
            low = middle
        else:
            high = middle
    return at(unit * np.exp(low))
