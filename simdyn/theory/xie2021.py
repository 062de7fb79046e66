"""The escape time of SGD with Hessian-shaped noise according to Xie, Sato & Sugiyama (2021), equation (7)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.dynamics import SDE, SGD, Dynamics
from simdyn.dynamics.conventions import CONVENTIONS
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import (
    Reason,
    broadcast,
    closed_form,
    exponential,
    numbers,
    positive,
    too_large,
)
from simdyn.theory.no_value import NoValue, answered
from simdyn.theory.noise_path import potential_over_noise, vanishing_noise
from simdyn.theory.rates import HIGH, low_barrier
from simdyn.theory.sweep import swept
from simdyn.theory.validity import LARGEST_STEP, judge
from simdyn.theory.ways_out import EscapeProblem, WayOut, added, escape_problem

FORMULA = "2 pi / |H_be| exp[(2 B dL / eta) (s / H_ae + (1 - s) / |H_be|)]"
SOURCE = "Xie, Sato & Sugiyama 2021 (ICLR, arXiv 2002.03495), equation (7)"


@swept
@answered("Xie, Sato & Sugiyama (7)", FORMULA, SOURCE)
def xie2021(
    potential: Potential, dynamics: Dynamics, start: Any, exit: Any, *, s: float | None = None
) -> Prediction:
    """2 pi / |H_be| exp[(2 B dL / eta) (s / H_ae + (1 - s) / |H_be|)], with C = H/B at temperature 1.

    H_ae and H_be are the curvatures of minimum and saddle along the escape direction, the unstable direction
    of the saddle. The formula is a commit time; a hit takes half of it, and the rates of several saddles
    add. It assumes the noise of the minimum up to the height L_a + s dL and the noise of the saddle from
    there on.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; `dynamics` is SGD with noise="hessian" or the SDE limit of it.
    s
        In (0, 1). The theory leaves it open; by default the height of the inflection point between minimum
        and saddle, (L(c) - L(a)) / dL with L''(c) = 0, for each coordinate of a separable landscape.

    Raises
    ------
    InputError
        Other noise, an `s` out of range or one that has to be given, or an exit away from the critical
        points.
    """
    sgd = dynamics.diffusion if isinstance(dynamics, SDE) else dynamics
    if not isinstance(sgd, SGD) or sgd.noise != "hessian":
        raise InputError(
            'Equation (7) is about SGD with noise="hessian"; use that dynamics or the SDE limit of it.'
        )
    if s is not None and not 0 < s < 1:
        raise InputError(f"s is {s!r}, but it must lie between 0 and 1.")
    problem = escape_problem(potential, dynamics, start, exit)
    values = problem.update.values
    strength = values["_learning_rate"] * values["_temperature"] / values["_batch_size"]
    heights = [inflection_height(problem, way) if s is None else s for way in problem.ways]
    exponents = [_exponent(problem, way, h, strength) for way, h in zip(problem.ways, heights, strict=True)]
    if max(exponents) > 690:
        raise NoValue(
            f"The exponent of equation (7) is {max(exponents):.4g}, beyond double precision.", math.inf
        )
    times = [
        2 * math.pi / _curvatures(problem, way)[1] * math.exp(e) * (0.5 if way.kind == "hit" else 1.0)
        for way, e in zip(problem.ways, exponents, strict=True)
    ]
    total = added(times, problem.ways)
    verdict = judge(problem, exponents, total, *_objections(problem, exponents[0], sgd))
    formula = FORMULA
    if problem.ways[0].kind == "hit":
        formula += ", half of it for a hit"
    if problem.saddles > 1:
        formula += f", rates of {problem.saddles} saddles added"
    return Prediction(
        name="Xie, Sato & Sugiyama (7)",
        value=problem.in_unit(total),
        unit=problem.update.unit,
        formula=f"{formula}, s = {heights[0]:.5g}",
        assumptions=(
            "The gradient noise has the covariance H/B.",
            "The noise is that of the minimum up to a height s of the barrier and that of the saddle beyond.",
            "The noise acts in the Haenggi-Klimontovich convention, to which the prefactor belongs.",
            "Steps are small (time = learning rate x steps), and the barrier is high against the noise.",
        ),
        valid=verdict.valid,
        why=verdict.why,
        source=SOURCE,
    )


def xie2021_time(
    barrier: Any,
    curvature_minimum: Any,
    curvature_saddle: Any,
    learning_rate: Any,
    batch_size: Any,
    s: Any,
    *,
    convention: str = "haenggi_klimontovich",
) -> Prediction:
    """2 pi H_a^(alpha - 1) |H_b|^(-alpha) exp[(2 B dL / eta) (s / H_a + (1 - s) / |H_b|)]: a commit time.

    The noise is D = eta H_a / (2 B) from the minimum up to the height s dL and eta |H_b| / (2 B) from there
    on. Equation (7) is alpha = 1; SGD is Ito, alpha = 0.

    Parameters
    ----------
    barrier, curvature_minimum, curvature_saddle
        dL, H_a and |H_b| along the way out, positive. All arguments broadcast.
    learning_rate, batch_size
        eta and B, positive.
    s
        In (0, 1).
    convention
        "ito", "stratonovich" or "haenggi_klimontovich": alpha = 0, 1/2, 1.

    Returns
    -------
    Prediction
        In units of SDE time. Valid for noise in these two pieces; that of SGD is not in two pieces.

    Raises
    ------
    InputError
        Numbers out of range, or an unknown convention. Where there is no barrier or no curvature the
        prediction is not valid and says so.
    """
    if convention not in CONVENTIONS:
        raise InputError(f"convention is {convention!r}, but it must be one of: {', '.join(CONVENTIONS)}.")
    height, flat = positive("barrier", barrier)
    bottom, hollow = positive("curvature_minimum", curvature_minimum)
    top, level = positive("curvature_saddle", curvature_saddle)
    height, bottom, top, eta, batch, share = broadcast(
        barrier=height,
        curvature_minimum=bottom,
        curvature_saddle=top,
        learning_rate=numbers("learning_rate", learning_rate, above=0),
        batch_size=numbers("batch_size", batch_size, above=0),
        s=numbers("s", s, above=0),
    )
    if np.any(share >= 1):
        raise InputError(f"s contains {share.max():g}, but it must lie between 0 and 1.")
    alpha = CONVENTIONS[convention]
    power = 2 * batch * height / eta * (share / bottom + (1 - share) / top)
    steep = eta * np.maximum(bottom, top)
    return closed_form(
        2 * np.pi * bottom ** (alpha - 1) * top**-alpha * exponential(power),
        [
            flat,
            hollow,
            level,
            low_barrier(power),
            too_large(power),
            Reason(
                steep > LARGEST_STEP,
                f"learning rate times curvature is {{:.2g}}, the formula needs at most {LARGEST_STEP:g}",
                steep,
            ),
        ],
        name="Xie, Sato & Sugiyama (7)",
        unit="time",
        formula="2 pi H_a^(alpha - 1) |H_b|^(-alpha) exp[(2 B dL / eta) (s / H_a + (1 - s) / |H_b|)]",
        assumptions=(
            "The noise is that of the minimum up to a height s of the barrier and that of the saddle beyond.",
            "Steps are small, and the barrier is high against the noise.",
        ),
        source="Xie, Sato & Sugiyama 2021 (ICLR, arXiv 2002.03495), equation (7), in every convention",
        favour=Reason(True, HIGH.text, power),
    )


def inflection_height(problem: EscapeProblem, way: WayOut) -> float:
    """s of the inflection point between minimum and saddle of the escaping coordinate.

    Raises
    ------
    InputError
        A landscape that is not separable, or more than one inflection point.
    """
    if way.coordinate is None:
        raise InputError("s is not determined by the theory, and this landscape is not separable; give s=.")
    from scipy.optimize import brentq

    i = way.coordinate
    line = problem.potential.coordinates()[i]
    x = np.linspace(float(problem.minimum.x[i]), float(way.saddle.x[i]), 2001)
    curvature = line.hessian(x[:, None])[:, 0, 0]
    changes = np.flatnonzero(np.sign(curvature[:-1]) * np.sign(curvature[1:]) < 0)
    touched = np.flatnonzero(curvature == 0)
    if len(changes) + len(touched) != 1:
        raise InputError(
            f"s is not determined by the theory, and there are {len(changes) + len(touched)} inflection "
            "points between minimum and saddle; give s=."
        )
    if len(touched):
        c = float(x[touched[0]])
    else:
        k = int(changes[0])
        c = float(brentq(lambda y: float(line.hessian(np.array([y]))[0, 0]), x[k], x[k + 1], xtol=1e-15))
    bottom = float(line.energy(x[:1, None])[0])
    return (float(line.energy(np.array([c]))) - bottom) / problem.barrier(way)


def _curvatures(problem: EscapeProblem, way: WayOut) -> tuple[float, float]:
    """H_ae and |H_be|."""
    if way.coordinate is not None:
        i = way.coordinate
        return problem.minimum.curvature(i), abs(way.saddle.curvature(i))
    values, vectors = np.linalg.eigh(way.saddle.hessian)
    direction = vectors[:, 0]
    return float(direction @ problem.minimum.hessian @ direction), abs(float(values[0]))


def _exponent(problem: EscapeProblem, way: WayOut, s: float, strength: float) -> float:
    bottom, top = _curvatures(problem, way)
    return 2 * problem.barrier(way) / strength * (s / bottom + (1 - s) / top)


def _objections(problem: EscapeProblem, exponent: float, sgd: SGD) -> list[str]:
    way = problem.ways[0]
    if way.coordinate is None:
        return [
            "the noise changes along the way and has no two fixed values, and the prefactor is not that of "
            "Ito noise, which SGD has"
        ]
    zero = vanishing_noise(problem, way)
    name = problem.potential.variables[way.coordinate]
    if zero is not None and problem.learning_rate:
        return [
            f"the noise vanishes at {name} = {zero:.6g}, where the SDE behind the formula never crosses; the "
            "discrete rule escapes by single hops over that point, with an exponent that is not linear in 1 "
            "/ learning rate"
        ]
    if zero is not None:
        return [
            f"the noise vanishes at {name} = {zero:.6g} and is never crossed: the escape time of the SDE is "
            "infinite"
        ]
    true = potential_over_noise(problem, way)
    return [
        f"the noise at floor {sgd.floor:g} has the exponent {true:.4g} where the formula has {exponent:.4g}, "
        "and the prefactor is not that of Ito noise, which SGD has"
    ]
