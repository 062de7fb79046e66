"""Checks of the numbers that describe a dynamics, with messages for people."""

from __future__ import annotations

import math
from numbers import Real

from simdyn.errors import InputError


def number(name: str, value: object) -> float:
    """`value` as a finite float, or an InputError that names it."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(float(value)):
        raise InputError(f"{name} is {value!r}, but it must be a finite number.")
    return float(value)


def positive(name: str, value: object) -> float:
    """`value` as a positive finite float, or an InputError that names it."""
    checked = number(name, value)
    if checked <= 0:
        raise InputError(f"{name} is {value!r}, but it must be greater than zero.")
    return checked


def positive_or_infinite(name: str, value: object) -> float:
    """`value` as a float above zero, infinity included, or an InputError that names it."""
    if isinstance(value, Real) and not isinstance(value, bool) and float(value) == math.inf:
        return math.inf
    return positive(name, value)


def not_negative(name: str, value: object) -> float:
    """`value` as a finite float of at least zero, or an InputError that names it."""
    checked = number(name, value)
    if checked < 0:
        raise InputError(f"{name} is {value!r}, but it must not be negative.")
    return checked
