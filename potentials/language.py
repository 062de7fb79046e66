"""The language of formulas: its functions and constants, its names, and SymPy expressions that fit in it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import sympy as sp

from potentials.errors import InputError

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "check_name",
    "formula_text",
    "from_sympy",
    "is_unreal",
    "rewritten",
    "short_name",
    "shortened",
    "symbol",
]

_Rule = tuple[Callable[..., sp.Expr], Callable[..., float]]

FUNCTIONS: dict[str, _Rule] = {
    "exp": (sp.exp, math.exp),
    "log": (sp.log, math.log),
    "sin": (sp.sin, math.sin),
    "cos": (sp.cos, math.cos),
    "tan": (sp.tan, math.tan),
    "sqrt": (sp.sqrt, math.sqrt),
    "abs": (sp.Abs, abs),
    "Abs": (sp.Abs, abs),
    "sign": (sp.sign, lambda v: math.copysign(1.0, v) if v else 0.0),
    "sinh": (sp.sinh, math.sinh),
    "cosh": (sp.cosh, math.cosh),
    "tanh": (sp.tanh, math.tanh),
    "min": (sp.Min, min),
    "Min": (sp.Min, min),
    "max": (sp.Max, max),
    "Max": (sp.Max, max),
}
"""Functions a formula may call: the SymPy function and its value on floats."""

CONSTANTS: dict[str, sp.Expr] = {"pi": sp.pi, "E": sp.E}

VARIADIC = frozenset({"min", "Min", "max", "Max"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
ALLOWED = "exp, log, sin, cos, tan, sqrt, abs, sign, sinh, cosh, tanh, min and max"
_NOT_REAL = (sp.I, sp.zoo, sp.nan, sp.oo, sp.S.NegativeInfinity)
_NODES = frozenset({sp.Add, sp.Mul, sp.Pow, sp.log, sp.Min, sp.Max} | {f for f, _ in FUNCTIONS.values()})
_RECIPROCALS: dict[Any, Callable[[sp.Expr], sp.Expr]] = {
    sp.cot: lambda u: sp.cos(u) / sp.sin(u),
    sp.coth: lambda u: sp.cosh(u) / sp.sinh(u),
    sp.sec: lambda u: 1 / sp.cos(u),
    sp.csc: lambda u: 1 / sp.sin(u),
}
"""SymPy turns tan(x + pi/2) into -cot(x) of its own accord; these bring it back into the language."""

_SORTED_TERMS = 100


def symbol(name: str) -> sp.Symbol:
    """The symbol of a variable or parameter; every symbol of this package is real and is made here.

    Raises
    ------
    InputError
        If `name` is not a plain name (letters, digits, underscores, a letter first) or names a function.
    """
    check_name(name)
    return sp.Symbol(name, real=True)


def check_name(name: str) -> None:
    """Raise `InputError` unless `name` can name a variable or a parameter."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        reason = (
            "names that start with an underscore are reserved"
            if str(name).startswith("_")
            else "it is no name"
        )
        raise InputError(
            f"{shortened(str(name))!r} cannot be a variable or parameter ({reason}): use letters, digits and "
            "underscores, a letter first."
        )
    if name in FUNCTIONS or name in CONSTANTS:
        raise InputError(
            f"{name!r} cannot be a variable or parameter because it is a built-in: choose another name."
        )


def from_sympy(expression: sp.Expr | float) -> sp.Expr:
    """The same formula in real symbols and exact numbers, as `parse_expression` would have made it.

    Raises
    ------
    InputError
        If the expression is not real and finite, or uses something that a formula cannot express.
    """
    given = expression
    try:
        expression = sp.sympify(expression, strict=True)  # strict: text inside is never evaluated
    except sp.SympifyError:
        expression = None
    if not isinstance(expression, sp.Expr):
        raise InputError(
            f"{shortened(repr(given))} is neither a formula nor a SymPy expression: give one of these."
        )
    names = {old: symbol(old.name) for old in expression.free_symbols if isinstance(old, sp.Symbol)}
    result = expression.xreplace({old: new for old, new in names.items() if old != new})
    if result.atoms(sp.Float):
        result = result.xreplace({f: sp.Rational(repr(float(f))) for f in result.atoms(sp.Float)})
    result = rewritten(result)
    if is_unreal(result):
        raise InputError(f"The expression {shortened(str(expression))!r} is not a finite real number.")
    for node in sp.preorder_traversal(result):
        if not (node.is_Symbol or node.is_Number or node.is_NumberSymbol or node.func in _NODES):
            raise InputError(
                f"The expression {shortened(str(expression))!r} contains {shortened(str(node), 30)!r}, "
                f"which a formula cannot express: the functions are {ALLOWED}."
            )
    return result


def is_unreal(expression: sp.Expr) -> bool:
    """Whether the expression holds an imaginary, infinite or undefined number."""
    return bool(expression.has(*_NOT_REAL))


def rewritten(expression: sp.Expr) -> sp.Expr:
    """The expression without the reciprocal functions that SymPy brings in by itself."""
    for function, quotient in _RECIPROCALS.items():
        if expression.has(function):
            expression = expression.replace(function, quotient)
    return expression


def shortened(text: str, length: int = 60) -> str:
    """The text, cut to a length that fits a message."""
    return text if len(text) <= length else text[: length - 3] + "..."


def formula_text(expression: sp.Expr) -> str:
    """The expression as a formula; a very long sum in SymPy's own order, which costs no sorting."""
    return sp.sstr(expression, order="none") if _is_long(expression) else str(expression)


def short_name(expression: sp.Expr) -> str:
    """What to call a landscape without a name: its formula, or the first terms of a very long one."""
    if not _is_long(expression):
        return str(expression)
    return f"{expression.func(*expression.args[:4])} + ... ({len(expression.args)} terms)"


def _is_long(expression: sp.Expr) -> bool:
    return bool(expression.is_Add) and len(expression.args) > _SORTED_TERMS
