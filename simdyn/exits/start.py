"""From what a person says about a start ("deepest", "x=-1", a point) to coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import DriftField, FunctionSpace, Potential
from simdyn.errors import InputError


def parse_start(spec: Any, potential: Potential | DriftField | FunctionSpace) -> np.ndarray:
    """The start as an array of shape (d,).

    Parameters
    ----------
    spec
        "deepest" (the lowest minimum), "x=-1" or "x=-1,y=0.5", a list of numbers as text or sequence, a
        single number (which stands for every coordinate), or a `CriticalPoint`.
    potential
        The landscape.

    Raises
    ------
    InputError
        A name that is not a variable, a missing or doubled coordinate, or a value that is not a finite
        number.
    """
    if isinstance(spec, str):
        text = spec.strip()
        if text.lower() == "deepest":
            if isinstance(potential, FunctionSpace):
                raise InputError(
                    'The start "deepest" is where all errors vanish, and nothing moves there; give errors, '
                    "such as the attribute errors of the function space."
                )
            if not isinstance(potential, Potential):
                raise InputError(
                    f'The start "deepest" needs an energy, which the drift field {potential.name!r} does not '
                    'have; give a point such as "x=-1".'
                )
            return np.array(potential.deepest().x, dtype=float)
        return _named(text, potential) if "=" in text else _numbers(text.split(","), potential)
    return _numbers(np.atleast_1d(np.asarray(getattr(spec, "x", spec), dtype=object)).tolist(), potential)


def _named(text: str, potential: Potential | DriftField | FunctionSpace) -> np.ndarray:
    names = [v.name for v in potential.variables]
    given: dict[str, float] = {}
    for part in text.split(","):
        name, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or name not in names:
            raise InputError(f"The start {text!r} names {name!r}, but the variables are {', '.join(names)}.")
        if name in given:
            raise InputError(f"The start {text!r} gives {name} twice; give it once.")
        given[name] = _finite(value, text)
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(f"The start {text!r} lacks {', '.join(missing)}; give a value for each variable.")
    return np.array([given[name] for name in names])


def _numbers(values: list[Any], potential: Potential | DriftField | FunctionSpace) -> np.ndarray:
    numbers = [_finite(value, values if len(values) > 1 else values[0]) for value in values]
    if len(numbers) == 1:
        numbers *= potential.dim
    if len(numbers) != potential.dim:
        raise InputError(
            f"The start has {len(numbers)} coordinates, but {potential.name!r} has {potential.dim}; give "
            "one for each "
            "variable, or a single number for all."
        )
    return np.array(numbers)


def _finite(value: Any, whole: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"The start {whole!r} contains {value!r}, which is not a number; "
            'say "deepest", "x=-1" or a list of numbers.'
        ) from None
    if not np.isfinite(number):
        raise InputError(f"The start {whole!r} contains {value!r}; it must be finite.")
    return number
