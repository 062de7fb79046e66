"""Kramers' escape time with inertia, for any friction."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.dynamics import SDE, SGD, SGLD, Dynamics
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import (
    Reason,
    broadcast,
    closed_form,
    exponential,
    noise_level,
    numbers,
    positive,
    too_large,
)
from simdyn.theory.no_value import NoValue, answered
from simdyn.theory.rates import HIGH, low_barrier
from simdyn.theory.sweep import swept
from simdyn.theory.ways_out import EscapeProblem, WayOut, added, escape_problem

MILNE = 1.4603545088095868
"""-zeta(1/2): how far beyond an absorbing wall the density of thermal particles with friction seems to
vanish, in units of sqrt(T) / friction (Marshall & Watson 1985)."""

SMALLEST_ACTION = 10.0
LARGEST_STEP = 0.3
LARGEST_INERTIA = 0.5


def underdamped_kramers_time(
    barrier: Any,
    curvature_minimum: Any,
    curvature_saddle: Any,
    temperature: Any,
    friction: Any,
    *,
    action: Any = None,
    action_beyond: Any = None,
    transverse: Any = 1.0,
) -> Prediction:
    """2 pi / lambda_+ sqrt(|L''_b| / L''_a) exp(dL/T) / A, the commit time of a path with inertia.

    dx = v dt, dv = -L' dt - friction v dt + (2 friction T)^(1/2) dW, with unit mass, and
    lambda_+ = (friction^2 / 4 + |L''_b|)^(1/2) - friction / 2 (Kramers 1940). The depopulation factor
    A(delta), delta = friction S / T, is 1 at large friction and delta at small friction (Mel'nikov & Meshkov
    1986); it is taken where the action S is given.

    Parameters
    ----------
    barrier, curvature_minimum, curvature_saddle
        dL, L''_a and |L''_b|, positive. All arguments broadcast.
    temperature, friction
        T and the rate at which velocities forget, positive.
    action
        S = 2 int (2 (L_b - L))^(1/2) dx over the well at the energy of the saddle. Without it A = 1.
    action_beyond
        The same of a well beyond, from which a path at the height of the saddle comes back:
        A = A(d1) A(d2) / A(d1 + d2). Without it what has crossed does not return.
    transverse
        Product of the other eigenvalues at the saddle over that at the minimum, in several dimensions.

    Returns
    -------
    Prediction
        In the unit of 1 / friction.

    Raises
    ------
    InputError
        Numbers out of range. Where there is no barrier, no curvature or no temperature the prediction is not
        valid and says so.
    """
    if action is None and action_beyond is not None:
        raise InputError("action_beyond= goes with action=; give both.")
    height, flat = positive("barrier", barrier)
    bottom, hollow = positive("curvature_minimum", curvature_minimum)
    top, level = positive("curvature_saddle", curvature_saddle)
    noise, silent = noise_level("temperature", temperature)
    height, bottom, top, noise, gamma, across = broadcast(
        barrier=height,
        curvature_minimum=bottom,
        curvature_saddle=top,
        temperature=noise,
        friction=numbers("friction", friction, above=0),
        transverse=numbers("transverse", transverse, above=0),
    )
    with np.errstate(divide="ignore"):
        power = height / noise
    value = 2 * np.pi / growth_rate(top, gamma) * np.sqrt(top / bottom * across) * exponential(power)
    reasons = [flat, hollow, level, silent, low_barrier(power), too_large(np.where(noise == 0, 0.0, power))]
    if action is None:
        # The action of a well of this barrier that is a parabola: S = 2 pi dL / omega_a.
        with np.errstate(divide="ignore"):
            loss = gamma * 2 * np.pi * height / (noise * np.sqrt(bottom))
        reasons.append(
            Reason(
                loss < SMALLEST_ACTION,
                "the friction is low: a path loses about {:.2g} temperatures in one oscillation, and the "
                f"formula without action= needs {SMALLEST_ACTION:g}",
                loss,
            )
        )
    else:
        with np.errstate(divide="ignore"):
            loss = gamma * numbers("action", action, above=0) / noise
        factor = depopulation(loss)
        if action_beyond is not None:
            more = gamma * numbers("action_beyond", action_beyond, above=0) / noise
            factor = factor * depopulation(more) / depopulation(loss + more)
        value = value / factor
    return closed_form(
        value,
        reasons,
        name="Kramers with inertia",
        unit="time",
        formula="2 pi / lambda_+ sqrt(|L''_b| / L''_a) exp(dL/T)" + ("" if action is None else " / A(delta)"),
        assumptions=(
            "The barrier is much higher than the temperature.",
            "Mass 1, friction and temperature are the same everywhere.",
            "The friction is so high that a path equilibrates between two visits to the saddle."
            if action is None
            else "Energy is lost slowly against the period at low friction (interpolated between).",
        ),
        source="Kramers 1940"
        + ("" if action is None else "; Mel'nikov & Meshkov 1986; Haenggi, Talkner & Borkovec 1990"),
        favour=Reason(True, HIGH.text, power),
    )


def growth_rate(curvature: Any, friction: Any) -> Any:
    """lambda_+, at which a path leaves the saddle; written without cancellation at large friction."""
    return curvature / (np.sqrt(friction**2 / 4 + curvature) + friction / 2)


def depopulation(loss: Any) -> Any:
    """A(delta) = exp[(2/pi) int_0^{pi/2} log(1 - exp(-delta / (4 cos^2 phi))) dphi] (Mel'nikov 1985)."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    # Nodes crowd towards phi = pi/2, where the integrand has a logarithm at small delta.
    u = (nodes + 1) / 2
    cosine = np.sin(np.pi / 2 * u**3)
    jacobian = weights / 2 * 3 * u**2 * np.pi / 2
    delta = np.asarray(loss, dtype=float)[..., None]
    with np.errstate(divide="ignore"):
        inside = np.log(-np.expm1(-delta / (4 * cosine**2)))
    return np.exp(2 / np.pi * (inside * jacobian).sum(-1))


@swept
@answered(
    "Kramers with inertia", "2 pi / lambda_+ sqrt(|L''_b| / L''_a) exp(dL/T) / A(delta)", "Kramers 1940"
)
def underdamped_kramers(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """Escape time of underdamped Langevin dynamics, or of a discrete rule with momentum, at any friction.

    The commit time of `underdamped_kramers_time`, in one dimension with the action of the start's well; the
    rates of several saddles add. A first hit takes the share [1 + erf(1.4604 (|L''_b| / 2)^(1/2) / friction)]
    / 2 of it at large friction, because a path first comes to the saddle with a velocity outwards (Marshall
    & Watson 1985). Heavy ball with momentum m at learning rate eta is unit mass with time step eta^(1/2),
    friction (1 - m) / eta^(1/2) and temperature D / (1 - m).

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; `dynamics` is an SDE with friction=, or SGD or SGLD with momentum=.
        Potentials and dynamics may be arrays, for a sweep.

    Raises
    ------
    InputError
        Dynamics without inertia, noise that varies or has a direction, or an exit away from the critical
        points.
    """
    friction, step = _inertia(dynamics)
    problem = escape_problem(potential, _without_inertia(dynamics), start, exit)
    if not problem.constant_noise:
        raise InputError("Kramers' formula with inertia is for constant noise.")
    matrix = problem.diffusion(problem.minimum.x)
    noise = float(matrix[0, 0])
    if not np.allclose(matrix, noise * np.eye(len(matrix)), rtol=1e-9, atol=1e-12 * noise):
        raise InputError("Kramers' formula with inertia needs noise that is the same in all directions.")
    discrete = not isinstance(dynamics, SDE)
    temperature = noise / (friction * step) if discrete else noise
    parts = [_way(problem, way, temperature, friction) for way in problem.ways]
    total = added([part.value for part in parts], problem.ways)
    against = [part for part in parts if not part.valid]
    reasons = [Reason(True, f"{against[0].why[:-1].lower()}")] if against else []
    oscillation = step * math.sqrt(float(np.abs(problem.minimum.eigenvalues).max()))
    reasons.append(
        Reason(
            max(oscillation, friction * step) > LARGEST_STEP,
            "a step covers {:.2g} of the time in which velocities change, the formula needs at most "
            f"{LARGEST_STEP:g}",
            max(oscillation, friction * step),
        )
    )
    hit = problem.ways[0].kind == "hit"
    if hit:
        inertia = max(math.sqrt(abs(float(way.saddle.eigenvalues.min()))) for way in problem.ways) / friction
        reasons.append(
            Reason(
                inertia > LARGEST_INERTIA,
                "the share of a hit is known at large friction, where omega_b over friction is below "
                f"{LARGEST_INERTIA:g}, and here it is {{:.2g}}",
                inertia,
            )
        )
    lowest = min(problem.barrier(way) for way in problem.ways) / temperature
    formula = parts[0].formula
    if hit:
        formula += " x [1 + erf(1.4604 sqrt(|L''_b| / 2) / friction)] / 2 for a hit"
    if problem.saddles > 1:
        formula += f", rates of {problem.saddles} saddles added"
    return closed_form(
        total / (step if discrete else 1.0),
        reasons,
        name="Kramers with inertia",
        unit="steps" if discrete else "time",
        formula=formula,
        assumptions=(*parts[0].assumptions, "Steps are small against friction and curvature."),
        source=parts[0].source + ("; Marshall & Watson 1985 for hits" if hit else ""),
        favour=Reason(True, HIGH.text, lowest),
    )


def _inertia(dynamics: Dynamics) -> tuple[float, float]:
    """Friction and time step of the motion with unit mass."""
    if isinstance(dynamics, SDE) and dynamics.friction is not None:
        return float(dynamics.friction), float(dynamics.step)
    if isinstance(dynamics, SGD | SGLD) and dynamics.momentum > 0:
        if not isinstance(dynamics.learning_rate, int | float):
            raise InputError("Kramers' formula with inertia is for a constant learning rate.")
        step = math.sqrt(dynamics.learning_rate)
        return (1 - dynamics.momentum) / step, step
    raise InputError("Kramers' formula with inertia is for an SDE with friction= or a rule with momentum=.")


def _without_inertia(dynamics: Dynamics) -> Dynamics:
    if isinstance(dynamics, SDE):
        return SDE(dynamics.diffusion, dynamics.step, convention=dynamics.convention)
    assert isinstance(dynamics, SGD | SGLD)
    return replace(dynamics, momentum=0.0)


def _way(problem: EscapeProblem, way: WayOut, temperature: float, friction: float) -> Prediction:
    top = abs(float(way.saddle.eigenvalues.min()))
    action = None
    if problem.potential.dim == 1:
        bottom, across = float(problem.minimum.hessian[0, 0]), 1.0
        action = well_action(problem, way)
    else:
        bottom = float(problem.minimum.eigenvalues.min())
        logs = [float(np.linalg.slogdet(point.hessian)[1]) for point in (way.saddle, problem.minimum)]
        across = math.exp(logs[0] - logs[1]) * bottom / top
    found = underdamped_kramers_time(
        problem.barrier(way), bottom, top, temperature, friction, action=action, transverse=across
    )
    if way.kind == "hit":
        share = 0.5 * (1 + math.erf(MILNE * math.sqrt(top / 2) / friction))
        found = replace(found, value=found.value * share)
    return found


def well_action(problem: EscapeProblem, way: WayOut) -> float:
    """S = 2 int (2 (L_b - L))^(1/2) dx from the saddle to the turning point across the well."""
    from scipy.integrate import quad
    from scipy.optimize import brentq

    top = float(way.saddle.x[0])
    bottom = float(problem.minimum.x[0])
    level = way.saddle.energy

    def below(x: float) -> float:
        return level - float(problem.potential.energy(np.array([x])))

    far = bottom + (bottom - top)
    for _ in range(60):
        if below(far) < 0:
            break
        far += far - bottom
    else:
        raise NoValue("The well has no wall as high as the saddle, so its action is infinite.")
    turn = float(brentq(below, bottom, far, xtol=1e-14, rtol=1e-14))

    # x = middle + half sin(phi) takes the square root at the turning point away.
    def integrand(phi: float) -> float:
        x = 0.5 * (top + turn) + 0.5 * (top - turn) * math.sin(phi)
        return math.sqrt(max(0.0, 2 * below(x))) * 0.5 * abs(top - turn) * math.cos(phi)

    return 2 * float(quad(integrand, -math.pi / 2, math.pi / 2, limit=400, epsabs=0, epsrel=1e-10)[0])
