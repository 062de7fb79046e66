"""Points where an expression in one variable has a kink or a jump."""

from __future__ import annotations

import math

import numpy as np
import sympy

from potentials.tape import Tape

SEARCHED = 100.0


def kinks(expressions: tuple[sympy.Expr, ...], variable: sympy.Symbol) -> tuple[float, ...]:
    """Where absolute values, signs, extrema and conditions in numeric `expressions` switch."""
    switches: set[sympy.Expr] = set()
    for expression in expressions:
        for node in sympy.preorder_traversal(sympy.sympify(expression)):
            if isinstance(node, sympy.Abs | sympy.sign | sympy.Heaviside):
                switches.add(node.args[0])
            elif isinstance(node, sympy.Max | sympy.Min):
                switches |= {one - two for one in node.args for two in node.args if one != two}
            elif isinstance(node, sympy.Rel):
                switches.add(node.lhs - node.rhs)
    found = {root for switch in switches if switch.has(variable) for root in _roots(switch, variable)}
    return tuple(sorted(found))


def _roots(switch: sympy.Expr, variable: sympy.Symbol) -> list[float]:
    if switch.is_polynomial(variable):
        coefficients = [float(c) for c in sympy.Poly(switch, variable).all_coeffs()]
        roots = np.roots(coefficients)
        return [float(r.real) for r in roots if abs(r.imag) <= 1e-9 * (1 + abs(r))]
    from scipy.optimize import brentq

    tape = Tape([variable], [switch])
    grid = np.linspace(-SEARCHED, SEARCHED, 20_001)
    values = np.broadcast_to(np.asarray(tape(grid)[0], dtype=float), grid.shape)
    changes = np.flatnonzero((values[:-1] * values[1:] < 0) & np.isfinite(values[:-1] * values[1:]))
    return [float(brentq(lambda x: float(tape(x)[0]), grid[i], grid[i + 1], xtol=1e-15)) for i in changes] + [
        float(x) for x in grid[values == 0] if math.isfinite(x)
    ]
