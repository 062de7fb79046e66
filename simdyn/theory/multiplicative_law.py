"""The stationary law of a parabola in noise that grows with the distance: a power law."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.dynamics.conventions import CONVENTIONS
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Reason, broadcast, closed_form, numbers


def multiplicative_variance(
    curvature: Any, noise: Any, growth: Any, *, convention: str = "ito"
) -> Prediction:
    """1 / (kappa (2 q - 3)), the variance for L = h x^2 / 2 and D = D_0 (1 + kappa x^2).

    The law is P ~ (1 + kappa x^2)^(-q) with q = 1 - alpha + h / (2 kappa D_0), alpha = 0, 1/2, 1 for Ito,
    Stratonovich and Haenggi-Klimontovich.

    Parameters
    ----------
    curvature, noise, growth
        h, D_0 and kappa, positive; they broadcast.
    convention
        "ito", "stratonovich" or "haenggi_klimontovich".

    Returns
    -------
    Prediction
        Infinite, and not valid, where q <= 3/2.

    Raises
    ------
    InputError
        Numbers out of range or an unknown convention.
    """
    exponent = _exponent(curvature, noise, growth, convention)
    kappa = np.broadcast_to(numbers("growth", growth, above=0), exponent.shape)
    with np.errstate(divide="ignore"):
        value = np.where(exponent > 3, 1 / (kappa * (exponent - 3)), np.inf)
    return closed_form(
        value,
        [
            Reason(
                exponent <= 3,
                "the tail exponent is {:.3g}, and at 3 or less the variance is infinite",
                exponent,
            )
        ],
        name="Multiplicative noise on a parabola",
        unit="x^2",
        formula="1 / (kappa (2 q - 3)), q = 1 - alpha + h / (2 kappa D_0)",
        assumptions=("The noise is D_0 (1 + kappa x^2) in the convention that is named.",),
        source="Gardiner, Stochastic Methods",
        favour=Reason(True, "the tail exponent is {:.3g}, above 3", exponent),
    )


def multiplicative_tail(curvature: Any, noise: Any, growth: Any, *, convention: str = "ito") -> Prediction:
    """2 q, the exponent of the tail P ~ |x|^(-2 q); parameters and errors as in `multiplicative_variance`."""
    exponent = _exponent(curvature, noise, growth, convention)
    return closed_form(
        exponent,
        [
            Reason(
                exponent <= 1, "the exponent is {:.3g}, and at 1 or less there is no stationary law", exponent
            )
        ],
        name="Tail in multiplicative noise",
        unit="exponent",
        formula="P ~ |x|^(-2 q), q = 1 - alpha + h / (2 kappa D_0)",
        assumptions=("The noise is D_0 (1 + kappa x^2) in the convention that is named.",),
        source="Gardiner, Stochastic Methods",
        favour=Reason(True, "the law can be normalised"),
    )


def _exponent(curvature: Any, noise: Any, growth: Any, convention: str) -> np.ndarray:
    if convention not in CONVENTIONS:
        raise InputError(f"convention is {convention!r}, but it must be one of: {', '.join(CONVENTIONS)}.")
    h, level, kappa = broadcast(
        curvature=numbers("curvature", curvature, above=0),
        noise=numbers("noise", noise, above=0),
        growth=numbers("growth", growth, above=0),
    )
    return np.asarray(2 * (1 - CONVENTIONS[convention]) + h / (kappa * level))
