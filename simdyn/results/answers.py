"""Estimate, Prediction, Reference: immutable values that carry what a reader needs in order to trust them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["steps", "time"]
"""A mean escape time is counted in iterations ("steps") or in SDE time t = learning rate x steps ("time")."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A measured mean with its confidence interval.

    Attributes
    ----------
    value, low, high
        Point estimate and the ends of the interval; `math.inf` where the data give no upper bound.
    unit
        "steps" or "time".
    confidence
        Nominal coverage of the interval.
    events
        Number of observed events behind the value.
    """

    value: float
    low: float
    high: float
    unit: Unit
    confidence: float = 0.95
    events: int = 0

    @property
    def relative_error(self) -> float:
        """Relative standard error of an exponential mean from this many events, 1/sqrt(events)."""
        return 1.0 / math.sqrt(self.events) if self.events else math.inf

    def contains(self, value: float) -> bool:
        """Whether `value` lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A closed form evaluated for one problem, with its assumptions checked as far as they can be.

    Attributes
    ----------
    name
        Name in the literature, e.g. "Kramers".
    value
        In `unit`: a float, or an array for a sweep or for an answer that is a vector or a matrix.
    unit
        "steps" or "time" for escape times; for other answers a name such as "probability" or "x^2".
    formula
        The formula in readable plain text.
    assumptions
        One sentence each.
    valid, why
        Whether the assumptions hold for this problem, and the reason for the verdict in one sentence: a bool
        and a str, or arrays of the shape of the sweep.
    source
        Where the formula comes from.
    """

    name: str
    value: Any
    unit: str
    formula: str
    assumptions: tuple[str, ...]
    valid: Any
    why: Any
    source: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A numerically exact value.

    Attributes
    ----------
    value
        In `unit`.
    error
        Estimate of the absolute numerical error, from two resolutions.
    unit
        "steps" or "time" for times, "1/steps" or "1/time" for rates, "1" for probabilities, exponents and
        multipliers, "learning rate" for thresholds of stability, "energy" for barriers.
    method
        How it was computed, in one sentence.
    """

    value: float
    error: float
    unit: Unit | Literal["1/steps", "1/time", "1", "learning rate", "energy"]
    method: str

    def __post_init__(self) -> None:
        for name in ("value", "error"):
            # Scalars of NumPy print, and are written to files, differently from numbers.
            object.__setattr__(self, name, float(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Two numbers between which a value surely lies, where the value itself costs too much.

    Attributes
    ----------
    low, high
        The bounds, in `unit`.
    unit
        As in `Reference`.
    method
        How they were found, in one clause.
    """

    low: float
    high: float
    unit: Unit | Literal["1", "learning rate"]
    method: str

    def contains(self, value: float) -> bool:
        """Whether `value` lies between them."""
        return self.low <= value <= self.high
