"""One cell of a validity map: the exact escape time there, and what predictions say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from simdyn.errors import InputError
from simdyn.questions.sde_limit import sde_limit
from simdyn.questions.varied import Problem
from simdyn.results import Prediction

Formula = Callable[[Any, Any, Any, Any], Prediction]
"""Of (potential, dynamics, start, exit)."""


def formulas() -> dict[str, Formula]:
    """What can be held against an exact escape time, by name."""
    from simdyn import theory

    return {
        "kramers": theory.kramers,
        "kramers_next_order": partial(theory.kramers, order=1),
        "eyring_kramers": theory.eyring_kramers,
        "finite_learning_rate": theory.finite_learning_rate,
        "xie2021": theory.xie2021,
        "mori2022": theory.mori2022,
        "bouchet_reygner": theory.bouchet_reygner,
        "sde_limit": sde_limit,
    }


@dataclass(frozen=True)
class Cell:
    """What is known of one cell.

    Attributes
    ----------
    exact, error, note
        The exact value with its error, or NaN and the reason.
    predicted
        By name: a prediction, or the reason why there is none.
    refused
        Whether start or exit do not exist there.
    """

    exact: float
    error: float
    note: str
    predicted: dict[str, Prediction | str]
    refused: bool = False


def cell_of(problem: Problem, names: tuple[str, ...], settings: dict[str, float]) -> Cell:
    """One cell, from the problem and the values that it changes."""
    from simdyn import exact

    known = formulas()
    try:
        here = problem.varied(settings)
    except InputError as reason:
        return Cell(math.nan, math.nan, str(reason), dict.fromkeys(names, str(reason)), refused=True)
    predicted = predicted_by(problem, settings, {name: known[name] for name in names})
    try:
        value = exact.escape_time(here.potential, here.dynamics, here.start, here.exit)
    except exact.NoReference as reason:
        return Cell(math.nan, math.nan, str(reason), predicted)
    return Cell(value.value, value.error, "", predicted)


def predicted_by(
    problem: Problem, settings: dict[str, float], chosen: Mapping[str, Formula]
) -> dict[str, Prediction | str]:
    """The predictions for a cell, or why there are none."""
    found: dict[str, Prediction | str] = {}
    for name, formula in chosen.items():
        try:
            here = problem.varied(settings)
            prediction = formula(here.potential, here.dynamics, here.start, here.exit)
            # Far from where they hold, corrections may leave a time without sense.
            if 0 < prediction.value < math.inf:
                found[name] = prediction
            elif math.isnan(prediction.value):
                found[name] = str(prediction.why)
            else:
                found[name] = f"The formula gives {prediction.value:.3g}. {prediction.why}"
        except InputError as reason:
            found[name] = str(reason)
    return found
