"""Is a right-censored sample exponential?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExponentialityTest:
    """Outcome of the cumulative total-time-on-test.

    Attributes
    ----------
    mean_position
        Mean position of the events on the scale of total time on test: 1/2 for an exponential law, more when
        the rate of events grows with age (or starts late), less when it falls.
    p_value
        Two-sided.
    """

    mean_position: float
    p_value: float

    @property
    def doubtful(self) -> bool:
        """Significant (p < 0.001) and large enough to matter (the mean position is off by more than 0.02)."""
        return self.p_value < 1e-3 and abs(self.mean_position - 0.5) > 0.02


def check_exponentiality(
    times: np.ndarray, observed: np.ndarray, paths: np.ndarray | None = None
) -> ExponentialityTest:
    """Cumulative total-time-on-test statistic (Barlow, Bartholomew, Bremner & Brunk 1972).

    Under an exponential law the total times on test at the events, divided by the total exposure, are ordered
    uniforms; their mean is normal with mean 1/2 and variance 1/(12 r) for r of them. Right-censoring is
    allowed for.

    Parameters
    ----------
    times, observed
        Shape (n,): time to exit or censoring, and whether it is an exit.
    paths
        Shape (n,): how many paths each entry stands for; by default one.
    """
    times, observed = np.asarray(times, dtype=float), np.asarray(observed, dtype=bool)
    paths = np.ones(len(times), dtype=np.int64) if paths is None else np.asarray(paths)
    # Of what ends at the same time, events first.
    order = np.lexsort((~observed, times))
    ages, events, paths = times[order], observed[order], paths[order]
    at_risk = np.cumsum(paths[::-1])[::-1]
    on_test = np.cumsum(at_risk * np.diff(ages, prepend=0.0))
    positions, weights = on_test[events], paths[events].copy()
    if len(events) and events[-1]:
        # Without censoring the last event closes the scale; it is not one of the uniforms.
        weights[-1] -= 1
    count = int(weights.sum())
    if count < 5 or on_test[-1] == 0:
        return ExponentialityTest(0.5, 1.0)
    mean = float((weights * positions).sum() / count / on_test[-1])
    score = (mean - 0.5) * math.sqrt(12 * count)
    return ExponentialityTest(mean, math.erfc(abs(score) / math.sqrt(2)))
