"""Reads `key=value,key=value` as people type it."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
from typing import Any

from simdyn.errors import InputError

_STABLE = re.compile(r"alpha_stable\((.*)\)")


def parse_settings(text: str, option: str) -> dict[str, Any]:
    """Keys and values of "learning_rate=0.01,temperature=0.1".

    A value is a number, a list of lists of numbers and quoted expressions in brackets, alpha_stable(alpha,
    scale), or text, such as a formula or a schedule. Commas inside brackets do not separate.

    Raises
    ------
    InputError
        A part without "=", a key given twice, a single bracket, or brackets in brackets in brackets.
    """
    if "[[[" in text.replace(" ", ""):
        raise InputError(f"{option} nests brackets deeper than a matrix; give at most a list of lists.")
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        raise InputError(f"{option} is {text!r}, in which a bracket is not closed or not opened; mend that.")
    settings: dict[str, Any] = {}
    for part in split(text):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or not key.isidentifier() or not value:
            raise InputError(
                f"{option} contains {part.strip()!r}, which is not key=value; write such as key=0.1,other=2."
            )
        if key in settings:
            raise InputError(f"{option} gives {key} twice; give it once.")
        settings[key] = _value(value)
    return settings


def build(kind: type, text: str, option: str) -> Any:
    """An instance of the dataclass `kind` from its settings in text.

    Raises
    ------
    InputError
        An unknown key (with the nearest known one), or a required one that is missing.
    """
    settings = parse_settings(text, option)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in settings:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(fields)}."
            raise InputError(f"{option} has no setting {key!r}; {hint}")
    missing = [
        name
        for name, field in fields.items()
        if name not in settings
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(
            f"{option} lacks {', '.join(missing)}; give {', '.join(f'{name}=...' for name in missing)}."
        )
    return kind(**settings)


def parse_numbers(assignments: list[str], option: str) -> dict[str, float]:
    """Parameters from repeated `name=number` options.

    Raises
    ------
    InputError
        A part that is not name=number.
    """
    numbers: dict[str, float] = {}
    for assignment in assignments:
        for key, value in parse_settings(assignment, option).items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"{option} {key}={value} is not a number; give one, such as {key}=2.")
            numbers[key] = float(value)
    return numbers


def split(text: str) -> list[str]:
    """The parts of a text between commas that stand in no brackets."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    stable = _STABLE.fullmatch(text)
    if stable:
        from simdyn.dynamics import AlphaStable

        given = [_value(part.strip()) for part in split(stable[1])]
        if len(given) not in (1, 2):
            raise InputError(f"{text} must be alpha_stable(alpha, scale) or alpha_stable(alpha).")
        return AlphaStable(*given)
    if text.startswith("["):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return [_value(part.strip()) for part in split(text[1:-1])]
    return text.strip("\"'")
