"""Kramers' escape time in one dimension, or for the first of independent coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.dynamics import SDE, Dynamics
from simdyn.dynamics.conventions import CONVENTIONS
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.finite_steps import hit_fraction
from simdyn.theory.neglected import neglected, next_order, third_derivative
from simdyn.theory.no_value import NoValue, answered
from simdyn.theory.noise_path import potential_over_noise
from simdyn.theory.rates import first_terms
from simdyn.theory.sweep import swept
from simdyn.theory.validity import judge
from simdyn.theory.ways_out import EscapeProblem, WayOut, added, escape_problem

CONSTANT = "2 pi / sqrt(L''_a |L''_b|) exp(dL/D)"
SOURCE = "Kramers 1940; Gardiner, Stochastic Methods; Haenggi, Talkner & Borkovec 1990"
VARYING = "2 pi / sqrt(L''_a |L''_b|) (D_b/D_a)^(1/2 - alpha) exp(int_a^b L'/D dx)"


@swept
@answered(lambda options: "Kramers, next order" if options.get("order") else "Kramers", CONSTANT, SOURCE)
def kramers(potential: Potential, dynamics: Dynamics, start: Any, exit: Any, *, order: int = 0) -> Prediction:
    """Small-noise escape time of a one-dimensional or factorised problem.

    Commit time over a saddle b from a minimum a: 2 pi (L''_a |L''_b|)^(-1/2) exp(dL/D) at constant D; for
    D(x), with alpha = 0, 1/2, 1 for Ito, Stratonovich, Haenggi-Klimontovich, times (D_b/D_a)^(1/2 - alpha)
    and with int L'/D dx in the exponent (Gardiner, Stochastic Methods; Haenggi, Talkner & Borkovec 1990). A
    hit takes half of it, and the rates of several ways out add.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; times are in the unit of the dynamics, for discrete rules SDE time
        over the learning rate. Potentials and dynamics may be arrays, for a sweep.
    order
        1 multiplies by 1 + D (c_a + c_b) with c = 5 L'''^2 / (24 |L''|^3) -+ L'''' / (8 L''^2) (minus at a,
        plus at b), and takes the skewness of the saddle into account for hits; constant D alone. The value is
        NaN, and not valid, where that leaves no positive time.

    Raises
    ------
    InputError
        Coupled coordinates, or an exit away from the critical points. Where physics leaves no value, such as
        noise that vanishes on the way, the prediction is not valid and says why.
    """
    if order not in (0, 1):
        raise InputError(f"order is {order!r}, but it must be 0 or 1.")
    problem = escape_problem(potential, dynamics, start, exit)
    _need_coordinates(problem)
    against, remarks = neglected(problem, noise_included=bool(order))
    if order == 1 and not problem.constant_noise:
        raise InputError("The next order of Kramers' formula is for constant noise; use order=0.")
    times, exponents, fractions = [], [], []
    for way in problem.ways:
        time, exponent = commit_time(problem, way)
        correction = next_order(problem, way) if problem.constant_noise else 0.0
        fractions.append(hit_share(problem, way, 0.0, order) if way.kind == "hit" else 1.0)
        times.append(time * fractions[-1] * first_terms(order * correction))
        exponents.append(exponent)
    total = added(times, problem.ways)
    against += share_reason(fractions) if order else []
    verdict = judge(problem, exponents, total, *against, *steps_reason(problem), remarks=remarks)
    constant = problem.constant_noise
    formula = (CONSTANT if constant else VARYING) + (" (1 + D (c_a + c_b))" if order else "")
    if any(way.kind == "hit" for way in problem.ways):
        formula += ", half of it for a hit"
    if problem.saddles > 1:
        formula += f", rates of {problem.saddles} saddles added"
    return Prediction(
        name="Kramers, next order" if order else "Kramers",
        value=problem.in_unit(total),
        unit=problem.update.unit,
        formula=formula,
        assumptions=(
            "The barrier is much higher than the noise.",
            "The path equilibrates in its valley before it leaves.",
            "Steps are small against the curvature (time = learning rate x steps).",
            "The noise is constant." if constant else "The noise varies slowly against its own sd.",
        ),
        valid=verdict.valid,
        why=verdict.why,
        source=SOURCE,
    )


def commit_time(problem: EscapeProblem, way: WayOut) -> tuple[float, float]:
    """Kramers time of one way out in SDE time, and its exponent."""
    i = _coordinate(way)
    bottom, top = problem.minimum.curvature(i), abs(way.saddle.curvature(i))
    prefactor = 2 * math.pi / math.sqrt(bottom * top)
    at_a, at_b = (problem.spread(p.x, i) for p in (problem.minimum, way.saddle))
    if problem.constant_noise:
        exponent = problem.barrier(way) / at_a
    else:
        exponent = potential_over_noise(problem, way)
        prefactor *= (at_b / at_a) ** (0.5 - _alpha(problem.dynamics))
    if exponent > 700:
        raise NoValue(
            f"The exponent of Kramers' formula is {exponent:.4g}, beyond double precision.", math.inf
        )
    return prefactor * math.exp(exponent), exponent


def hit_share(problem: EscapeProblem, way: WayOut, learning_rate: float, order: int) -> float:
    """Hit time over commit time of one way out; `order` 1 takes the skewness of the saddle into account.

    NaN where that first term in the skewness leaves no share between 0 and 1.
    """
    i = _coordinate(way)
    noise = problem.spread(way.saddle.x, i)
    third = third_derivative(problem, i, float(way.saddle.x[i]))
    curvature = abs(way.saddle.curvature(i))
    share = hit_fraction(curvature, learning_rate, noise * order, way.sign * third)
    return share if 0 < share <= 1 else math.nan


def share_reason(fractions: Sequence[float]) -> list[str]:
    """Against formulas with the first term in the skewness of a saddle that leaves a hit no share."""
    if any(math.isnan(fraction) for fraction in fractions):
        return [
            "the noise is too wide for the skewness of the saddle, whose first term leaves no share of a "
            "commit to hits, so that the formula has no value"
        ]
    return []


def _coordinate(way: WayOut) -> int:
    if way.coordinate is None:
        raise InputError(
            "Kramers' formula needs one dimension or independent coordinates; use eyring_kramers."
        )
    return way.coordinate


def _need_coordinates(problem: EscapeProblem) -> None:
    if not problem.update.factorised:
        raise InputError(
            "Kramers' formula needs one dimension or independent coordinates; use eyring_kramers."
        )
    if any(
        not np.isfinite(problem.update.factor_at(p.x)).all()
        for p in (problem.minimum, problem.ways[0].saddle)
    ):
        raise NoValue("The noise is not finite at the minimum or at the saddle.")


def _alpha(dynamics: Dynamics) -> float:
    return CONVENTIONS[dynamics.convention] if isinstance(dynamics, SDE) else 0.0


def steps_reason(problem: EscapeProblem) -> tuple[str, ...]:
    """For discrete rules: the SDE is no model of steps over which the noise changes much."""
    if problem.learning_rate == 0 or problem.constant_noise:
        return ()
    worst = 0.0
    for way in problem.ways:
        i = _coordinate(way)
        line = problem.update.coordinate(i)
        x = np.linspace(float(problem.minimum.x[i]), float(way.saddle.x[i]), 401)
        sd = line.sd(x)
        with np.errstate(all="ignore"):
            change = np.abs(np.gradient(np.log(sd), x)) * np.maximum(sd, np.abs(line.mean(x) - x))
        worst = max(worst, float(np.nanmax(change)))
    if worst <= 0.1:
        return ()
    return (
        f"the noise changes by {worst:.0%} over a single step on the way, which the SDE behind it neglects",
    )
