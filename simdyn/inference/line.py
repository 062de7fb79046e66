"""A straight line through points of known error."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Line:
    """Weighted least-squares line through independent points of known error.

    Attributes
    ----------
    slope, error
        The slope and its standard error.
    shares
        Shape (n,): the slope is the sum of these times y, so that a function of several slopes that share
        points can be given its error.
    """

    slope: float
    error: float
    shares: np.ndarray = field(repr=False, compare=False)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the slope."""
        return self.slope - 1.96 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of the slope."""
        return self.slope + 1.96 * self.error


def fit_line(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> Line:
    """Slope of y against x and its standard error, with errors `sigma` of y.

    With fewer than two different x there is no slope: NaN.
    """
    if len(np.unique(x)) < 2:
        return Line(np.nan, np.nan, np.full(len(x), np.nan))
    weights = sigma**-2.0
    centre = float((weights * x).sum() / weights.sum())
    spread = float((weights * (x - centre) ** 2).sum())
    shares = weights * (x - centre) / spread
    return Line(float((shares * y).sum()), spread**-0.5, shares)
