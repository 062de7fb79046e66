"""The escape rate as probability flux through the rim over the population of the valley."""

from __future__ import annotations

from typing import Any

import numpy as np

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
from simdyn.theory.rates import HIGH, low_barrier


def flux_over_population(population: Any, flux: Any) -> Prediction:
    """tau = P(x in V_a) / int J dS, the mean time in a valley in a stationary flow out of it.

    If what leaves is put back at a point of the valley, tau is exactly the mean first-passage time from there
    to where the flow is absorbed (Hill 1989).

    Parameters
    ----------
    population, flux
        Positive, with the same normalisation; they broadcast.

    Returns
    -------
    Prediction
        In the unit of population over flux.

    Raises
    ------
    InputError
        Numbers out of range.
    """
    inside, out = broadcast(
        population=numbers("population", population, above=0), flux=numbers("flux", flux, above=0)
    )
    return closed_form(
        inside / out,
        [],
        name="Flux over population",
        unit="time",
        formula="P(x in V_a) / int J dS",
        assumptions=("The flow is stationary: what leaves is put back into the valley.",),
        source="Farkas 1927; Kramers 1940; Hill, Free Energy Transduction (1989)",
        favour=Reason(True, "the relation is exact in a stationary flow"),
    )


def langer_time(
    barrier: Any, hessian_minimum: Any, hessian_saddle: Any, mobility: Any, temperature: Any
) -> Prediction:
    """2 pi / lambda_+ sqrt(|det H_b| / det H_a) exp(dL/T): dx = -M grad L dt + noise with D = T (M + M') / 2.

    The population of the valley and the flux over the saddle, both with Gaussian integrals; lambda_+ is the
    positive eigenvalue of -M H_b. M with an antisymmetric part turns without doing work, and inertia is the
    case of M = [[0, -1], [1, friction]] on (position, velocity).

    Parameters
    ----------
    barrier
        dL, positive, shape (...).
    hessian_minimum, hessian_saddle
        Shape (..., d, d); the saddle has one negative eigenvalue.
    mobility
        M, shape (..., d, d), with a symmetric part that is not negative.
    temperature
        T, shape (...).

    Returns
    -------
    Prediction
        A commit time.

    Raises
    ------
    InputError
        Matrices that do not fit, or a negative temperature. Where there is no barrier, no temperature, no
        minimum or no saddle the prediction is not valid and says so.
    """
    bottom, top, m = same_size(
        hessian_minimum=matrices("hessian_minimum", hessian_minimum, symmetric=True),
        hessian_saddle=matrices("hessian_saddle", hessian_saddle, symmetric=True),
        mobility=matrices("mobility", mobility),
    )
    matrices("the symmetric part of mobility", m + np.swapaxes(m, -1, -2), symmetric=True, least=0.0)
    below, above = np.linalg.eigvalsh(bottom), np.linalg.eigvalsh(top)
    below, above, none = of_critical_points(below, above)
    height, flat = positive("barrier", barrier)
    level, silent = noise_level("temperature", temperature)
    growth = np.linalg.eigvals(-m @ top).real.max(-1)
    with np.errstate(divide="ignore"):
        power = height / level
    with np.errstate(divide="ignore"):
        prefactor = 2 * np.pi / np.maximum(growth, 0.0)
    whole = power + 0.5 * (np.log(np.abs(above)).sum(-1) - np.log(below).sum(-1))
    return closed_form(
        prefactor * exponential(whole),
        [
            flat,
            *none,
            silent,
            low_barrier(power),
            too_large(np.where(level == 0, 0.0, whole)),
            Reason(growth <= 0, "no motion leaves the saddle, so the flux over it vanishes"),
        ],
        name="Langer",
        unit="time",
        formula="2 pi / lambda_+ sqrt(|det H_b| / det H_a) exp(dL/T)",
        assumptions=(
            "The noise is that of temperature T for the mobility: D = T (M + M') / 2, constant.",
            "The barrier is much higher than T.",
            "The path equilibrates in its valley before it leaves.",
        ),
        source="Langer 1969; Haenggi, Talkner & Borkovec 1990",
        favour=Reason(True, HIGH.text, power),
    )
