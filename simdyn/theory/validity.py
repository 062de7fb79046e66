"""Whether the assumptions of the escape-rate formulas hold for a problem, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simdyn.theory.ways_out import EscapeProblem

LOWEST_BARRIER = 3.0
LARGEST_STEP = 0.5
SLOW = 10.0


@dataclass(frozen=True)
class Verdict:
    """Reasons against a formula, and what speaks for it."""

    against: tuple[str, ...]
    favour: str

    @property
    def valid(self) -> bool:
        """No reason against."""
        return not self.against

    @property
    def why(self) -> str:
        """One sentence."""
        text = "; ".join(self.against) if self.against else self.favour
        return text[0].upper() + text[1:] + "."


def judge(
    problem: EscapeProblem, exponents: list[float], time: float, *more: str, remarks: tuple[str, ...] = ()
) -> Verdict:
    """Verdict on a small-noise formula.

    Parameters
    ----------
    problem
        The escape.
    exponents
        Barrier over noise of each way out.
    time
        The predicted escape time in units of SDE time.
    more
        Further reasons against.
    remarks
        What else speaks for it or should be known.
    """
    against: list[str] = []
    lowest = min(exponents)
    if lowest < LOWEST_BARRIER:
        against.append(f"barrier over noise is {lowest:.2g}, the formula needs at least {LOWEST_BARRIER:g}")
    else:
        against += _start_and_speed(problem, lowest, time)
    steps = problem.learning_rate * float(np.abs(problem.minimum.eigenvalues).max())
    if steps > LARGEST_STEP:
        against.append(
            f"learning rate times curvature is {steps:.2g} at the minimum, the formula needs at most "
            f"{LARGEST_STEP:g}"
        )
    against += more
    return Verdict(tuple(against), "; ".join((f"barrier over noise is {lowest:.3g}", *remarks)))


def _start_and_speed(problem: EscapeProblem, lowest: float, time: float) -> list[str]:
    against = []
    spent = float(problem.potential.energy(problem.start)) - problem.minimum.energy
    height = min(problem.barrier(way) for way in problem.ways)
    left = lowest * (1 - spent / height)
    if left < LOWEST_BARRIER:
        against.append(
            f"the start is high in its valley, {left:.2g} noise units below the rim where the formula needs "
            f"{LOWEST_BARRIER:g}"
        )
    relaxation = 1.0 / float(problem.minimum.eigenvalues.min())
    if time < SLOW * relaxation:
        against.append(
            f"the predicted time is {time / relaxation:.2g} relaxation times of the valley, the formula "
            f"needs {SLOW:g}"
        )
    return against
