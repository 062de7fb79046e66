"""All closed forms that belong to an escape problem."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics
from simdyn.errors import InputError
from simdyn.exits import parse_start, resolve_exit
from simdyn.results import Prediction
from simdyn.theory.bouchet_reygner import bouchet_reygner
from simdyn.theory.eyring_kramers import eyring_kramers, finite_learning_rate
from simdyn.theory.imkeller_pavlyukevich import imkeller_pavlyukevich
from simdyn.theory.kramers import kramers
from simdyn.theory.mori2022 import mori2022
from simdyn.theory.underdamped import underdamped_kramers
from simdyn.theory.xie2021 import xie2021

Formula = Callable[[Any, Dynamics, Any, Any], Prediction]


def predictions(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any
) -> tuple[Prediction, ...]:
    """The closed forms that are about the problem, each with a verdict on its assumptions.

    One that has no finite value here is among them, infinite or NaN, not valid and with the reason.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`.

    Raises
    ------
    InputError
        A start or an exit that cannot be read.
    """
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    found: list[Prediction] = []
    for formula in _formulas(potential):
        # A formula refuses a problem that it is not about; it judges one that it is about.
        try:
            found.append(formula(potential, dynamics, origin, way_out))
        except InputError:
            continue
    return tuple(found)


def _formulas(potential: Potential | DriftField) -> tuple[Formula, ...]:
    if isinstance(potential, DriftField):
        return (bouchet_reygner,)
    first: tuple[Formula, ...] = (kramers,) if potential.dim == 1 else (eyring_kramers,)
    gaussian = (_varying_kramers, partial(kramers, order=1), finite_learning_rate, xie2021, mori2022)
    return (*first, *gaussian, underdamped_kramers, imkeller_pavlyukevich)


def _varying_kramers(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """Kramers for independent coordinates in varying noise, where Eyring-Kramers does not speak."""
    if potential.dim == 1:
        raise InputError("Kramers' formula is among the predictions already.")
    prediction = kramers(potential, dynamics, start, exit)
    if prediction.formula.startswith("2 pi / sqrt(L''_a |L''_b|) exp"):
        raise InputError("The Eyring-Kramers formula says the same.")
    return prediction
