"""Formulas of one problem, made formulas of a whole sweep of problems."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from simdyn.errors import InputError
from simdyn.results import Prediction

F = TypeVar("F", bound=Callable[..., Prediction])


def swept(formula: F) -> F:
    """Let a formula of (potential, dynamics, start, exit) take sweeps of potentials or dynamics.

    A list or an array in the place of `potential` or of `dynamics` stands for a sweep; the two broadcast
    against each other, and `value`, `valid` and `why` of the prediction have their shape.
    """

    @wraps(formula)
    def over(potential: Any, dynamics: Any, *others: Any, **options: Any) -> Prediction:
        if not any(isinstance(one, list | tuple | np.ndarray) for one in (potential, dynamics)):
            return formula(potential, dynamics, *others, **options)
        try:
            potentials, rules = np.broadcast_arrays(_objects(potential), _objects(dynamics))
        except ValueError:
            raise InputError(
                f"{np.shape(potential)} potentials and {np.shape(dynamics)} dynamics do not broadcast."
            ) from None
        if potentials.size == 0:
            raise InputError("The sweep is empty; give at least one potential and one dynamics.")
        found = [
            formula(one, rule, *others, **options)
            for one, rule in zip(potentials.flat, rules.flat, strict=True)
        ]
        return stacked(found, potentials.shape)

    return cast("F", over)


def stacked(found: list[Prediction], shape: tuple[int, ...]) -> Prediction:
    """One prediction for a sweep, from those of its points in C order."""
    one = found[0]
    if len({(p.name, p.unit) for p in found}) > 1:
        raise InputError(
            f"The sweep mixes answers of different kinds ({one.name} in {one.unit}, ...); sweep steps and "
            "times apart."
        )
    values = np.array([p.value for p in found])
    return Prediction(
        name=one.name,
        value=values.reshape(shape + values.shape[1:]),
        unit=one.unit,
        formula=one.formula,
        assumptions=one.assumptions,
        valid=np.array([p.valid for p in found]).reshape(shape),
        why=np.array([p.why for p in found]).reshape(shape),
        source=one.source,
    )


def _objects(items: Any) -> np.ndarray:
    """Nested lists as an array of objects; potentials and dynamics are never taken apart."""
    if isinstance(items, np.ndarray):
        return items
    if not isinstance(items, list | tuple):
        array = np.empty((), dtype=object)
        array[()] = items
        return array
    rows = [_objects(item) for item in items]
    if len({row.shape for row in rows}) > 1:
        raise InputError("A sweep must be a rectangular array; its rows differ in length.")
    return np.stack(rows) if rows else np.empty(0, dtype=object)
