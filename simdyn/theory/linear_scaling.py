"""How far learning rate and batch size can be raised together before the stationary law notices."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.results import Prediction
from simdyn.theory.closed_form import Reason, broadcast, closed_form, numbers

_ASSUMED = ("The loss is a parabola along the direction, and the noise constant over the width of the law.",)
_SOURCE = "exact variance of the recursion; Jastrzebski et al. 2017 (arXiv 1711.04623) for its limit"


def scaled_variance_ratio(curvature: Any, learning_rate: Any, factor: Any) -> Prediction:
    """(2 - eta h) / (2 - lambda eta h): variance at (lambda eta, lambda B) over that at (eta, B).

    1 in the limit of small learning rates, where only eta / B matters.

    Parameters
    ----------
    curvature, learning_rate
        h and eta, positive. All arguments broadcast.
    factor
        lambda > 0.

    Returns
    -------
    Prediction
        Infinite, and not valid, from lambda eta h = 2 on; NaN where eta h is 2 or more.
    """
    h, eta, scale = _numbers(curvature, learning_rate, factor)
    first, second = 2 - eta * h, 2 - scale * eta * h
    with np.errstate(all="ignore"):
        value = np.where(second > 0, first / second, np.inf)
    return closed_form(
        np.where(first > 0, value, np.nan),
        _unstable(eta * h, scale * eta * h),
        name="Variance under linear scaling",
        unit="ratio",
        formula="(2 - eta h) / (2 - lambda eta h)",
        assumptions=_ASSUMED,
        source=_SOURCE,
        favour=Reason(True, "learning rate times curvature becomes {:.3g}", scale * eta * h),
    )


def scaling_limit(curvature: Any, learning_rate: Any, tolerance: Any = 0.05) -> Prediction:
    """The lambda at which `scaled_variance_ratio` has grown to 1 + tolerance.

    (2 - (2 - eta h) / (1 + tolerance)) / (eta h); for small eta h about 2 tolerance / (eta h), plus 1.

    Parameters
    ----------
    curvature, learning_rate
        h and eta, positive. All arguments broadcast.
    tolerance
        Above 0.
    """
    h, eta, tolerance = _numbers(curvature, learning_rate, tolerance)
    steep = eta * h
    value = (2 - (2 - steep) / (1 + tolerance)) / steep
    return closed_form(
        np.where(steep < 2, value, np.nan),
        _unstable(steep, steep),
        name="Limit of linear scaling",
        unit="factor",
        formula="(2 - (2 - eta h) / (1 + tolerance)) / (eta h)",
        assumptions=_ASSUMED,
        source=_SOURCE,
        favour=Reason(True, "learning rate times curvature is {:.3g} there", value * steep),
    )


def _numbers(curvature: Any, learning_rate: Any, third: Any) -> tuple[np.ndarray, ...]:
    return broadcast(
        curvature=numbers("curvature", curvature, above=0),
        learning_rate=numbers("learning_rate", learning_rate, above=0),
        third=numbers("factor or tolerance", third, above=0),
    )


def _unstable(first: np.ndarray, second: np.ndarray) -> list[Reason]:
    text = "learning rate times curvature is {:.3g}, and stability ends at 2"
    steep = np.maximum(first, second)
    return [Reason(steep >= 2, text, steep)]
