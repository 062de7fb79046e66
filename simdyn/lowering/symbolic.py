"""From SymPy expressions to operation trees.

Whatever depends on no variable is computed once on the host and handed in as a run-time constant, so that a
sweep over parameters, learning rates or exit positions runs one and the same compiled kernel.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import sympy

from potentials.renaming import structure
from simdyn.errors import InputError
from simdyn.lowering.tree import Builder, Node

_UNARY = {sympy.Abs: "abs", sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos"}
_RELATIONS = {
    sympy.StrictLessThan: "lt",
    sympy.LessThan: "le",
    sympy.StrictGreaterThan: "gt",
    sympy.GreaterThan: "ge",
}


@dataclass
class Constants:
    """The run-time constants that a kernel takes: expressions of parameters, in the order of first use."""

    expressions: list[sympy.Expr] = field(default_factory=list)
    _places: dict[sympy.Expr, int] = field(default_factory=dict, repr=False)

    def name_of(self, expression: sympy.Expr) -> str:
        """The name under which kernels know the value of `expression`."""
        if expression not in self._places:
            self._places[expression] = len(self.expressions)
            self.expressions.append(expression)
        return f"c{self._places[expression]}"

    def evaluate(self, values: Mapping[str, float]) -> list[float]:
        """The constants for the given parameter values, each correctly rounded from 30 digits.

        Raises
        ------
        InputError
            A constant that is not a finite real number.
        """
        exact = {name: sympy.Float(value, 30) for name, value in values.items()}
        computed = []
        for expression in self.expressions:
            known = {symbol: exact[symbol.name] for symbol in expression.free_symbols}
            number = sympy.N(expression.xreplace(known), 30)
            value = float(number) if number.is_real else float("nan")
            if not -1e308 < value < 1e308:
                raise InputError(
                    f"The coefficient {expression} is {number} for these parameters; it must be finite."
                )
            computed.append(value)
        return computed


class Lowering:
    """Converts expressions of given variables; one per kernel, so that equal parts are shared between
    them."""

    def __init__(self, builder: Builder, constants: Constants) -> None:
        self.builder = builder
        self.constants = constants
        self._known: dict[Hashable, tuple[Node, list[Node]]] = {}

    def convert(self, expression: sympy.Expr, variables: Mapping[sympy.Symbol, Node]) -> Node:
        """The tree of `expression`, with each variable replaced by its node.

        Raises
        ------
        InputError
            A function that kernels do not have.
        """
        expression = sympy.sympify(expression)
        key, names = structure(expression, variables)
        leaves = [variables[name] for name in names]
        if not names or any(leaf.op != "name" for leaf in leaves):
            return _Conversion(self, dict(zip(names, leaves, strict=True))).convert(expression)
        if key not in self._known:
            conversion = _Conversion(self, dict(zip(names, leaves, strict=True)))
            self._known[key] = conversion.convert(expression), leaves
        tree, first = self._known[key]
        return tree if leaves == first else self.builder.replaced(tree, dict(zip(first, leaves, strict=True)))


class _Conversion:
    def __init__(self, lowering: Lowering, variables: Mapping[sympy.Symbol, Node]) -> None:
        self.build = lowering.builder
        self.constants = lowering.constants
        self.variables = variables
        self.symbols = set(variables)

    def convert(self, e: sympy.Basic) -> Node:
        if e in (sympy.true, sympy.false):
            return self.build.op("true" if e == sympy.true else "false")
        if not self._varies(e):
            return self._constant(e)
        if e.is_Symbol:
            return self.variables[e]
        if e.is_Add or e.is_Mul:
            polynomial = self._polynomial(e)
            if polynomial is not None:
                return polynomial
            return self._sum(e) if e.is_Add else self._product(e)
        if e.is_Pow:
            return self._power(e.base, e.exp)
        return self._function(e)

    def _varies(self, e: sympy.Basic) -> bool:
        return bool(e.free_symbols & self.symbols)

    def _constant(self, e: sympy.Expr) -> Node:
        if e.is_Number:
            return self.build.const(float(e))
        return self.build.name(self.constants.name_of(e))

    def _sum(self, e: sympy.Expr) -> Node:
        still, moving = e.as_independent(*self.symbols, as_Add=True)
        terms = [self.convert(term) for term in _ordered(moving.args if moving.is_Add else (moving,))]
        if still != 0:
            terms.insert(0, self._constant(still))
        return self.build.add(terms)

    def _product(self, e: sympy.Expr) -> Node:
        still, moving = e.as_independent(*self.symbols, as_Add=False)
        numerator, denominator = [], []
        for factor in _ordered(moving.args if moving.is_Mul else (moving,)):
            if factor.is_Pow and factor.exp.is_number and factor.exp.is_negative:
                denominator.append(self._power(factor.base, -factor.exp))
            else:
                numerator.append(self.convert(factor))
        negative = still == -1
        if still != 1 and not negative:
            numerator.insert(0, self._constant(still))
        value = self.build.product(numerator)
        if denominator:
            value = self.build.op("div", value, self.build.product(denominator))
        return self.build.op("neg", value) if negative else value

    def _polynomial(self, e: sympy.Expr) -> Node | None:
        """Horner's rule, if `e` is as good as an expanded polynomial of one variable, of degree 2 or more."""
        moving = e.free_symbols & self.symbols
        if len(moving) != 1:
            return None
        (variable,) = moving
        if not _expands_safely(e, variable):
            return None
        poly = sympy.Poly(e, variable)
        if poly.degree() < 2 or len(poly.monoms()) < 2:
            return None
        x = self.variables[variable]
        (degree, *_), *rest = poly.monoms()
        value = self._constant(poly.coeff_monomial(variable**degree))
        for (power, *_), coefficient in zip(rest, poly.coeffs()[1:], strict=True):
            value = self.build.op(
                "fma", value, self.build.power(x, degree - power), self._constant(coefficient)
            )
            degree = power
        return self.build.op("mul", value, self.build.power(x, degree)) if degree else value

    def _power(self, base: sympy.Expr, exponent: sympy.Expr) -> Node:
        b = self.build
        if exponent.is_Float and float(2 * exponent).is_integer():
            exponent = sympy.Rational(float(exponent))
        if exponent.is_Integer and exponent > 0:
            return b.power(self.convert(base), int(exponent))
        if exponent.is_number and exponent.is_negative:
            return b.op("div", b.const(1.0), self._power(base, -exponent))
        if base == sympy.E:
            return b.op("exp", self.convert(exponent))
        twice = 2 * exponent
        if twice.is_Integer and twice < 64:
            node = self.convert(base)
            root = b.op("sqrt", node)
            whole = int(exponent - sympy.Rational(1, 2))
            return b.op("mul", b.power(node, whole), root) if whole else root
        if self._varies(exponent) or exponent.is_number:
            return b.op("exp", b.op("mul", self.convert(exponent), b.op("log", self.convert(base))))
        return self._run_time_power(self.convert(base), exponent)

    def _run_time_power(self, base: Node, exponent: sympy.Expr) -> Node:
        """|base|^p with the sign of an integer power; a negative base to any other power is not a number."""
        b = self.build
        zero, one = b.const(0.0), b.const(1.0)
        size = b.op("exp", b.op("mul", self._constant(exponent), b.op("log", b.op("abs", base))))
        # 1 and -1 for even and odd powers, 0 for those that are no integers.
        parity = sympy.Piecewise(
            (1, sympy.Eq(sympy.Mod(exponent, 2), 0)), (-1, sympy.Eq(sympy.Mod(exponent, 2), 1)), (0, True)
        )
        sign = self._constant(parity)
        signed = b.op(
            "mul", b.op("select", b.op("lt", b.op("abs", sign), one), b.const(math.nan), sign), size
        )
        return b.op("select", b.op("lt", base, zero), signed, size)

    def _function(self, e: sympy.Basic) -> Node:
        b = self.build
        if e.func in _UNARY:
            return b.op(_UNARY[e.func], self.convert(e.args[0]))
        if e.func in _RELATIONS:
            return b.op(_RELATIONS[e.func], self.convert(e.args[0]), self.convert(e.args[1]))
        if e.func in (sympy.And, sympy.Or):
            parts = [self.convert(argument) for argument in _ordered(e.args)]
            return b.both(parts) if e.func is sympy.And else b.either(parts)
        if e.func is sympy.Not:
            return b.op("not", self.convert(e.args[0]))
        if e.func in (sympy.Max, sympy.Min):
            op = "gt" if e.func is sympy.Max else "lt"
            first, *others = [self.convert(argument) for argument in _ordered(e.args)]
            for other in others:
                first = b.op("select", b.op(op, first, other), first, other)
            return first
        if e.func is sympy.Piecewise:
            value = b.const(math.nan)
            for expression, condition in reversed(e.args):
                if condition == sympy.true:
                    value = self.convert(expression)
                    continue
                value = b.op("select", self.convert(condition), self.convert(expression), value)
            return value
        if e.func is sympy.sign:
            return self._sign(self.convert(e.args[0]), b.const(0.0))
        if e.func is sympy.Heaviside:
            x = self.convert(e.args[0])
            half = b.op("mul", b.const(0.5), self._sign(x, b.const(0.0)))
            return b.op("add", b.const(0.5), half)
        if e.func is sympy.DiracDelta:
            # The second derivative of a kink; it is zero wherever a path can be.
            return b.const(0.0)
        if e.func is sympy.tan:
            x = self.convert(e.args[0])
            return b.op("div", b.op("sin", x), b.op("cos", x))
        if e.func in (sympy.sinh, sympy.cosh, sympy.tanh):
            return self._hyperbolic(e)
        raise InputError(
            f"The function {e.func.__name__} is not available in compiled kernels; use exp, log, sin, cos, "
            "tan, sqrt, abs, sign, sinh, cosh, tanh, min or max."
        )

    def _sign(self, x: Node, zero: Node) -> Node:
        b = self.build
        negative = b.op("select", b.op("lt", x, zero), b.const(-1.0), zero)
        return b.op("select", b.op("gt", x, zero), b.const(1.0), negative)

    def _hyperbolic(self, e: sympy.Expr) -> Node:
        """By exp(-2|x|) for tanh, which cannot overflow, and exp(x), exp(-x) for the others."""
        b = self.build
        x = self.convert(e.args[0])
        if e.func is sympy.tanh:
            decay = b.op("exp", b.op("mul", b.const(-2.0), b.op("abs", x)))
            one = b.const(1.0)
            ratio = b.op("div", b.op("sub", one, decay), b.op("add", one, decay))
            return b.op("select", b.op("lt", x, b.const(0.0)), b.op("neg", ratio), ratio)
        up, down = b.op("exp", x), b.op("exp", b.op("neg", x))
        return b.op("mul", b.const(0.5), b.op("sub" if e.func is sympy.sinh else "add", up, down))


def _ordered(args: tuple[sympy.Basic, ...]) -> list[sympy.Basic]:
    return sorted(args, key=sympy.default_sort_key)


def _expands_safely(e: sympy.Expr, variable: sympy.Symbol) -> bool:
    """Whether `e` is a polynomial that multiplies at most one sum with powers of the variable and constants.

    To expand more, such as (x - 1000)**3, would cancel digits that the formula as it stands keeps.
    """
    if not e.has(variable) or e == variable:
        return True
    if e.is_Pow:
        return e.base == variable and e.exp.is_Integer and e.exp.is_positive
    if e.is_Add:
        return all(_expands_safely(term, variable) for term in e.args)
    if e.is_Mul:
        sums = sum(factor.is_Add and factor.has(variable) for factor in e.args)
        return sums <= 1 and all(_expands_safely(factor, variable) for factor in e.args)
    return False
