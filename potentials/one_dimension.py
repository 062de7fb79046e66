"""Critical points of a potential of one variable, in ascending order.

Polynomials: the real roots of the derivative are isolated exactly (Sturm sequences in rational arithmetic),
so that none is missed and multiple roots are known to be multiple, and polished with exact residuals. Other
functions: sign changes of the derivative over the search domain, bisected down to neighbouring floats.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from potentials.critical_points import CriticalPoint, classify

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["critical_points_on_a_line", "degree_bound", "is_listed_completely"]

Floats = NDArray[np.float64]

_Function = Callable[[Floats], Floats]

_LARGEST_DEGREE = 40
_SCAN = 8001
_BEYOND = 3
_UNDERFLOW = 1e-280
_MOST_MARGINS = 30
_DIGITS = 50
_ISOLATION = sp.Rational(1, 10**6)


def critical_points_on_a_line(potential: Potential) -> tuple[CriticalPoint, ...]:
    """All critical points of a one-dimensional potential, ascending.

    Complete for polynomials up to degree 41; other functions are searched within `potential.domain`, where
    points closer together than 1/8000 of the domain can be missed. The rim of a valley that reaches beyond
    the domain is looked for up to three domain widths outside.
    """
    if is_listed_completely(potential):
        return _of_polynomial(potential, potential.slope_in_numbers())
    return _by_scanning(potential)


def is_listed_completely(potential: Potential) -> bool:
    """Whether the list of critical points is complete on the whole line, not only within the domain."""
    slope, variable = potential.slope_in_numbers(), potential.variables[0]
    return bool(slope.is_polynomial(variable)) and degree_bound(slope, variable) <= _LARGEST_DEGREE


def degree_bound(expression: sp.Expr, variable: sp.Symbol) -> int:
    """Upper bound for the degree of a polynomial, without expanding it."""
    if expression.is_Add:
        return max(degree_bound(term, variable) for term in expression.args)
    if expression.is_Mul:
        return sum(degree_bound(factor, variable) for factor in expression.args)
    if expression.is_Pow and expression.exp.is_Integer:
        return degree_bound(expression.base, variable) * int(expression.exp)
    return int(expression == variable)


def _of_polynomial(potential: Potential, slope: sp.Expr) -> tuple[CriticalPoint, ...]:
    variable = potential.variables[0]
    coefficients = sp.Poly(slope, variable).all_coeffs()
    # Doubles would do for the coefficients themselves, but not for the roots far from 0 that they determine.
    exact = [c if c.is_Rational else sp.Rational(str(c.evalf(_DIGITS))) for c in coefficients]
    polynomial = sp.Poly(exact, variable, domain="QQ")
    if polynomial.degree() < 1:
        return ()
    roots: list[tuple[float, bool]] = []
    for factor, multiplicity in polynomial.sqf_list()[1]:
        fractions = [Fraction(int(c.p), int(c.q)) for c in factor.all_coeffs()]
        for (low, high), _ in factor.intervals(eps=_ISOLATION):
            bracket = Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q))
            roots.append((_polished(fractions, *bracket), multiplicity > 1))
    found = []
    for root, multiple in sorted(roots):
        x = np.array([root])
        hessian = np.zeros((1, 1)) if multiple else potential.hessian(x)
        energy = float(potential.energy(x))
        curvature = hessian[0, 0]
        found.append(CriticalPoint(x, energy, hessian, int(curvature < 0), bool(curvature == 0)))
    return tuple(found)


def _horner(coefficients: list[Fraction], x: Fraction) -> tuple[Fraction, Fraction]:
    value, slope = Fraction(0), Fraction(0)
    for coefficient in coefficients:
        slope = slope * x + value
        value = value * x + coefficient
    return value, slope


def _polished(coefficients: list[Fraction], low: Fraction, high: Fraction) -> float:
    """The one root in the bracket: Newton steps with exact residuals, bisection if they fail."""
    if low == high:
        return float(low)
    x = float((low + high) / 2)
    for _ in range(20):
        value, slope = _horner(coefficients, Fraction(x))
        if slope == 0:
            break
        step = float(value / slope)
        if x - step == x or abs(step) <= 1e-16 * abs(x):
            if low <= Fraction(x) <= high or float(low) == x or float(high) == x:
                return x
            break
        x -= step
    return _bisected(coefficients, low, high)


def _bisected(coefficients: list[Fraction], low: Fraction, high: Fraction) -> float:
    margin = (high - low) / 10**12  # an end of the bracket may be a neighbouring root
    for _ in range(_MOST_MARGINS):
        sign = _horner(coefficients, high - margin)[0] > 0
        if (_horner(coefficients, low + margin)[0] > 0) != sign:
            break
        margin /= 10**12  # this one is nearer to an end than that
    low, high = low + margin, high - margin
    while float(low) != float(high) and high - low > abs(low + high) / 10**17:
        middle = (low + high) / 2
        if (_horner(coefficients, middle)[0] > 0) == sign:
            high = middle
        else:
            low = middle
    return float((low + high) / 2)


def _by_scanning(potential: Potential) -> tuple[CriticalPoint, ...]:
    """The points in the domain, and beyond it the rims of valleys whose minimum is the last point in it."""
    low, high = potential.domain[0]
    width = high - low
    points = _scan(potential, low, high)
    for i in range(_BEYOND):
        if points and points[0].is_minimum:
            points = _scan(potential, low - (i + 1) * width, low - i * width)[-1:] + points
        if points and points[-1].is_minimum:
            points = points + _scan(potential, high + i * width, high + (i + 1) * width)[:1]
    return tuple(points)


def _scan(potential: Potential, low: float, high: float) -> list[CriticalPoint]:
    grid = np.linspace(low, high, _SCAN)
    spacing = (high - low) / (_SCAN - 1)

    def slope(x: Floats) -> Floats:
        return potential.gradient(x[:, None])[:, 0]

    def curvature(x: Floats) -> Floats:
        return potential.hessian(x[:, None])[:, 0, 0]

    values = slope(grid)
    crossing = _sign_changes(values)
    roots = np.concatenate([grid[values == 0.0], _bisect(slope, grid[:-1][crossing], grid[1:][crossing])])
    touching = _touching(grid, values, curvature(grid), slope, curvature)
    points = []
    for root in np.unique(np.concatenate([roots, touching])):
        x = np.array([root])
        if not _continuous_zero(slope, root, spacing):
            continue
        energy = float(potential.energy(x))
        points.append(classify(x, energy, potential.hessian(x), potential.hessian, spacing))
    return _merged(points, spacing)


def _sign_changes(values: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.sign(values[:-1]) * np.sign(values[1:]) < 0


def _bisect(function: _Function, low: Floats, high: Floats) -> Floats:
    """Roots of sign changes, all brackets at once, down to neighbouring floats."""
    if low.size == 0:
        return low
    sign = np.sign(function(high))
    for _ in range(200):
        middle = 0.5 * (low + high)
        if np.all((middle == low) | (middle == high)):
            break
        upper = np.sign(function(middle)) == sign
        high, low = np.where(upper, middle, high), np.where(upper, low, middle)
    better = np.abs(function(low)) < np.abs(function(high))
    return np.where(better, low, high)


def _touching(
    grid: Floats, slopes: Floats, curvatures: Floats, slope: _Function, curvature: _Function
) -> Floats:
    """Points where the derivative touches zero without changing sign: flat inflections of the energy."""
    crossing = _sign_changes(curvatures)
    candidates = np.concatenate(
        [grid[curvatures == 0.0], _bisect(curvature, grid[:-1][crossing], grid[1:][crossing])]
    )
    if candidates.size == 0:
        return candidates
    scale = np.interp(candidates, grid, np.maximum(np.abs(slopes), 1e-300)) + np.abs(
        np.interp(candidates + (grid[1] - grid[0]), grid, slopes)
    )
    return candidates[np.abs(slope(candidates)) <= 1e-9 * scale]


def _continuous_zero(slope: _Function, root: float, spacing: float) -> bool:
    """Whether the derivative vanishes at this point alone, without a kink, a pole or a flat stretch."""
    offsets = spacing * np.array([-1.0, 1.0, -1e-3, 1e-3, 0.0])
    sizes = np.abs(slope(root + offsets))
    far = sizes[:2][np.isfinite(sizes[:2])]
    if far.size == 0 or np.min(far) < _UNDERFLOW:
        return False
    scale, near = np.max(far), np.max(sizes[2:4])
    return bool(sizes[4] <= 1e-6 * scale and near <= 0.5 * scale)


def _merged(points: list[CriticalPoint], spacing: float) -> list[CriticalPoint]:
    """Keep one of each run of degenerate points: a flat stretch, or one point spread by rounding."""
    kept: list[CriticalPoint] = []
    for before, point in zip([None, *points], points, strict=False):
        close = before is not None and point.x[0] - before.x[0] < 1.5 * spacing
        if not (close and before is not None and before.degenerate and point.degenerate):
            kept.append(point)
    return kept
