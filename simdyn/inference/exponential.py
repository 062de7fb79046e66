"""The mean of a first-passage time from right-censored observations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simdyn.errors import InputError
from simdyn.results import Estimate, Unit


@dataclass(frozen=True)
class ExponentialFit:
    """Mean first-passage time of a law that is exponential beyond a burn-in.

    Attributes
    ----------
    estimate
        The mean with its interval.
    burn_in
        t0: the part of the law before it enters as observed, the part beyond as an exponential.
    survivors
        Share of paths still inside at t0.
    residual_mean
        Maximum-likelihood mean of the time from t0 on, for the survivors: exposure / events.
    effective_events
        value^2 / variance: equal to the number of events when there is no burn-in.
    """

    estimate: Estimate
    burn_in: float
    survivors: float
    residual_mean: float
    effective_events: float

    @property
    def relative_error(self) -> float:
        """Relative standard error of the mean."""
        return 1.0 / math.sqrt(self.effective_events) if self.effective_events > 0 else math.inf


def fit_exponential(
    times: np.ndarray,
    observed: np.ndarray,
    *,
    unit: Unit,
    paths: np.ndarray | None = None,
    burn_in: float = 0.0,
    confidence: float = 0.95,
) -> ExponentialFit:
    """Mean first-passage time from n independent paths, some of them censored.

    With r events in a total exposure E the maximum-likelihood mean is E / r, and 2 E / tau follows a
    chi-square law with 2 r degrees of freedom when observation ends at the r-th event (also when nothing is
    censored), which gives the exact interval used here; with censoring at a fixed time the lower end takes 2
    r + 2 degrees, which is conservative (Lawless, Statistical Models and Methods for Lifetime Data, section
    4.1).

    A path that starts at a point is exponential only after it has forgotten it. With a burn-in t0 the mean is
    E min(T, t0) + P(T > t0) tau, with tau the exponential mean of the time from t0 on. Without censoring this
    is the sample mean.

    Parameters
    ----------
    times
        Shape (n,): time of the exit, or of the end of observation.
    observed
        Shape (n,): True for exits, False for censored paths.
    unit
        Unit of `times`.
    paths
        Shape (n,): how many paths each entry stands for; by default one.
    burn_in
        t0 >= 0 in the same unit.
    confidence
        Nominal coverage of the interval.

    Returns
    -------
    ExponentialFit
        With no event after t0 the value and the upper end are infinite, and the lower end is a bound at level
        1 - (1 - confidence) / 2.

    Raises
    ------
    InputError
        No paths, a path censored before the burn-in was over, or none that outlasts it.
    """
    times, observed = np.asarray(times, dtype=float), np.asarray(observed, dtype=bool)
    if len(times) == 0:
        raise InputError("There is no path to estimate from; run at least one.")
    paths = np.ones(len(times), dtype=np.int64) if paths is None else np.asarray(paths)
    total = int(paths.sum())
    if burn_in > 0 and bool(np.any(~observed & (times < burn_in))):
        raise InputError(
            f"Some paths were censored before the burn-in of {burn_in:g} {unit} was over; raise the step "
            "budget."
        )
    # Without a burn-in all count, also those that were lost at once: they bring no exposure.
    later = times > burn_in if burn_in > 0 else np.ones(len(times), dtype=bool)
    if burn_in > 0 and not later.any():
        raise InputError(f"Every path ended within the burn-in of {burn_in:g} {unit}; shorten it.")
    survivors = float(paths[later].sum() / total)
    exposure = float((paths[later] * (times[later] - burn_in)).sum())
    events = int(paths[observed & later].sum())
    total_events = int(paths[observed].sum())
    early = float((paths * np.minimum(times, burn_in)).sum() / total)
    tail = (1.0 - confidence) / 2.0
    if events == 0:
        # Nothing was seen to end after the burn-in: only a lower bound, 2 E / chi2(2).
        low = (
            early + survivors * 2.0 * exposure / _chi_square_quantile(1.0 - tail, 2.0) if exposure else early
        )
        estimate = Estimate(
            value=math.inf, low=low, high=math.inf, unit=unit, confidence=confidence, events=total_events
        )
        return ExponentialFit(estimate, burn_in, survivors, math.inf, 0.0)
    residual = exposure / events
    value = early + survivors * residual
    contributions = np.minimum(times, burn_in) + np.where(later, residual, 0.0)
    spread = contributions - (paths * contributions).sum() / total
    variance = (survivors * residual) ** 2 / events + float((paths * spread**2).sum()) / total**2
    effective = value**2 / variance
    censored = total_events < total
    low, high = _limits(value, effective, tail, censored)
    estimate = Estimate(
        value=value, low=low, high=high, unit=unit, confidence=confidence, events=total_events
    )
    return ExponentialFit(estimate, burn_in, survivors, residual, effective)


def limits_of_mean(
    exposure: float, mean: float, effective_events: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Ends of the interval of a mean time that was counted for a fixed time.

    Parameters
    ----------
    exposure
        Time of observation of all paths together: all there is to go by where nothing was seen to happen.
    mean, effective_events
        The mean, and the number of events of Poisson's law that would know it as well.
    """
    tail = (1.0 - confidence) / 2.0
    if effective_events == 0:
        return 2.0 * exposure / _chi_square_quantile(1.0 - tail, 2.0), math.inf
    return _limits(mean, effective_events, tail, True)


def _limits(mean: float, effective: float, tail: float, censored: bool) -> tuple[float, float]:
    degrees = 2.0 * effective
    low = mean * degrees / _chi_square_quantile(1.0 - tail, degrees + (2.0 if censored else 0.0))
    return low, mean * degrees / _chi_square_quantile(tail, degrees)


def _chi_square_quantile(probability: float, degrees: float) -> float:
    # scipy.stats has it ready, but takes half a second to import.
    from scipy.special import gammaincinv

    return 2.0 * float(gammaincinv(degrees / 2.0, probability))
