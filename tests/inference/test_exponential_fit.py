"""Means and intervals from right-censored exponential data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simdyn.errors import InputError
from simdyn.inference import fit_exponential

REPETITIONS = 4000
ALARM = 1e-5


def coverage(draw, mean, burn_in=0.0, seed=0):
    """How often the 95 % interval holds the true mean, out of REPETITIONS samples made by `draw`."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(REPETITIONS):
        times, observed = draw(rng)
        hits += fit_exponential(times, observed, unit="time", burn_in=burn_in).estimate.contains(mean)
    return hits


def at_least(level):
    return stats.binom(REPETITIONS, level).ppf(ALARM)


def at_most(level):
    return stats.binom(REPETITIONS, level).ppf(1 - ALARM)


def exponential(size, horizon=math.inf):
    def draw(rng):
        times = rng.exponential(2.0, size)
        return np.minimum(times, horizon), times <= horizon

    return draw


@pytest.mark.parametrize("size", [5, 40])
def test_intervals_are_exact_without_censoring(size):
    hits = coverage(exponential(size), 2.0)
    assert at_least(0.95) <= hits <= at_most(0.95)


# With a fixed horizon the interval is conservative: at least its level, and not by much.
@pytest.mark.parametrize("horizon", [1.0, 2.0, 4.0])
def test_intervals_hold_with_a_fixed_horizon(horizon):
    hits = coverage(exponential(40, horizon), 2.0)
    assert at_least(0.95) <= hits <= at_most(0.975)


def test_intervals_are_exact_when_observation_ends_at_an_event():
    def draw(rng):
        times = np.sort(rng.exponential(2.0, 50))
        return np.minimum(times, times[19]), times <= times[19]

    # Treated as censored data, so the lower end is the conservative one.
    assert at_least(0.95) <= coverage(draw, 2.0) <= at_most(0.98)


def test_intervals_miss_when_the_law_is_not_exponential():
    def draw(rng):
        return 2.0 * rng.lognormal(-0.5 * 1.5**2, 1.5, 40), np.ones(40, dtype=bool)

    assert coverage(draw, 2.0) < at_least(0.95)


# With a burn-in the chi-square law is an approximation with the right variance: allow its level to be off by
# 1 %.
@pytest.mark.parametrize("horizon", [math.inf, 4.0])
def test_intervals_hold_for_a_delayed_exponential(horizon):
    def draw(rng):
        times = 0.5 + rng.exponential(2.0, 60)
        return np.minimum(times, horizon), times <= horizon

    hits = coverage(draw, 2.5, burn_in=0.5)
    assert at_least(0.94) <= hits <= at_most(0.975)


@pytest.mark.parametrize("horizon", [math.inf, 4.0])
def test_intervals_hold_when_some_leave_early(horizon):
    """A tenth of the paths leave at once; the rest are exponential."""

    def draw(rng):
        times = np.where(rng.random(80) < 0.1, rng.uniform(0, 0.3, 80), 0.3 + rng.exponential(2.0, 80))
        return np.minimum(times, horizon), times <= horizon

    hits = coverage(draw, 0.1 * 0.15 + 0.9 * 2.3, burn_in=0.3)
    assert at_least(0.94) <= hits <= at_most(0.975)


def test_the_burn_in_removes_a_bias_that_censoring_makes_of_a_delay():
    def draw(rng):
        times = 1.0 + rng.exponential(2.0, 400)
        return np.minimum(times, 2.0), times <= 2.0

    assert coverage(draw, 3.0, burn_in=1.0) >= at_least(0.94)
    assert coverage(draw, 3.0) < REPETITIONS / 10


def test_dropping_censored_paths_would_be_biased_as_known():
    """E[T | T < c] = tau - c / (e^(c/tau) - 1), which is 0.418 tau at c = tau."""
    rng = np.random.default_rng(1)
    times = rng.exponential(2.0, 400_000)
    seen = times <= 2.0
    kept = fit_exponential(np.minimum(times, 2.0), seen, unit="time").estimate
    dropped = fit_exponential(times[seen], np.ones(seen.sum(), dtype=bool), unit="time").estimate
    # 4.5 standard errors of either mean.
    assert abs(kept.value - 2.0) < 4.5 * 2.0 / math.sqrt(seen.sum())
    expected = 2.0 - 2.0 / (math.e - 1)
    assert expected == pytest.approx(0.418 * 2.0, abs=1e-3)
    assert abs(dropped.value - expected) < 4.5 * times[seen].std() / math.sqrt(seen.sum())
    assert not dropped.contains(2.0)


