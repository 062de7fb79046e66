"""Steps to a loss against batch size: how many steps, and how many samples, it takes at least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Tradeoff:
    """The curve S = S_min (1 + B_crit / B), which is (S / S_min - 1)(E / E_min - 1) = 1 for E = B S samples
    and E_min = B_crit S_min (McCandlish et al. 2018).

    Attributes
    ----------
    fewest_steps, critical_batch
        S_min and B_crit.
    misfit
        Root mean square deviation of log S from the curve.
    """

    fewest_steps: float
    critical_batch: float
    misfit: float

    def steps(self, batches: Array) -> Array:
        """S at other batch sizes."""
        return self.fewest_steps * (1 + self.critical_batch / np.asarray(batches, dtype=float))


def fitted_tradeoff(batches: Array, steps: Array) -> Tradeoff:
    """The curve that is closest to numbers of steps, on a logarithmic scale.

    Parameters
    ----------
    batches, steps
        Batch sizes, and the steps that each takes at its best learning rate; not a number where the loss is
        not reached, which leaves the batch size out. There is no curve through fewer than three.
    """
    from scipy.optimize import curve_fit

    def log_steps(batch: Array, log_fewest: float, log_critical: float) -> Array:
        return log_fewest + np.log1p(np.exp(log_critical) / batch)

    reached = np.isfinite(steps)
    b, s = np.asarray(batches, dtype=float)[reached], np.log(np.asarray(steps, dtype=float)[reached])
    if len(s) < 3:
        return Tradeoff(np.nan, np.nan, np.nan)
    begin = (s.min(), np.log(np.median(b)))
    (fewest, critical), _ = curve_fit(log_steps, b, s, p0=begin)
    misfit = float(np.sqrt(np.mean((s - log_steps(b, fewest, critical)) ** 2)))
    return Tradeoff(float(np.exp(fewest)), float(np.exp(critical)), misfit)
