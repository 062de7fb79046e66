"""The survival function of right-censored data with a pointwise band."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SurvivalCurve:
    """Kaplan-Meier estimate: `survival` holds from each of `times` on, between pointwise 95 % limits."""

    times: np.ndarray
    survival: np.ndarray
    low: np.ndarray
    high: np.ndarray


def kaplan_meier(times: np.ndarray, observed: np.ndarray) -> SurvivalCurve:
    """Kaplan-Meier estimate with Greenwood's variance on the log-log scale (scipy.stats.ecdf)."""
    from scipy.stats import CensoredData, ecdf

    times, observed = np.asarray(times, dtype=float), np.asarray(observed, dtype=bool)
    result: Any = ecdf(CensoredData(uncensored=times[observed], right=times[~observed])).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # The band is undefined where the estimate is 0 or 1, which is mended below.
        warnings.simplefilter("ignore", RuntimeWarning)
        band = result.confidence_interval(0.95, method="log-log")
    low = np.where(np.isfinite(band.low.probabilities), band.low.probabilities, result.probabilities)
    high = np.where(np.isfinite(band.high.probabilities), band.high.probabilities, result.probabilities)
    return SurvivalCurve(result.quantiles, result.probabilities, low, high)
