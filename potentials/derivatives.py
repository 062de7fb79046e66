"""Derivatives of real expressions that stay within the functions a formula may use."""

from __future__ import annotations

from typing import Any

import sympy as sp

from potentials.errors import InputError

__all__ = ["differentiate", "expanded"]

_LARGEST_EXPANSION = 20_000


class _RealAbs(sp.Function):
    """|u| of a real u that SymPy cannot prove to be real, such as log(x); its derivative is sign(u)."""

    def fdiff(self, argindex: int = 1) -> Any:
        return _RealSign(self.args[0])


class _RealSign(sp.Function):
    """sign(u); its derivative is zero except at the jump, which has measure zero."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.Integer(0)


def differentiate(expression: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    """Derivative by one variable, almost everywhere.

    Kinks of abs, sign, min and max have the derivative of either side away from the kink and its mean (or
    zero) on it; no distributions appear. The derivative of max(u, v) is written with sign(u - v).
    """
    if variable not in expression.free_symbols:
        return sp.Integer(0)
    kinked = expression.has(sp.Abs, sp.sign, sp.Max, sp.Min)
    if kinked:
        expression = expression.replace(sp.Abs, _RealAbs).replace(sp.sign, _RealSign)
    try:
        result = expression.diff(variable)
    except RecursionError:
        raise InputError("The formula is nested too deeply to differentiate: simplify it.") from None
    if kinked:
        result = result.replace(sp.Heaviside, lambda u, *_: (1 + sp.sign(u)) / 2)
        result = result.replace(_RealAbs, sp.Abs).replace(_RealSign, sp.sign)
    if any(not power.exp.is_number for power in result.atoms(sp.Pow)):
        result = sp.powsimp(result, combine="exp")  # k*x**k/x would be undefined at x = 0, k*x**(k-1) is not
    return result


def expanded(expression: sp.Expr) -> sp.Expr | None:
    """The expression with products and integer powers multiplied out, or None if that would be huge."""
    if _terms(expression) > _LARGEST_EXPANSION:
        return None
    return sp.expand(expression, power_base=False, power_exp=False, log=False)


def _terms(expression: sp.Expr) -> float:
    """Upper bound for the number of terms after expansion, found without expanding."""
    if expression.is_Add:
        return sum(_terms(term) for term in expression.args)
    if expression.is_Mul:
        count = 1.0
        for factor in expression.args:
            count *= _terms(factor)
        return count
    if expression.is_Pow and expression.exp.is_Integer:
        base, power = _terms(expression.base), abs(int(expression.exp))
        return 1.0 if base == 1 else min(base**power, 1e18) if base < 1e3 else 1e18
    return max((_terms(argument) for argument in expression.args), default=1.0)
