"""Whether paths can set out from where they are told to."""

from __future__ import annotations

import numpy as np

from potentials import DriftField, FunctionSpace, Potential
from simdyn.dynamics import Rule
from simdyn.errors import InputError

_BLOCK = 1 << 22
"""Entries of the noise's factors that are looked at together."""


def check_start(update: Rule, starts: np.ndarray, potential: Potential | DriftField | FunctionSpace) -> None:
    """Refuse starts, shape (..., d), at which energy, drift or noise have no value.

    Raises
    ------
    InputError
        Naming the first such point.
    """
    points = starts.reshape(-1, starts.shape[-1])
    columns = 1 if isinstance(potential, FunctionSpace) else max(1, update.noise_dim)
    share = max(1, _BLOCK // (update.state_dim * columns))
    for begin in range(0, len(points), share):
        _check_some(update, points[begin : begin + share], potential)


def _check_some(update: Rule, points: np.ndarray, potential: Potential | DriftField | FunctionSpace) -> None:
    with np.errstate(all="ignore"):
        states = update.at_rest(points)
        finite = np.isfinite(update.drift_at(states)).all(axis=-1)
        if isinstance(potential, Potential):
            finite &= np.isfinite(potential.energy(points))
        # In function space every covariance is one, and to form it would take longer than many a run.
        in_outputs = isinstance(potential, FunctionSpace)
        real = finite if in_outputs else np.isfinite(update.factor_at(states)).all(axis=(-2, -1))
    if not np.all(finite):
        where = f"at the start {points[~finite][0].tolist()}"
        what = "or its gradient " if isinstance(potential, Potential) else ""
        raise InputError(f"{potential.name!r} {what}is not finite {where}; choose another start.")
    if not np.all(real):
        raise InputError(
            f"The noise covariance is not positive semidefinite at the start {points[~real][0].tolist()}; "
            "check its expression there."
        )
