"""Coordinates along which a problem in the plane repeats itself: they are closed to a circle.

A path on the line and its image on the circle leave at the same time, if neither the drift nor the noise nor
the exit tells periods apart; and while the line has no end that confines, the circle is a finite domain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy
from sympy.calculus.util import periodicity

from potentials import DriftField, Potential
from simdyn.dynamics import Update
from simdyn.exact.panels import Array
from simdyn.exact.plane_coordinates import half_planes
from simdyn.exits import Exit

_WAVES = (sympy.sin, sympy.cos, sympy.tan, sympy.cot)
_PROBES = 64
_ALIKE = 1e-9


def closed_coordinate(
    potential: Potential | DriftField, update: Update, start: Array, exits: Sequence[Exit]
) -> tuple[int, float] | None:
    """The coordinate that can be closed, and its period; None where there is none.

    The period is that of the formula; the law of a step has to repeat itself with it at some points, too.
    """
    planes = [half_planes(way_out) for way_out in exits]
    if not exits or any(found is None for found in planes):
        return None
    normals = np.array([normal for found in planes for normal, _ in found or []])
    for axis in range(2):
        if normals[:, axis].any():
            continue
        period = _period(potential, axis)
        if period is not None and _repeats(update, start, axis, period):
            return axis, period
    return None


def _period(potential: Potential | DriftField, axis: int) -> float | None:
    variable = potential.variables[axis]
    if isinstance(potential, Potential):
        formulas: tuple[sympy.Expr, ...] = (potential.expression,)
    else:
        formulas = potential.drift_expressions
    values = {symbol: potential.parameters[symbol.name] for f in formulas for symbol in f.free_symbols
              if symbol.name in potential.parameters}  # fmt: skip
    periods = []
    for formula in formulas:
        formula = formula.subs(values)
        if variable not in formula.free_symbols:
            continue
        if not any(wave.has(variable) for wave in formula.atoms(*_WAVES)):
            return None
        try:
            found = periodicity(formula, variable)
        except (NotImplementedError, ValueError, TypeError):
            return None
        if found is None or not found.is_number or not float(found) > 0:
            return None
        periods.append(float(found))
    # Of different ones the longest may be a common multiple, which is found out where it is tried.
    return max(periods, default=None)


def _repeats(update: Update, start: Array, axis: int, period: float) -> bool:
    """Whether drift and noise are the same a period on, at points around the start."""
    points = start + period * np.random.default_rng(0).uniform(-1, 1, (_PROBES, 2))
    further = points.copy()
    further[:, axis] += period
    with np.errstate(all="ignore"):
        pairs = [(update.drift_at(points), update.drift_at(further))]
        pairs.append((_square(update, points), _square(update, further)))
        for one, other in pairs:
            size = np.abs(one).max()
            if not (np.isfinite(one).all() and np.abs(one - other).max() <= _ALIKE * max(size, 1e-300)):
                return False
    return True


def _square(update: Update, x: Array) -> Array:
    factor = update.factor_at(x)
    return np.asarray(factor @ np.swapaxes(factor, -1, -2))
