"""Expressions as a straight list of NumPy operations, each common subexpression computed once.

Only the operations of the formula language exist here, so nothing is ever printed to source and executed;
building a tape takes far less time than generating and compiling Python source for every potential would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from potentials.errors import InputError

__all__ = ["Tape"]

_UNARY: dict[Any, Callable[..., Any]] = {
    sp.exp: np.exp,
    sp.log: np.log,
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.tan: np.tan,
    sp.sinh: np.sinh,
    sp.cosh: np.cosh,
    sp.tanh: np.tanh,
    sp.Abs: np.abs,
    sp.sign: np.sign,
    sp.Not: np.logical_not,
}
_BINARY: dict[Any, Callable[..., Any]] = {
    sp.StrictLessThan: np.less,
    sp.LessThan: np.less_equal,
    sp.StrictGreaterThan: np.greater,
    sp.GreaterThan: np.greater_equal,
}
_FOLDED: dict[Any, Callable[..., Any]] = {
    sp.Max: np.maximum,
    sp.Min: np.minimum,
    sp.And: np.logical_and,
    sp.Or: np.logical_or,
}


class Tape:
    """Evaluates several expressions of the same inputs at once.

    Parameters
    ----------
    inputs
        Symbols, in the order of the arguments of a call.
    outputs
        Expressions in these symbols.

    Raises
    ------
    InputError
        If an expression holds an operation outside the formula language.
    """

    def __init__(self, inputs: Sequence[sp.Symbol], outputs: Sequence[sp.Expr]) -> None:
        self._inputs = len(inputs)
        self._constants: list[tuple[int, float]] = []
        self._operations: list[tuple[int, Callable[..., Any], tuple[int, ...]]] = []
        self._slots: dict[Any, int] = {name: i for i, name in enumerate(inputs)}
        self._size = len(inputs)
        self._outputs = [self._slot(expression) for expression in outputs]

    def __call__(self, *inputs: NDArray[np.float64] | float) -> list[Any]:
        """Values of the outputs; an output that does not depend on an array input is a scalar."""
        values: list[Any] = [*inputs, *([None] * (self._size - self._inputs))]
        for slot, constant in self._constants:
            values[slot] = constant
        with np.errstate(all="ignore"):
            for slot, function, arguments in self._operations:
                values[slot] = function(*[values[i] for i in arguments])
        return [values[i] for i in self._outputs]

    def _emit(self, function: Callable[..., Any], *arguments: int) -> int:
        key = (function, arguments)
        if key not in self._slots:
            self._slots[key] = self._size
            self._operations.append((self._size, function, arguments))
            self._size += 1
        return self._slots[key]

    def _constant(self, value: float) -> int:
        key = ("constant", value)
        if key not in self._slots:
            self._slots[key] = self._size
            self._constants.append((self._size, value))
            self._size += 1
        return self._slots[key]

    def _slot(self, expression: sp.Expr) -> int:
        if expression not in self._slots:
            self._slots[expression] = self._build(expression)
        return self._slots[expression]

    def _build(self, expression: sp.Expr) -> int:
        if expression in (sp.true, sp.false) or expression.is_number:
            return self._constant(float(bool(expression)) if expression.is_Boolean else float(expression))
        if expression.is_Add:
            return self._sum(expression)
        if expression.is_Mul:
            return self._product(expression)
        if expression.is_Pow:
            return self._power(expression.base, expression.exp)
        kind = expression.func
        if kind is sp.Piecewise:
            return self._piecewise(expression)
        if kind is sp.DiracDelta:
            # The derivative of a kink; it is zero wherever a path can be.
            return self._constant(0.0)
        if kind is sp.Heaviside:
            return self._emit(np.heaviside, self._slot(expression.args[0]), self._constant(0.5))
        arguments = [self._slot(argument) for argument in expression.args]
        if kind in _UNARY:
            return self._emit(_UNARY[kind], *arguments)
        if kind in _BINARY:
            return self._emit(_BINARY[kind], *arguments)
        if kind in _FOLDED:
            return self._fold(_FOLDED[kind], arguments)
        raise InputError(
            f"The formula uses {kind}, which is not supported: use exp, log, sin, abs and the like."
        )

    def _piecewise(self, expression: sp.Piecewise) -> int:
        value = self._constant(np.nan)
        for piece, condition in reversed(expression.args):
            value = self._emit(np.where, self._slot(condition), self._slot(piece), value)
        return value

    def _fold(self, function: Callable[..., Any], slots: Sequence[int]) -> int:
        result = slots[0]
        for slot in slots[1:]:
            result = self._emit(function, result, slot)
        return result

    def _sum(self, expression: sp.Expr) -> int:
        added, subtracted = [], []
        for term in expression.args:
            if term.is_Mul and term.args[0].is_Number and term.args[0].is_negative:
                subtracted.append(self._slot(-term))
            else:
                added.append(self._slot(term))
        if not added:
            return self._emit(np.negative, self._fold(np.add, subtracted))
        return self._fold(np.subtract, [self._fold(np.add, added), *subtracted])

    def _product(self, expression: sp.Expr) -> int:
        above, below = [], []
        for factor in expression.args:
            if factor.is_Pow and factor.exp.is_Rational and factor.exp.is_negative:
                below.append(self._slot(1 / factor))
            else:
                above.append(self._slot(factor))
        numerator = self._fold(np.multiply, above) if above else self._constant(1.0)
        return self._emit(np.divide, numerator, self._fold(np.multiply, below)) if below else numerator

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> int:
        slot = self._slot(base)
        if exponent.is_Rational and exponent.is_negative:
            return self._emit(np.divide, self._constant(1.0), self._power(base, -exponent))
        if exponent == sp.Rational(1, 2):
            return self._emit(np.sqrt, slot)
        if exponent.is_Integer and exponent <= 64:
            return self._integer_power(slot, int(exponent))
        return self._emit(np.power, slot, self._slot(exponent))

    def _integer_power(self, slot: int, exponent: int) -> int:
        if exponent == 1:
            return slot
        half = self._integer_power(slot, exponent // 2)
        square = self._emit(np.multiply, half, half)
        return self._emit(np.multiply, square, slot) if exponent % 2 else square
