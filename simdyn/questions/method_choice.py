"""How `method="auto"` decides between direct simulation and splitting, before anything has been measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from simdyn.estimators import Pilot
from simdyn.results import Prediction

FEWEST_ESCAPES = 20
"""Escapes below which direct simulation is hopeless: its interval spans a factor of two and more."""

LARGEST_SHARE = 0.1
"""Share of escapes above which a small number of them is owed to few paths, which a user can raise."""

FARTHEST_FROM_TARGET = 10.0
"""Times the target error at which direct simulation is hopeless, too."""


@dataclass(frozen=True)
class Budget:
    """What direct simulation may spend: paths, steps of each, and the relative error that it should reach."""

    paths: int
    max_steps: int
    target_error: float | None = None

    @property
    def needed(self) -> float:
        """Escapes without which it is not worth its time."""
        if self.target_error is None:
            return float(FEWEST_ESCAPES)
        return max(float(FEWEST_ESCAPES), (FARTHEST_FROM_TARGET * self.target_error) ** -2)

    def hopeless(self, share: float) -> bool:
        """Whether too few of the paths escape when this share of them does."""
        return share * self.paths < self.needed and share < LARGEST_SHARE

    @property
    def pilot_paths(self) -> int:
        """Paths of which none escapes, with 95 % confidence, only where direct simulation is hopeless.

        None of n escape with a probability of at most 5 % when the share of escapes is 1 - 0.05^(1/n).
        """
        share = min(self.needed / self.paths, LARGEST_SHARE)
        return math.ceil(math.log(0.05) / math.log1p(-share))


@dataclass(frozen=True)
class Choice:
    """A method, and why it was chosen, in words that can follow "since".

    Attributes
    ----------
    method, why
        The two.
    refusal
        Why splitting does not do what direct simulation can hardly do, in a sentence.
    """

    method: Literal["direct", "splitting"]
    why: str
    refusal: str = ""

    @property
    def sentence(self) -> str:
        """The choice in one sentence."""
        name = {"direct": "Direct simulation", "splitting": "Splitting"}[self.method]
        refusal = f" ({self.refusal.rstrip('.')})" if self.refusal else ""
        return f"{name}, since {self.why}{refusal}."

    def refused(self, reason: str) -> Choice:
        """Direct simulation instead."""
        return Choice("direct", f"{self.why}; but splitting refuses", reason)


def choose_method(
    budget: Budget,
    predictions: Sequence[Prediction],
    step: float,
    refusal: str,
    pilot: Callable[[int], Pilot],
) -> Choice:
    """Splitting where direct simulation is hopeless and splitting can do it, else direct simulation.

    Parameters
    ----------
    budget
        Of direct simulation.
    predictions
        In steps, or in time of which `step` passes in a step; what the valid ones say decides.
    step
        1 where predictions are in steps.
    refusal
        Why splitting cannot do the problem; "" where it can.
    pilot
        Called, if no prediction is valid, with the largest number of paths to run.
    """
    known = by_prediction(budget, predictions, step)
    if known is None and refusal:
        return Choice("direct", "no closed form is valid here, and splitting refuses", refusal)
    choice = known or by_pilot(budget, pilot(budget.pilot_paths))
    return choice.refused(refusal) if refusal and choice.method == "splitting" else choice


def by_prediction(budget: Budget, predictions: Sequence[Prediction], step: float) -> Choice | None:
    """What the shortest of the valid closed forms says; None if there is none.

    Parameters
    ----------
    budget
        Of direct simulation.
    predictions
        In steps, or in time of which `step` passes in a step.
    step
        1 where predictions are in steps.
    """
    valid = [p for p in predictions if p.valid]
    if not valid:
        return None
    shortest = min(valid, key=lambda p: p.value)
    steps = float(shortest.value) / step
    share = -math.expm1(-budget.max_steps / steps)
    seen = share * budget.paths
    hopeless = budget.hopeless(share)
    shown = f"{seen:,.0f}" if seen >= 10 else f"{seen:.2g}"
    return Choice(
        "splitting" if hopeless else "direct",
        f"by '{shortest.name}' an escape takes {steps:.3g} steps, so about {shown} of {budget.paths:,} paths "
        f"{'would' if hopeless else 'will'} escape within the {budget.max_steps:,} steps that "
        f"{'direct simulation gives each' if hopeless else 'each may take'}",
    )


def by_pilot(budget: Budget, pilot: Pilot) -> Choice:
    """What a few paths of direct simulation say, where no closed form is valid."""
    if pilot.ended:
        return Choice(
            "direct",
            f"no closed form is valid here, and {pilot.ended:,} of {pilot.paths:,} pilot paths ended within "
            f"{pilot.steps:,} steps",
        )
    most = -math.expm1(math.log(0.05) / pilot.paths) * budget.paths
    return Choice(
        "splitting",
        f"no closed form is valid here, and none of {pilot.paths:,} pilot paths escaped within the "
        f"{pilot.steps:,} steps that direct simulation gives each, so that fewer than {math.ceil(most):,} of "
        f"{budget.paths:,} paths would (95 % confidence)",
    )
