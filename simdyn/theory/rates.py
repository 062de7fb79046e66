"""The classical escape times as functions of numbers, for tables and sweeps: Kramers, Eyring-Kramers."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.dynamics.conventions import CONVENTIONS
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import (
    Reason,
    broadcast,
    closed_form,
    exponential,
    matrices,
    noise_level,
    numbers,
    of_critical_points,
    positive,
    same_size,
    too_large,
)
from simdyn.theory.validity import LOWEST_BARRIER

NO_TIME = (
    "the next order in the noise is {:+.0%} of the time and leaves none of it, so that the formula has no "
    "value"
)
"""Why there is no value where the correction takes all of the time away."""

HIGH = Reason(True, "barrier over noise is {:.3g}")


def low_barrier(exponent: Any) -> Reason:
    """Against small-noise formulas: the barrier is not high against the noise."""
    return Reason(
        np.asarray(exponent) < LOWEST_BARRIER,
        f"barrier over noise is {{:.2g}}, the formula needs at least {LOWEST_BARRIER:g}",
        exponent,
    )


def first_terms(correction: Any) -> Any:
    """1 + D (c_a + c_b), NaN where nothing of the time is left: the series says nothing there."""
    return np.where(correction > -1, 1 + correction, np.nan)[()]


def kramers_time(
    barrier: Any,
    curvature_minimum: Any,
    curvature_saddle: Any,
    noise: Any,
    *,
    noise_saddle: Any = None,
    exponent: Any = None,
    convention: str = "ito",
    next_order: Any = 0.0,
) -> Prediction:
    """2 pi / sqrt(L''_a |L''_b|) (D_b/D_a)^(1/2 - alpha) exp(int_a^b L'/D dx) (1 + D c): a commit time.

    Parameters
    ----------
    barrier, curvature_minimum, curvature_saddle
        dL = L(b) - L(a), L''_a and |L''_b|, positive; in [L] and [L]/[x]^2. All arguments broadcast.
    noise, noise_saddle
        D at the minimum and at the saddle, in [x]^2/[t]; equal by default.
    exponent
        int_a^b L'/D dx; by default dL/D, which is for constant D alone.
    convention
        "ito", "stratonovich" or "haenggi_klimontovich": alpha = 0, 1/2, 1.
    next_order
        c = c_a + c_b with c = 5 L'''^2 / (24 |L''|^3) -+ L'''' / (8 L''^2), minus at a and plus at b; 0
        leaves the correction out. For constant D. The value is NaN where 1 + D c is not positive.

    Returns
    -------
    Prediction
        In units of time; half of it is the mean first hit of the saddle.

    Raises
    ------
    InputError
        A negative noise, an unknown convention, or noise that differs between the ends without `exponent`.
        Where there is no barrier, no curvature or no noise the prediction is not valid and says so.
    """
    if convention not in CONVENTIONS:
        raise InputError(f"convention is {convention!r}, but it must be one of: {', '.join(CONVENTIONS)}.")
    if noise_saddle is not None and exponent is None:
        raise InputError("Where the noise varies, the integral of L'/D has to be given as exponent=.")
    low, silent = noise_level("noise", noise)
    height, flat = positive("barrier", barrier)
    bottom, hollow = positive("curvature_minimum", curvature_minimum)
    top, level = positive("curvature_saddle", curvature_saddle)
    height, bottom, top, low, high, more = broadcast(
        barrier=height,
        curvature_minimum=bottom,
        curvature_saddle=top,
        noise=low,
        noise_saddle=low if noise_saddle is None else numbers("noise_saddle", noise_saddle, above=0),
        next_order=numbers("next_order", next_order),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        power = height / low if exponent is None else numbers("exponent", exponent, above=0)
        ratio = np.where(low == 0, 1.0, high / low)
    change = more * low
    factor = ratio ** (0.5 - CONVENTIONS[convention]) * first_terms(change)
    value = 2 * np.pi / np.sqrt(bottom * top) * factor * np.where(low == 0, np.inf, exponential(power))
    return closed_form(
        np.where(np.isnan(height), np.nan, value),
        [
            flat,
            hollow,
            level,
            silent,
            low_barrier(power),
            too_large(np.where(low == 0, 0.0, power)),
            Reason(
                (np.abs(change) > 0.3) & (change > -1),
                "the next order in the noise changes the time by {:+.0%}",
                change,
            ),
            Reason(
                change <= -1,
                NO_TIME,
                change,
            ),
        ],
        name="Kramers, next order" if np.any(more) else "Kramers",
        unit="time",
        formula="2 pi / sqrt(L''_a |L''_b|) (D_b/D_a)^(1/2 - alpha) exp(int_a^b L'/D dx)"
        + (" (1 + D (c_a + c_b))" if np.any(more) else ""),
        assumptions=(
            "The barrier is much higher than the noise.",
            "The path equilibrates in its valley before it leaves.",
            "The noise varies slowly against its own sd.",
        ),
        source="Kramers 1940; Gardiner, Stochastic Methods; Haenggi, Talkner & Borkovec 1990",
        favour=Reason(True, HIGH.text, power),
    )


def eyring_kramers_time(barriers: Any, hessian_minimum: Any, hessian_saddles: Any, noise: Any) -> Prediction:
    """1 / sum_b |lambda_b| / (2 pi) sqrt(det H_a / |det H_b|) exp(-dL_b/D): a commit time.

    Parameters
    ----------
    barriers
        dL of each saddle, shape (..., s); a number for one saddle.
    hessian_minimum
        H_a, shape (..., d, d).
    hessian_saddles
        H_b of each saddle, shape (..., s, d, d), or (d, d) for one; each with one negative eigenvalue.
    noise
        D, shape (...).

    Returns
    -------
    Prediction
        In units of time; half of it is the mean first hit of the rim.

    Raises
    ------
    InputError
        Shapes that do not fit or a negative noise. Where the minimum is none, or a saddle of another index
        than 1, the prediction is not valid and has no value.
    """
    height, flat = positive("barrier", np.atleast_1d(numbers("barriers", barriers)))
    bottom = matrices("hessian_minimum", hessian_minimum, symmetric=True)
    tops = matrices("hessian_saddles", hessian_saddles, symmetric=True)
    if tops.ndim == 2:
        tops = tops[None]
    same_size(hessian_minimum=bottom[..., None, :1, :], hessian_saddles=tops[..., :1, :])
    below, above = np.linalg.eigvalsh(bottom), np.linalg.eigvalsh(tops)
    below, above, none = of_critical_points(below, above, saddles=True)
    level, silent = noise_level("noise", noise)
    shape = np.log(np.abs(above)).sum(-1) - np.log(below).sum(-1)[..., None]
    with np.errstate(divide="ignore"):
        power = height / level[..., None]
    each = -np.log(2 * np.pi / np.abs(above[..., 0])) - 0.5 * shape - power
    largest = each.max(axis=-1)
    with np.errstate(invalid="ignore"):
        logarithm = -largest - np.log(np.exp(each - largest[..., None]).sum(-1))
    unmoved = (level == 0) & ~np.isnan(each).any(axis=-1)
    logarithm = np.where(unmoved, np.inf, logarithm)
    lowest = np.broadcast_to(power, each.shape).min(-1)
    saddles = each.shape[-1]
    return closed_form(
        exponential(logarithm),
        [
            Reason(np.asarray(flat.holds).any(-1), flat.text, np.asarray(flat.number).min(-1)),
            *none,
            silent,
            low_barrier(lowest),
            too_large(np.where(level == 0, 0.0, logarithm)),
        ],
        name="Eyring-Kramers",
        unit="time",
        formula="2 pi / |lambda_1| sqrt(|det H_b| / det H_a) exp(dL/D)"
        + (f", rates of {saddles} saddles added" if saddles > 1 else ""),
        assumptions=(
            "The barrier is much higher than the noise.",
            "The path equilibrates in its valley before it leaves.",
            "The noise is constant and the same in all directions.",
        ),
        source="Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard & Klein 2004",
        favour=Reason(True, HIGH.text, lowest),
    )
