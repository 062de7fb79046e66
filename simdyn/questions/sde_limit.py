"""The escape time of a discrete rule as its SDE has it: a prediction, though an exact value of the SDE."""

from __future__ import annotations

from typing import Any

from potentials import DriftField, Potential
from simdyn.dynamics import SDE, SGD, SGLD, Dynamics
from simdyn.dynamics.rates import refuse_directions
from simdyn.errors import InputError
from simdyn.results import Prediction


def sde_limit(potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """Exact escape time of `SDE.limit_of(dynamics)` over the learning rate, in steps.

    Its verdict is what theory says of the steps: at constant noise that their first order changes the time by
    little, at varying noise that the noise changes little over a step.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`.

    Raises
    ------
    InputError
        An SDE, or one that has no exact escape time.
    """
    from simdyn import exact

    if not isinstance(dynamics, SGD | SGLD):
        raise InputError("The SDE limit is that of a discrete rule; use SGD or SGLD.")
    refuse_directions(dynamics, "The prediction by the SDE limit is for")
    reference = exact.escape_time(potential, SDE.limit_of(dynamics), start, exit)
    reasons, favour = _verdict(potential, dynamics, start, exit)
    why = "; ".join(reasons) or favour
    return Prediction(
        name="SDE limit",
        value=reference.value / float(dynamics.learning_rate),
        unit="steps",
        formula="exact escape time of dx = -grad L dt + (2 D)^(1/2) dW, over the learning rate",
        assumptions=("Steps are small against the curvature and against the change of the noise.",),
        valid=not reasons,
        why=why[0].upper() + why[1:] + ".",
        source="Li, Tai & E 2017",
    )


def _verdict(potential: Any, dynamics: Dynamics, start: Any, exit: Any) -> tuple[list[str], str]:
    """Reasons against the limit, and what speaks for it."""
    from simdyn.theory.kramers import steps_reason
    from simdyn.theory.neglected import LARGEST_SHIFT, step_factor
    from simdyn.theory.validity import LARGEST_STEP
    from simdyn.theory.ways_out import escape_problem

    try:
        problem = escape_problem(potential, dynamics, start, exit)
    except InputError as reason:
        return [f"nothing is known of its steps ({str(reason).rstrip('.')})"], ""
    steep = problem.learning_rate * float(problem.minimum.eigenvalues.max())
    reasons = []
    if steep > LARGEST_STEP:
        reasons.append(
            f"learning rate times curvature is {steep:.2g} at the minimum, the limit needs at most "
            f"{LARGEST_STEP:g}"
        )
    if not problem.constant_noise:
        try:
            reasons += steps_reason(problem)
        except InputError:
            reasons.append("how much the noise changes over a step is known for one coordinate at a time")
        return reasons, f"learning rate times curvature is {steep:.2g}"
    change = max((step_factor(problem, way) - 1 for way in problem.ways), key=abs)
    if abs(change) > LARGEST_SHIFT:
        reasons.append(f"steps of this learning rate change the time by {change:+.0%}")
    return reasons, f"steps of this learning rate would change the time by {change:+.1%}"
