"""A predicted stationary law, as far as its formula states it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simdyn.dynamics import Update
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array
from simdyn.theory.line_law import LineLaw

Density = Callable[[Array], Array]


@dataclass(frozen=True, kw_only=True)
class StationaryLaw(Prediction):
    """A predicted stationary law, as far as the formula states it.

    Attributes
    ----------
    mean, covariance
        Shapes (d,) and (d, d), or None; infinite where a moment does not exist.
    weights
        Weights of the basins of `points`, shape (K,), or None.
    points
        Minima that these weights and the law around them belong to, shape (K, d).
    density
        From points (n, d) to densities (n,), or None.
    """

    mean: Array | None = None
    covariance: Array | None = None
    weights: Array | None = None
    points: Array | None = None
    density: Density | None = field(default=None, repr=False, compare=False)


def diffusion_at(law: Update, x: Array) -> Array:
    """D = R R' / (2 step) at points (..., d); shape (..., d, d)."""
    factor = law.factor_at(x)
    return np.asarray(factor @ np.swapaxes(factor, -1, -2) / (2.0 * law.step))


def stated_law(law: LineLaw | None, against: list[str], favour: str, **facts: Any) -> StationaryLaw:
    """A law on a line as a prediction, or the refusal of one."""
    text = "; ".join(against) or favour
    mean = covariance = None
    density: Density | None = None
    if law is not None:
        mean, covariance = np.array([law.mean]), np.array([[law.variance]])
        chosen = law

        def on_the_line(x: Array) -> Array:
            return chosen(x[:, 0])

        density = on_the_line
    return StationaryLaw(
        value={"mean": mean, "covariance": covariance},
        unit="law",
        valid=not against,
        why=text[0].upper() + text[1:] + ".",
        mean=mean,
        covariance=covariance,
        density=density,
        **facts,
    )
