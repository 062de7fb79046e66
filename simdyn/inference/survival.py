"""The survival function of right-censored data with a pointwise band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simdyn.inference.sample import NORMAL_975


@dataclass(frozen=True)
class SurvivalCurve:
    """Kaplan-Meier estimate: `survival` holds from each of `times` on, between pointwise 95 % limits."""

    times: np.ndarray
    survival: np.ndarray
    low: np.ndarray
    high: np.ndarray


def kaplan_meier(times: np.ndarray, observed: np.ndarray, paths: np.ndarray | None = None) -> SurvivalCurve:
    """Kaplan-Meier estimate with Greenwood's variance on the log-log scale.

    Parameters
    ----------
    times, observed
        Shape (n,): time to exit or censoring, and whether it is an exit.
    paths
        Shape (n,): how many paths each entry stands for; by default one.

    Returns
    -------
    SurvivalCurve
        At each of the different times.
    """
    times, observed = np.asarray(times, dtype=float), np.asarray(observed, dtype=bool)
    paths = np.ones(len(times), dtype=np.int64) if paths is None else np.asarray(paths)
    ages, place = np.unique(times, return_inverse=True)
    ended, left = np.zeros(len(ages), dtype=np.int64), np.zeros(len(ages), dtype=np.int64)
    np.add.at(ended, place, paths)
    np.add.at(left, place[observed], paths[observed])
    at_risk = np.cumsum(ended[::-1])[::-1]
    survival = np.cumprod((at_risk - left) / at_risk)
    with np.errstate(all="ignore"):
        # Of log(-log S).
        error = np.sqrt(np.cumsum(left / (at_risk * (at_risk - left).astype(float)))) / np.abs(
            np.log(survival)
        )
        level = np.log(-np.log(survival))
        low, high = (np.exp(-np.exp(level + sign * NORMAL_975 * error)) for sign in (1, -1))
    # The band is undefined where the estimate is 0 or 1.
    return SurvivalCurve(
        ages, survival, np.where(np.isfinite(low), low, survival), np.where(np.isfinite(high), high, survival)
    )
