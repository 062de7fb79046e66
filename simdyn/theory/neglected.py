"""How much a leading-order escape time leaves out: the next order in the noise, and finite steps."""

from __future__ import annotations

import numpy as np
import sympy

from simdyn.theory.finite_steps import commit_factor, hit_fraction
from simdyn.theory.rates import NO_TIME
from simdyn.theory.ways_out import EscapeProblem, WayOut

LARGEST_NEXT_ORDER = 0.3
LARGEST_SHIFT = 0.1


def neglected(problem: EscapeProblem, *, noise_included: bool) -> tuple[list[str], tuple[str, ...]]:
    """Reasons against a formula without these corrections, or remarks where they are small."""
    if not problem.constant_noise:
        return [], ()
    against: list[str] = []
    remarks: list[str] = []
    if problem.update.factorised and all(way.coordinate is not None for way in problem.ways):
        corrections = [next_order(problem, way) for way in problem.ways]
        noise = _largest(corrections)
        if noise_included and min(corrections) <= -1:
            against.append(NO_TIME.format(min(corrections)))
        elif abs(noise) > LARGEST_NEXT_ORDER:
            against.append(f"the next order in the noise changes the time by {noise:+.0%}")
        elif not noise_included:
            remarks.append(f"the next order in the noise would add {noise:+.1%}")
    if problem.learning_rate:
        steps = _largest([step_factor(problem, way) - 1 for way in problem.ways])
        if abs(steps) > LARGEST_SHIFT:
            against.append(f"steps of this learning rate change the time by {steps:+.0%}, which is left out")
        else:
            remarks.append(f"steps of this learning rate would add {steps:+.1%}")
    return against, tuple(remarks)


def step_factor(problem: EscapeProblem, way: WayOut) -> float:
    """Time of the discrete rule over the time of its SDE, to first order in the learning rate."""
    factor = commit_factor(problem.minimum, way.saddle, problem.learning_rate)
    if way.kind == "hit":
        factor *= 2 * hit_fraction(abs(float(way.saddle.eigenvalues.min())), problem.learning_rate)
    return factor


def next_order(problem: EscapeProblem, way: WayOut) -> float:
    """D (c_a + c_b), the relative correction of a commit time at constant noise; independent coordinates."""
    assert way.coordinate is not None
    i = way.coordinate
    total = 0.0
    for point, sign in ((problem.minimum, -1.0), (way.saddle, 1.0)):
        second, third, fourth = _derivatives(problem, i, float(point.x[i]))
        total += 5 * third**2 / (24 * abs(second) ** 3) + sign * fourth / (8 * second**2)
    return total * problem.spread(problem.minimum.x, i)


def third_derivative(problem: EscapeProblem, i: int, x: float) -> float:
    """L''' of coordinate i."""
    return _derivatives(problem, i, x)[1]


def _derivatives(problem: EscapeProblem, i: int, x: float) -> tuple[float, float, float]:
    line = problem.potential.coordinates()[i]
    variable = line.variables[0]
    values = {s: line.parameters[s.name] for s in line.expression.free_symbols if s.name in line.parameters}
    numeric = line.expression.subs(values)
    second, third, fourth = (float(sympy.diff(numeric, variable, k).subs(variable, x)) for k in (2, 3, 4))
    return second, third, fourth


def _largest(values: list[float]) -> float:
    return values[int(np.argmax(np.abs(values)))]
