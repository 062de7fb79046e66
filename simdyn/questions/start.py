"""Whether paths can set out from where they are told to."""

from __future__ import annotations

import numpy as np

from potentials import DriftField, FunctionSpace, Potential
from simdyn.dynamics import Rule
from simdyn.errors import InputError


def check_start(update: Rule, starts: np.ndarray, potential: Potential | DriftField | FunctionSpace) -> None:
    """Refuse starts, shape (..., d), at which energy, drift or noise have no value.

    Raises
    ------
    InputError
        Naming the first such point.
    """
    with np.errstate(all="ignore"):
        states = update.at_rest(starts)
        finite = np.isfinite(update.drift_at(states)).all(axis=-1)
        if isinstance(potential, Potential):
            finite &= np.isfinite(potential.energy(starts))
        # In function space every covariance is one, and to form it would take longer than many a run.
        in_outputs = isinstance(potential, FunctionSpace)
        real = finite if in_outputs else np.isfinite(update.factor_at(states)).all(axis=(-2, -1))
    if not np.all(finite):
        where = f"at the start {_first(starts, finite)}"
        what = "or its gradient " if isinstance(potential, Potential) else ""
        raise InputError(f"{potential.name!r} {what}is not finite {where}; choose another start.")
    if not np.all(real):
        raise InputError(
            f"The noise covariance is not positive semidefinite at the start {_first(starts, real)}; check "
            "its expression there."
        )


def _first(starts: np.ndarray, good: np.ndarray) -> list[float]:
    """The first start that is not good."""
    values: list[float] = starts[~good][0].tolist() if starts.ndim > 1 else starts.tolist()
    return values
