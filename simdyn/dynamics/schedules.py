"""Settings that may change with the step: learning rate, batch size, temperature."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import TypeAlias

import numpy as np
import sympy

from potentials import parse_expression
from potentials.tape import Tape
from simdyn.dynamics.checks import number, positive
from simdyn.dynamics.update import CLOCK
from simdyn.errors import InputError

Schedule: TypeAlias = float | str | sympy.Expr
"""A number, an expression of `step`, "cosine(first, last, steps)" or "stepwise(first, step, then, ...)"."""

_CALL = re.compile(r"\s*(cosine|stepwise)\s*\((.*)\)\s*")
_PROBES = np.unique(np.concatenate([np.arange(200), np.geomspace(200, 1e9, 200).astype(int)]))
"""Steps at which a schedule is looked at before it is used."""


@dataclass(frozen=True)
class Setting:
    """A setting as the symbols of an update see it.

    Attributes
    ----------
    name
        Of the field, such as "learning_rate".
    expression
        The schedule in `CLOCK`, or None for a constant.
    value
        The constant, or the value at step 0.
    """

    name: str
    expression: sympy.Expr | None
    value: float

    @property
    def symbol(self) -> sympy.Symbol:
        """Stands for the constant in expressions."""
        return sympy.Symbol(f"_{self.name}", positive=True)

    def at(self, steps: np.ndarray) -> np.ndarray:
        """Values at steps; same shape."""
        if self.expression is None:
            return np.full(np.shape(steps), self.value)
        return _evaluated(self.expression, np.asarray(steps))

    @property
    def term(self) -> sympy.Expr:
        """What expressions use: the schedule, or the symbol of the constant."""
        return self.symbol if self.expression is None else self.expression


def setting(
    name: str,
    given: Schedule,
    check: Callable[[str, object], float],
    later: Callable[[str, object], float] | None = None,
) -> Setting:
    """The setting that a person gave, checked at step 0 and, for a schedule, at many steps up to 10^9.

    A schedule may end where a constant must not be: a learning rate that decays reaches zero, be it by
    underflow, and what comes then is a path at rest.

    Parameters
    ----------
    name
        Of the field.
    given
        A number or a schedule.
    check
        Refuses numbers that are out of range.
    later
        The same for a schedule after step 0, if that is another range.

    Raises
    ------
    InputError
        A number out of range, an expression of anything but `step`, or one that leaves the range at some
        step.
    """
    if isinstance(given, Real):
        return Setting(name, None, check(name, given))
    expression = _expression(name, given) if isinstance(given, str | sympy.Expr) else None
    if expression is None or not expression.has(CLOCK):
        raise InputError(
            f"{name} is {given!r}, but it must be a finite number or a schedule such as "
            f'"0.1/(1 + step/1000)", "cosine(0.1, 0.01, 1000)" or "stepwise(0.1, 1000, 0.01)".'
        )
    values = _evaluated(expression, _PROBES)
    for step, value in zip(_PROBES, values, strict=True):
        try:
            (check if step == 0 or later is None else later)(name, float(value))
        except InputError:
            raise InputError(
                f"The schedule {name}={given} is {value:.6g} at step {step}, which is out of range; "
                "change it so that it stays within, as max(..., ...) or min(..., ...) make it."
            ) from None
    return Setting(name, expression, float(values[0]))


def _evaluated(expression: sympy.Expr, steps: np.ndarray) -> np.ndarray:
    """The schedule at steps, with every digit of its numbers; NaN where it does not exist."""
    (values,) = Tape([CLOCK], [expression])(steps.astype(float))
    return np.broadcast_to(values, steps.shape).astype(float)


def cosine(first: float, last: float, steps: float) -> sympy.Expr:
    """Half a cosine from `first` at step 0 to exactly `last` at `steps`, and `last` from there on.

    Raises
    ------
    InputError
        What is no finite number, or steps that are not above 0.
    """
    first, last = number("first", first), number("last", last)
    turn = sympy.cos(sympy.pi * CLOCK / positive("steps", steps))
    # A sum that ends at `last` up to rounding might end below zero.
    return sympy.Piecewise(((first + last) / 2 + (first - last) / 2 * turn, steps > CLOCK), (last, True))


def stepwise(first: float, *changes: float) -> sympy.Expr:
    """`first`, until steps n1 < n2 < ... bring new values: stepwise(0.1, 1000, 0.01, 5000, 0.001).

    Raises
    ------
    InputError
        What is no finite number, a step without a value, or steps that do not increase.
    """
    steps = [number("a step of stepwise", step) for step in changes[::2]]
    values = [number("a value of stepwise", value) for value in (first, *changes[1::2])]
    if len(steps) != len(values) - 1 or any(b <= a for a, b in zip([0, *steps], steps, strict=False)):
        raise InputError(
            f"stepwise({', '.join(map(str, (first, *changes)))}) must name a value, then pairs of an "
            "increasing step and the value from there on."
        )
    until = [(value, step > CLOCK) for value, step in zip(values, steps, strict=False)]
    return sympy.Piecewise(*until, (values[-1], True)) if steps else sympy.sympify(first)


def _expression(name: str, given: str | sympy.Expr) -> sympy.Expr:
    if isinstance(given, str):
        call = _CALL.fullmatch(given)
        if call:
            return _called(name, given, *call.groups())
        given = parse_expression(given)
    unknown = sorted(s.name for s in given.free_symbols if s.name != "step" and s != CLOCK)
    if unknown:
        raise InputError(f"The schedule {name}={given} uses {', '.join(unknown)}; its one variable is step.")
    return given.xreplace(dict.fromkeys(given.free_symbols, CLOCK))


def _called(name: str, text: str, function: str, arguments: str) -> sympy.Expr:
    try:
        numbers = [number(name, float(part)) for part in arguments.split(",")]
    except ValueError:
        raise InputError(f"The schedule {name}={text} must contain nothing but numbers.") from None
    if function == "cosine":
        if len(numbers) != 3 or numbers[2] <= 0:
            raise InputError(
                f"The schedule {name}={text} must be cosine(first, last, steps) with steps above 0."
            )
        return cosine(*numbers)
    return stepwise(*numbers)
