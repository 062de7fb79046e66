"""From text to SymPy, without ever evaluating the text as Python code.

The text is parsed by Python's own grammar (`ast`, eval mode) and the tree is walked over a whitelist:
numbers, names, arithmetic, a few functions, and, in conditions, comparisons and logic. Everything else is
refused with one sentence. Decimal literals become exact rationals (0.1 is 1/10), so that derivatives and
polynomial roots are exact. All symbols are real: `symbol` makes every one of them.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import sympy as sp

from potentials.errors import InputError
from potentials.language import (
    ALLOWED,
    CONSTANTS,
    FUNCTIONS,
    VARIADIC,
    is_unreal,
    rewritten,
    shortened,
    symbol,
)

__all__ = ["parse_condition", "parse_expression", "symbol"]

MAX_TEXT = 50_000
MAX_DEPTH = 40
MAX_EXPONENT = 200
MAX_BITS = 4096
MAX_ARGUMENTS = 8

_RELATIONS: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: sp.Lt,
    ast.LtE: sp.Le,
    ast.Gt: sp.Gt,
    ast.GtE: sp.Ge,
}

_Number = float | None


def parse_expression(text: str, names: Iterable[str] | None = None) -> sp.Expr:
    """Read a formula such as "k*(x**4/4 - x**2/2)".

    Parameters
    ----------
    text
        Numbers, names, + - * / **, parentheses, the functions of `FUNCTIONS`, the constants pi and E.
    names
        If given, the only names the formula may use.

    Returns
    -------
    sympy.Expr
        In real symbols (see `symbol`) and exact rational numbers.

    Raises
    ------
    InputError
        If the text is not such a formula, is not real, or would be unreasonably large.
    """
    reader = _Reader(text, names)
    return reader.finished(reader.value(_tree(text), 0)[0])


def parse_condition(text: str, names: Iterable[str] | None = None) -> sp.logic.boolalg.Boolean:
    """Read a condition such as "(x >= 0) | (-3 <= y < 1)".

    Parameters
    ----------
    text
        Comparisons <, <=, >, >= of formulas, chained or joined by & | ~ or and, or, not.
    names
        If given, the only names the condition may use.

    Returns
    -------
    sympy.logic.boolalg.Boolean
        And, Or, Not of relations between real expressions.

    Raises
    ------
    InputError
        If the text is not a condition, or holds always or never.
    """
    condition = _Reader(text, names).condition(_tree(text), 0)
    if condition in (sp.true, sp.false):
        word = "always holds" if condition == sp.true else "can never hold"
        raise InputError(
            f"The condition {shortened(text)!r} {word}: compare an expression of the variables with a number."
        )
    return condition


def _tree(text: str) -> ast.expr:
    """The syntax tree of the text, read as one line so that positions count characters."""
    if not isinstance(text, str):
        raise InputError(f"A formula must be text, not {type(text).__name__}.")
    if len(text) > MAX_TEXT:
        raise InputError(f"The formula has {len(text)} characters: shorten it to at most {MAX_TEXT}.")
    line = _one_line(text)
    if not line.strip():
        raise InputError('The formula is empty: write for example "x**4/4 - x**2/2".')
    if "#" in line or not line.isascii():
        odd = "#" if "#" in line else next(c for c in line if not c.isascii())
        raise InputError(
            f"The formula {shortened(text)!r} contains {odd!r}: use plain ASCII letters and operators."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(line, mode="eval").body
    except SyntaxError as error:
        where = max(0, (error.offset or 1) - 1)
        product = re.search(r"\d\s*[A-Za-z(]|\)\s*[\w(]", line)
        remedy = "write products with *" if product else "check brackets and operators"
        raise InputError(
            f"The formula {shortened(text)!r} cannot be read at character {where + 1} "
            f"(near {shortened(line[max(0, where - 5) : where + 10], 20)!r}): {remedy}."
        ) from None
    except (RecursionError, MemoryError):
        raise InputError(f"The formula {shortened(text)!r} is nested too deeply: simplify it.") from None
    except ValueError:
        raise InputError(
            f"The formula {shortened(text)!r} contains a character or number that cannot be read."
        ) from None


def _one_line(text: str) -> str:
    return re.sub(r"\s", " ", text.strip())


class _Reader:
    """Walks one syntax tree; a value without symbols carries its float, so that nothing huge is built."""

    def __init__(self, text: str, names: Iterable[str] | None) -> None:
        self.text = text
        self.line = _one_line(text) if isinstance(text, str) else ""
        self.names = None if names is None else tuple(names)

    def refuse(self, reason: str) -> NoReturn:
        raise InputError(f"The formula {shortened(self.text)!r} {reason}.")

    def finished(self, expression: sp.Expr) -> sp.Expr:
        if is_unreal(expression):
            self.refuse("is not a finite real number: look for a division by zero or a negative root")
        if any(p.exp.is_Integer and abs(p.exp) > MAX_EXPONENT for p in expression.atoms(sp.Pow)):
            self.refuse(f"contains a power above {MAX_EXPONENT}: lower the exponent")
        if any(len(item.args) > MAX_ARGUMENTS for item in expression.atoms(sp.Min, sp.Max)):
            self.refuse(f"takes the minimum or maximum of more than {MAX_ARGUMENTS} things: use fewer")
        return rewritten(expression)

    def value(self, node: ast.expr, depth: int) -> tuple[sp.Expr, _Number]:
        if depth > MAX_DEPTH:
            self.refuse("is nested too deeply: simplify it")
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name():
                return self.name(node.id)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.total(node, depth)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return self.product(node, depth)
            case ast.BinOp(op=ast.Pow()):
                return self.power(node, depth)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                inner, number = self.value(node.operand, depth + 1)
                if isinstance(node.op, ast.UAdd):
                    return inner, number
                return -inner, None if number is None else -number
            case ast.Call():
                return self.call(node, depth)
            case ast.BinOp(op=ast.BitXor()):
                self.refuse("uses ^, which is no power here: use **")
            case ast.Compare() | ast.BoolOp() | ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                self.refuse("contains a comparison or a logical operator where a number is expected")
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                self.refuse("contains a logical operator where a number is expected")
        piece = shortened(self.line[node.col_offset : node.end_col_offset], 30)
        self.refuse(
            f"contains {piece!r}, which is not allowed: use numbers, names, + - * / ** and functions only"
        )

    def number(self, node: ast.Constant) -> tuple[sp.Expr, _Number]:
        literal = self.line[node.col_offset : node.end_col_offset].replace("_", "")
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(
                f"contains {shortened(literal, 30)!r}, which is not a real number: use plain decimal numbers"
            )
        if len(literal) > MAX_BITS // 4 or abs(value) > 1e300 or (value != 0 and abs(value) < 1e-300):
            self.refuse(f"contains the number {shortened(literal, 30)}, out of range: rescale it")
        if isinstance(value, int):
            return sp.Integer(value), float(value)
        if value == 0.0:
            if literal.lower().split("e")[0].strip("0."):
                self.refuse(f"contains the number {shortened(literal, 30)}, out of range: rescale it")
            return sp.Integer(0), 0.0
        return sp.Rational(literal), value

    def name(self, name: str) -> tuple[sp.Expr, _Number]:
        if name in CONSTANTS:
            return CONSTANTS[name], float(CONSTANTS[name])
        if name in FUNCTIONS:
            self.refuse(f"uses the function {name} without brackets: write {name}(...)")
        if name.startswith("_"):
            self.refuse(
                f"contains the name {shortened(name, 30)!r}: names that start with an underscore are reserved"
            )
        if self.names is not None and name not in self.names:
            close = difflib.get_close_matches(name, self.names, 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            known = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
            self.refuse(f"contains the unknown name {shortened(name, 30)!r}{hint}: the names are {known}")
        return symbol(name), None

    def chain(self, node: ast.expr, kinds: tuple[type[ast.operator], ...]) -> list[tuple[bool, ast.expr]]:
        """Operands of a left-leaning chain of two inverse operators, each with whether it is inverted."""
        parts: list[tuple[bool, ast.expr]] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, kinds):
            parts.append((isinstance(node.op, kinds[1]), node.right))
            node = node.left
        parts.append((False, node))
        return parts[::-1]

    def total(self, node: ast.expr, depth: int) -> tuple[sp.Expr, _Number]:
        terms: list[sp.Expr] = []
        total: _Number = 0.0
        for minus, part in self.chain(node, (ast.Add, ast.Sub)):
            term, number = self.value(part, depth + 1)
            terms.append(-term if minus else term)
            total = None if total is None or number is None else total + (-number if minus else number)
        return self.bounded(sp.Add(*terms), total)

    def product(self, node: ast.expr, depth: int) -> tuple[sp.Expr, _Number]:
        factors: list[sp.Expr] = []
        product: _Number = 1.0
        for below, part in self.chain(node, (ast.Mult, ast.Div)):
            factor, number = self.value(part, depth + 1)
            if below and (factor == 0 or number == 0.0):
                self.refuse("divides by zero")
            factors.append(sp.Pow(factor, -1) if below else factor)
            if product is not None:
                product = None if number is None else (product / number if below else product * number)
                self.bounded(sp.Integer(0), product)
        if len(factors) > MAX_BITS:
            self.refuse("contains a product of too many factors: simplify it")
        return self.bounded(sp.Mul(*factors), product)

    def power(self, node: ast.BinOp, depth: int) -> tuple[sp.Expr, _Number]:
        base, base_number = self.value(node.left, depth + 1)
        exponent, exponent_number = self.value(node.right, depth + 1)
        if exponent_number is None:
            if base == 0:
                self.refuse("contains a power of zero with a variable exponent")
            return sp.Pow(base, exponent), None
        bits = max(1, base.p.bit_length(), base.q.bit_length()) if base.is_Rational else 1
        if abs(exponent_number) * bits > MAX_BITS or abs(exponent_number) > MAX_EXPONENT:
            self.refuse(
                f"contains a power with the exponent {exponent_number:g}, which is too large: "
                f"use at most {MAX_EXPONENT}"
            )
        if base_number is None:
            return sp.Pow(base, exponent), None
        if base_number == 0.0 and exponent_number < 0:
            self.refuse("divides by zero")
        try:
            number = base_number**exponent_number
        except OverflowError:
            number = math.inf
        if isinstance(number, complex):
            self.refuse("takes a root of a negative number, which is not real")
        return self.bounded(sp.Pow(base, exponent), number)

    def call(self, node: ast.Call, depth: int) -> tuple[sp.Expr, _Number]:
        if not isinstance(node.func, ast.Name):
            self.refuse(f"calls something that is not a plain function: the functions are {ALLOWED}")
        name = node.func.id
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name.lower(), FUNCTIONS, 1)
            hint = f" (did you mean {close[0]}?)" if close else " (write a product with *)"
            self.refuse(
                f"calls the unknown function {shortened(name, 30)!r}{hint}: the functions are {ALLOWED}"
            )
        count = len(node.args)
        wrong = not 2 <= count <= MAX_ARGUMENTS if name in VARIADIC else count != 1
        if node.keywords or wrong:
            need = f"2 to {MAX_ARGUMENTS} arguments" if name in VARIADIC else "exactly one argument"
            self.refuse(f"calls {name} with the wrong arguments: it takes {need}")
        values = [self.value(argument, depth + 1) for argument in node.args]
        make, evaluate = FUNCTIONS[name]
        numbers = [number for _, number in values if number is not None]
        result: _Number = None
        if len(numbers) == count:
            try:
                result = float(evaluate(*numbers))
            except OverflowError:
                result = math.inf
            except ValueError:
                self.refuse(f"takes {name} of {numbers[0]:g}, which is not a real number")
            self.bounded(sp.Integer(0), result)
        return self.bounded(make(*(expression for expression, _ in values)), result)

    def bounded(self, expression: sp.Expr, number: _Number) -> tuple[sp.Expr, _Number]:
        if number is not None and not abs(number) < 1e300:
            self.refuse("contains a number that is too large: rescale it")
        if expression.is_Rational and max(expression.p.bit_length(), expression.q.bit_length()) > MAX_BITS:
            self.refuse("contains a number with too many digits: round it")
        return expression, number

    def condition(self, node: ast.expr, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.refuse("is nested too deeply: simplify it")
        match node:
            case ast.BoolOp():
                parts = [self.condition(part, depth + 1) for part in node.values]
                return sp.And(*parts) if isinstance(node.op, ast.And) else sp.Or(*parts)
            case ast.BinOp(op=ast.BitAnd()):
                return sp.And(self.condition(node.left, depth + 1), self.condition(node.right, depth + 1))
            case ast.BinOp(op=ast.BitOr()):
                return sp.Or(self.condition(node.left, depth + 1), self.condition(node.right, depth + 1))
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                return sp.Not(self.condition(node.operand, depth + 1))
            case ast.Compare():
                return self.comparison(node, depth)
        self.refuse('is not a condition: write a comparison such as "x >= 0"')

    def comparison(self, node: ast.Compare, depth: int) -> Any:
        sides = [node.left, *node.comparators]
        for side in sides:
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.BitAnd | ast.BitOr):
                self.refuse(
                    "mixes comparisons with & or |: put each comparison in brackets, (x >= 0) & (y >= 0)"
                )
        values = [self.finished(self.value(side, depth + 1)[0]) for side in sides]
        relations = []
        for left, operator, right in zip(values, node.ops, values[1:], strict=False):
            if type(operator) not in _RELATIONS:
                self.refuse("compares with something other than <, <=, > or >=: use one of these")
            relations.append(_RELATIONS[type(operator)](left, right))
        return sp.And(*relations)
