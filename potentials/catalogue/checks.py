"""What the options of a landscape may be."""

from __future__ import annotations

from potentials.errors import InputError
from potentials.inputs import finite_parameter

__all__ = ["positive", "variable_names", "whole"]


def variable_names(dim: int) -> list[str]:
    """The variables of a landscape of `dim` coordinates: x, or x1, x2, ..."""
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= 10_000:
        raise InputError(f"The dimension dim={dim!r} is not possible: give a whole number from 1 to 10000.")
    return ["x"] if dim == 1 else [f"x{i}" for i in range(1, dim + 1)]


def whole(name: str, key: str, value: object, low: int, high: int) -> int:
    """A count; a float that is a whole number is one, because a shell has only floats."""
    number = finite_parameter(key, value)
    if not number.is_integer() or not low <= number <= high:
        raise InputError(
            f"The number {key}={value!r} of {name} is not possible: give a whole number from {low} to {high}."
        )
    return int(number)


def positive(name: str, key: str, value: object) -> float:
    """A number above 0."""
    if isinstance(value, int | float) and not value > 0:
        raise InputError(f"The value {key}={value!r} of {name} is not positive: give a number above 0.")
    return finite_parameter(key, value)
