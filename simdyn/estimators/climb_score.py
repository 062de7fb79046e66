"""The score of a landscape whose coordinates are coupled: how high along the way to a saddle a point lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy

from potentials import CriticalPoint, Potential
from simdyn.exits import Score

KNOTS = 8
"""Of each way, always, so that kernels know their number and take their places at run time."""

CLIMB = "height along the way of least action to the nearest saddle, less the height of the saddle"

_SHARPNESS = 1.5
_POWER = 8
"""(1 + u / 8)^-8 in the place of exp(-u): kernels of many exponentials take minutes to compile."""

_LEVELS = 3


def climb_score(potential: Potential, bottom: CriticalPoint, saddles: Sequence[CriticalPoint]) -> Score:
    """The height of a point's projection on the ways of least action from a minimum to saddles around it.

    The chance to leave from a point of such a way is about exp((L(x) - L(saddle)) / noise), and nearly the
    same across it. The projection is the mean over knots of equal spacing h, with weights
    exp(-1.5 |x - knot|^2 / h^2) (a path variable of Branduardi, Gervasio & Parrinello, J. Chem. Phys. 126,
    054103, 2007). Of several ways the one on which the point is nearest to the top counts.

    Parameters
    ----------
    potential
        A landscape of at least two dimensions.
    bottom, saddles
        Where the ways begin, and where each ends.
    """
    values: dict[str, float] = dict(potential.parameters)
    ways = [
        _height(potential.variables, *_knots(potential, bottom.x, saddle.x), values, number)
        for number, saddle in enumerate(saddles)
    ]
    expression = sympy.Max(*ways, evaluate=False) if len(ways) > 1 else ways[0]
    return Score(expression, values, CLIMB)


def _knots(potential: Potential, bottom: np.ndarray, top: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points at equal distances along the way, (n, d), and how far below its end they lie, (n,)."""
    # What relaxes paths takes long to import.
    from simdyn.exact.geometric_action import GeometricAction, resampled

    unit = np.eye(potential.dim)
    action = GeometricAction(
        lambda x: -potential.gradient(x), lambda x: np.broadcast_to(unit, (len(x), *unit.shape))
    )
    with np.errstate(all="ignore"):
        _, path = action.minimum(bottom, top, _LEVELS)
    points = resampled(path, KNOTS - 1)
    return points, potential.energy(points) - float(potential.energy(top))


def _height(
    variables: tuple[sympy.Symbol, ...],
    points: np.ndarray,
    heights: np.ndarray,
    values: dict[str, float],
    number: int,
) -> sympy.Expr:
    def symbol(name: str, value: float) -> sympy.Symbol:
        values[name] = float(value)
        return sympy.Symbol(name, real=True)

    spacing = np.linalg.norm(np.diff(points, axis=0), axis=1).mean()
    sharpness = symbol(f"_sharpness{number}", _SHARPNESS / _POWER / spacing**2)
    distances = [
        sympy.Add(*((v - symbol(f"_knot{number}_{n}_{j}", p)) ** 2 for j, (v, p) in enumerate(row)))
        for n, row in enumerate(zip(variables, point, strict=True) for point in points)
    ]
    # Against the nearest knot: its weight is 1 however far away it is.
    nearest = sympy.Min(*distances, evaluate=False)
    weights = [(1 + sharpness * (distance - nearest)) ** -_POWER for distance in distances]
    lifted = [
        symbol(f"_height{number}_{n}", height) * weight
        for n, (height, weight) in enumerate(zip(heights, weights, strict=True))
    ]
    return sympy.Add(*lifted) / sympy.Add(*weights)
