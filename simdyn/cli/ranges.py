"""Reads several values as people type them: NAME=LOW:HIGH:COUNT, or a list."""

from __future__ import annotations

import math

from simdyn.cli.settings import parse_settings
from simdyn.errors import InputError

MOST = 1_000
DEFAULT = 24


def parse_ranges(texts: list[str], option: str) -> dict[str, list[float]]:
    """Names and values of ["temperature=0.02:0.4", "tilt=-0.3:0.3:13:even", "batch_size=[1, 2, 4]"].

    A range is spaced by equal ratios, which needs positive ends, or with `:even` by equal steps.

    Raises
    ------
    InputError
        A part that is none of these, a name given twice, or a range that cannot be spaced so.
    """
    ranges: dict[str, list[float]] = {}
    for text in texts:
        for name, value in parse_settings(text, option).items():
            if name in ranges:
                raise InputError(f"{option} gives {name} twice; give it once.")
            ranges[name] = _values(name, value, option)
    return ranges


def listed(text: str, option: str) -> list[float]:
    """Numbers between commas.

    Raises
    ------
    InputError
        Something that is not a number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{option} is {text!r}, but it must be numbers separated by commas.") from None


def _values(name: str, value: object, option: str) -> list[float]:
    if isinstance(value, list):
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
            raise InputError(f"{option} {name}={value} contains something that is not a number.")
        return [float(one) for one in value]
    parts = str(value).split(":")
    even = len(parts) > 2 and parts[-1].strip() == "even"
    numbers = parts[:-1] if even else parts
    try:
        low, high = float(numbers[0]), float(numbers[1])
        count = int(numbers[2]) if len(numbers) > 2 else DEFAULT
        if len(numbers) > 3 or not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError
    except (ValueError, IndexError):
        raise InputError(
            f"{option} is {f'{name}={value}'!r}, but it must be like {name}=0.01:1, {name}=0.01:1:24, "
            f"{name}=0:1:24:even or {name}=[0.01, 0.1, 1]."
        ) from None
    if not 2 <= count <= MOST:
        raise InputError(f"{option} {name} has {count} values, but it must have from 2 to {MOST:,}.")
    if not low < high:
        raise InputError(f"{option} {name} goes from {low:g} to {high:g}; give the smaller end first.")
    if even:
        return [low + (high - low) * k / (count - 1) for k in range(count - 1)] + [high]
    if low <= 0:
        raise InputError(
            f"{option} {name} begins at {low:g}, but values spaced by ratios are positive; add :even for "
            "equal steps."
        )
    return [low * (high / low) ** (k / (count - 1)) for k in range(count - 1)] + [high]
