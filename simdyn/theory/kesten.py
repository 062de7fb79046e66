"""Kesten's tail index of a random linear iteration."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array, Reason, closed_form, numbers

LARGEST_INDEX = 1e4


def kesten(multipliers: Any) -> Prediction:
    """kappa with E|A|^kappa = 1 for x' = A x + b: the tail P(|x| > t) ~ t^(-kappa).

    Parameters
    ----------
    multipliers
        Equally likely values of A on the last axis, shape (..., n); 1 - eta h_B for SGD with the curvatures
        h_B of its possible batches.

    Returns
    -------
    Prediction
        Infinite, and not valid, where no multiplier exceeds 1 and there is no such tail; 0, and not valid,
        where E log|A| >= 0 and there is no stationary law. The variance is infinite exactly where kappa <= 2.

    Raises
    ------
    InputError
        No multiplier, or one that is not finite.
    """
    a = np.atleast_1d(np.abs(numbers("multipliers", multipliers)))
    if a.shape[-1] == 0:
        raise InputError("multipliers is empty; give at least one value of A.")
    with np.errstate(divide="ignore"):
        logs = np.log(a)
    lyapunov = logs.mean(-1)
    largest = a.max(-1)
    value = np.empty(lyapunov.shape)
    for index in np.ndindex(lyapunov.shape):
        if lyapunov[index] >= 0:
            value[index] = 0.0
        elif largest[index] <= 1:
            value[index] = np.inf
        else:
            value[index] = _root(logs[index])
    return closed_form(
        value,
        [
            Reason(
                lyapunov >= 0,
                "E log|A| is {:.4g}, not below zero, so the iteration has no stationary law",
                lyapunov,
            ),
            Reason(
                (lyapunov < 0) & (largest <= 1),
                "no multiplier exceeds 1 (the largest is {:.4g}), so the tails are no power",
                largest,
            ),
        ],
        name="Kesten",
        unit="exponent",
        formula="E|A|^kappa = 1",
        assumptions=(
            "Multipliers are independent from step to step, and log|A| has no lattice.",
            "The additive noise is not identically zero and does not leave a common fixed point.",
        ),
        source="Kesten 1973; Hodgkinson & Mahoney 2021",
        favour=Reason(True, "E log|A| is {:.4g}, below zero, and some multiplier exceeds 1", lyapunov),
    )


def _root(logs: Array) -> float:
    from scipy.optimize import brentq
    from scipy.special import logsumexp

    def excess(kappa: float) -> float:
        return float(logsumexp(kappa * logs) - np.log(logs.size))

    # E|A|^kappa is convex with value 1 at 0, where it falls: the other root lies beyond its minimum.
    high = 1.0
    while excess(high) <= 0:
        high *= 2
        if high > LARGEST_INDEX:
            return float(np.log(logs.size / np.count_nonzero(logs == logs.max())) / logs.max())
    low = high / 2
    while excess(low) >= 0:
        low /= 2
    return float(brentq(excess, low, high, xtol=1e-14, rtol=1e-14))
