"""The Eyring-Kramers escape time in d dimensions, for continuous time and at a finite learning rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.dynamics import Dynamics
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.finite_steps import commit_factor, hit_fraction
from simdyn.theory.kramers import commit_time, hit_share, share_reason
from simdyn.theory.neglected import LARGEST_NEXT_ORDER, neglected, next_order
from simdyn.theory.no_value import NoValue, answered
from simdyn.theory.rates import NO_TIME, first_terms
from simdyn.theory.sweep import swept
from simdyn.theory.validity import judge
from simdyn.theory.ways_out import EscapeProblem, WayOut, added, escape_problem

FORMULA = "2 pi / |lambda_1| sqrt(|det H_b| / det H_a) exp(dL/D)"
SOURCE = "Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard & Klein 2004"
FINITE_SOURCE = "stationary law and saddle flux to first order in the learning rate; Siegmund 1979 for hits"


@swept
@answered("Eyring-Kramers", FORMULA, SOURCE)
def eyring_kramers(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """2 pi / |lambda_1| sqrt(|det H_b| / det H_a) exp(dL/D) for isotropic constant noise.

    The saddles b on the rim of the start's valley are found by themselves and their rates add; lambda_1 is
    the negative eigenvalue of H_b. The formula is the commit time; the first hit of the rim takes half of it
    (Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard & Klein 2004).

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; times are in the unit of the dynamics, for discrete rules SDE time
        over the learning rate.

    Raises
    ------
    InputError
        Noise that varies or has a direction, or an exit away from the critical points.
    """
    problem = escape_problem(potential, dynamics, start, exit)
    noise = _isotropic(problem)
    times = [_commit(problem, way, noise) * (0.5 if way.kind == "hit" else 1.0) for way in problem.ways]
    total = added(times, problem.ways)
    against, remarks = neglected(problem, noise_included=False)
    exponents = [problem.barrier(way) / noise for way in problem.ways]
    verdict = judge(problem, exponents, total, *against, remarks=remarks)
    return Prediction(
        name="Eyring-Kramers",
        value=problem.in_unit(total),
        unit=problem.update.unit,
        formula=FORMULA + _remarks(problem),
        assumptions=(
            "The barrier is much higher than the noise.",
            "The path equilibrates in its valley before it leaves.",
            "The noise is constant and the same in all directions.",
            "Steps are small against the curvature (time = learning rate x steps).",
        ),
        valid=verdict.valid,
        why=verdict.why,
        source=SOURCE,
    )


@swept
@answered("Finite learning rate", "Kramers x exp[eta/4 (tr H_b - tr H_a) + eta/2 |lambda_1|]", FINITE_SOURCE)
def finite_learning_rate(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """Escape time of a discrete rule with constant noise, to first order in the learning rate.

    Commit: Eyring-Kramers (Kramers with its next order for factorised problems) times
    exp[eta/4 (tr H_b - tr H_a) + eta/2 |lambda_1|]. Hit: the fraction [1 + erf(0.5826 (eta
    |lambda_1|)^(1/2))]/2 of that, because the discrete path is seen across only where it lands, which moves
    the exit outward by 0.5826 sd of a step (Siegmund 1979).

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; times are in steps.

    Raises
    ------
    InputError
        An SDE, noise that varies, or an exit away from the critical points.
    """
    problem = escape_problem(potential, dynamics, start, exit)
    if problem.learning_rate == 0:
        raise InputError("The correction for a finite learning rate is for discrete rules, not for an SDE.")
    if not problem.constant_noise:
        raise InputError("The correction for a finite learning rate is known for constant noise.")
    lines = problem.update.factorised and all(way.coordinate is not None for way in problem.ways)
    times, exponents, fractions, reasons = [], [], [], []
    for way in problem.ways:
        if lines:
            time, exponent = commit_time(problem, way)
            correction = next_order(problem, way)
            time *= first_terms(correction)
            if correction <= -1:
                reasons.append(NO_TIME.format(correction))
            elif abs(correction) > LARGEST_NEXT_ORDER:
                reasons.append(f"the next order in the noise changes the value by {correction:+.0%}")
            fraction = hit_share(problem, way, problem.learning_rate, 1) if way.kind == "hit" else 1.0
        else:
            noise = _isotropic(problem)
            time, exponent = _commit(problem, way, noise), problem.barrier(way) / noise
            fraction = hit_fraction(_downhill(way), problem.learning_rate) if way.kind == "hit" else 1.0
        factor = commit_factor(problem.minimum, way.saddle, problem.learning_rate)
        times.append(time * factor * fraction)
        fractions.append(fraction)
        exponents.append(exponent)
    total = added(times, problem.ways)
    steep = problem.learning_rate * max(
        _steepest(problem.minimum.eigenvalues), *(_downhill(w) for w in problem.ways)
    )
    # On the quartic double well the exponent itself grows by about (eta L''_a)^2 / 47 of it.
    drift = max(exponents) * steep**2 / 47
    if drift > 0.1:
        reasons.append(f"terms of second order in the learning rate change the time by about {drift:.0%}")
    reasons += share_reason(fractions)
    verdict = judge(problem, exponents, total, *dict.fromkeys(reasons))
    base = "Kramers (1 + D (c_a + c_b))" if lines else "Eyring-Kramers"
    return Prediction(
        name="Finite learning rate",
        value=problem.in_unit(total),
        unit=problem.update.unit,
        formula=f"{base} x exp[eta/4 (tr H_b - tr H_a) + eta/2 |lambda_1|]"
        + (" x [1 + erf(0.5826 sqrt(eta |lambda_1|))]/2 for a hit" if problem.ways[0].kind == "hit" else ""),
        assumptions=(
            "The barrier is much higher than the noise.",
            "The path equilibrates in its valley before it leaves.",
            "The noise is constant.",
            "Learning rate times curvature is small; its first order is included.",
        ),
        valid=verdict.valid,
        why=verdict.why,
        source=FINITE_SOURCE,
    )


def _isotropic(problem: EscapeProblem) -> float:
    if not problem.constant_noise:
        raise InputError("The Eyring-Kramers formula is for constant noise; use kramers in one dimension.")
    matrix = problem.diffusion(problem.minimum.x)
    noise = float(np.trace(matrix)) / len(matrix)
    if not np.allclose(matrix, noise * np.eye(len(matrix)), rtol=1e-9, atol=1e-12 * noise):
        raise InputError("The Eyring-Kramers formula needs noise that is the same in all directions.")
    return noise


def _commit(problem: EscapeProblem, way: WayOut, noise: float) -> float:
    exponent = problem.barrier(way) / noise
    if exponent > 700:
        raise NoValue(f"The barrier over the noise is {exponent:.4g}, beyond double precision.", math.inf)
    ratio = way.saddle.log_determinant - problem.minimum.log_determinant
    return 2 * math.pi / _downhill(way) * math.exp(0.5 * ratio + exponent)


def _downhill(way: WayOut) -> float:
    return abs(float(way.saddle.eigenvalues.min()))


def _steepest(eigenvalues: np.ndarray) -> float:
    return float(np.abs(eigenvalues).max())


def _remarks(problem: EscapeProblem) -> str:
    text = ", half of it for a hit" if any(way.kind == "hit" for way in problem.ways) else ""
    return text + (f", rates of {problem.saddles} saddles added" if problem.saddles > 1 else "")