def test_without_events_there_is_a_lower_bound_alone():
    fit = fit_exponential(np.full(10, 7.0), np.zeros(10, dtype=bool), unit="steps")
    # P(no event in exposure 70) = exp(-70 / tau) = 0.025 at the bound.
    assert fit.estimate.low == pytest.approx(-70.0 / math.log(0.025))
    assert fit.estimate.value == fit.estimate.high == math.inf
    assert (fit.estimate.events, fit.effective_events, fit.relative_error) == (0, 0.0, math.inf)


def test_the_bound_without_events_holds_at_its_level():
    # With tau at the bound, no event is seen with probability 0.025: of 4000 runs, within the binomial
    # limits.
    rng = np.random.default_rng(2)
    tau = -70.0 / math.log(0.025)
    silent = int((rng.exponential(tau, (REPETITIONS, 10)).min(axis=1) > 7.0).sum())
    assert at_least(0.025) <= silent <= at_most(0.025)


def test_point_estimates():
    fit = fit_exponential(np.array([1.0, 2.0, 3.0, 10.0]), np.array([True, True, True, False]), unit="steps")
    assert fit.estimate.value == pytest.approx(16 / 3)
    assert fit.effective_events == pytest.approx(3.0)
    assert fit.estimate.relative_error == pytest.approx(3**-0.5)
    low, high = 32 / stats.chi2.ppf(0.975, 8), 32 / stats.chi2.ppf(0.025, 6)
    assert (fit.estimate.low, fit.estimate.high) == (pytest.approx(low), pytest.approx(high))


def test_without_censoring_the_burn_in_does_not_change_the_mean():
    times = np.random.default_rng(3).exponential(2.0, 50)
    everything = np.ones(50, dtype=bool)
    for burn_in in (0.0, 0.5, 1.0):
        fit = fit_exponential(times, everything, unit="time", burn_in=burn_in)
        assert fit.estimate.value == pytest.approx(times.mean(), rel=1e-12)
        assert fit.survivors == pytest.approx((times > burn_in).mean())


def test_paths_lost_at_once_change_nothing():
    times, observed = np.array([1.0, 2.0, 3.0, 10.0]), np.array([True, True, True, False])
    more = np.concatenate([times, np.zeros(50)]), np.concatenate([observed, np.zeros(50, dtype=bool)])
    assert fit_exponential(*more, unit="steps") == fit_exponential(times, observed, unit="steps")
    assert fit_exponential(np.zeros(3), np.zeros(3, dtype=bool), unit="steps").estimate.low == 0.0


def test_wider_confidence_is_wider():
    times, observed = np.arange(1.0, 9.0), np.ones(8, dtype=bool)
    narrow = fit_exponential(times, observed, unit="time", confidence=0.5).estimate
    wide = fit_exponential(times, observed, unit="time", confidence=0.999).estimate
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_what_cannot_be_fitted():
    with pytest.raises(InputError, match="no path"):
        fit_exponential(np.array([]), np.array([], dtype=bool), unit="time")
    with pytest.raises(InputError, match="censored before the burn-in"):
        fit_exponential(np.array([1.0, 5.0]), np.array([False, True]), unit="time", burn_in=2.0)
    with pytest.raises(InputError, match="ended within the burn-in"):
        fit_exponential(np.array([1.0, 1.5]), np.array([True, True]), unit="time", burn_in=2.0)


@given(st.lists(st.tuples(st.integers(2, 9), st.booleans(), st.integers(1, 9)), min_size=1, max_size=12))
def test_entries_may_stand_for_several_paths(entries):
    times, observed, paths = (np.array(column) for column in zip(*entries, strict=True))
    for burn_in in (0.0, 1.5):
        grouped = fit_exponential(times, observed, unit="steps", paths=paths, burn_in=burn_in)
        alone = fit_exponential(
            np.repeat(times, paths), np.repeat(observed, paths), unit="steps", burn_in=burn_in
        )
        assert grouped.estimate.events == alone.estimate.events
        for name in ("survivors", "residual_mean", "effective_events", "relative_error"):
            assert getattr(grouped, name) == pytest.approx(getattr(alone, name), rel=1e-12)
        for name in ("value", "low", "high"):
            assert getattr(grouped.estimate, name) == pytest.approx(getattr(alone.estimate, name), rel=1e-10)
