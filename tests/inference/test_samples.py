"""Intervals of mean, spread and quantiles cover the truth as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simdyn.inference import Interval, deviation_of, mean_of, quantile_of

LAWS = {
    "normal": (lambda rng, n: rng.normal(2.0, 3.0, n), 2.0, 3.0, 2.0 + 3.0 * 1.6448536269514722),
    "uniform": (lambda rng, n: rng.uniform(0.0, 1.0, n), 0.5, 1 / math.sqrt(12), 0.95),
}


@pytest.mark.parametrize("law", LAWS)
def test_coverage(law):
    """2,000 samples of 500: the share that covers has a standard error of 0.005; at 5 of them, false alarms
    below 1e-6.

    Quantile intervals cover more often than they say, since order statistics are discrete.
    """
    draw, mean, deviation, quantile = LAWS[law]
    rng, hits = np.random.default_rng(4), np.zeros(3)
    for _ in range(2000):
        sample = draw(rng, 500)
        intervals = (mean_of(sample), deviation_of(sample), quantile_of(np.sort(sample), 0.95))
        truths = (mean, deviation, quantile)
        hits += [i.low <= t <= i.high for i, t in zip(intervals, truths, strict=True)]
    share = hits / 2000
    # The fourth moment of a sample has a bias of order 1/n, which costs the deviation about 0.005.
    assert abs(share[0] - 0.95) < 0.025
    assert abs(share[1] - 0.95) < 0.030
    assert 0.925 < share[2] < 0.985


def test_what_a_sample_says_nothing_about():
    one = np.array([1.5])
    assert mean_of(one).low == -math.inf
    assert math.isnan(deviation_of(one).value)
    assert quantile_of(one, 0.5).high == math.inf
    none = np.array([])
    assert math.isnan(mean_of(none).value)
    assert math.isnan(quantile_of(none, 0.5).value)
    assert quantile_of(np.arange(10.0), 0.05).low == -math.inf


def test_values_that_coincide():
    same = np.full(100, 0.1)
    assert deviation_of(same).value == pytest.approx(0.0, abs=1e-15)
    assert mean_of(same).half_width == pytest.approx(0.0, abs=1e-15)


def test_the_interval_of_a_rising_function_has_the_function_of_its_ends():
    assert Interval(2.0, 1.0, 4.0).mapped(lambda x: x**2) == Interval(4.0, 1.0, 16.0)


def test_means_over_runs_are_student_s():
    """Runs without a value are left out if asked; geometric means are those of the logarithm."""
    from scipy.stats import t

    from simdyn.inference import means_over_runs

    values = np.array([[1.0, 2.0, 4.0], [3.0, np.nan, 5.0], [7.0, np.nan, np.nan]])
    mean, low, high = means_over_runs(values, skipna=True)
    np.testing.assert_allclose(mean, [7 / 3, 4.0, 7.0])
    for row, kept in ((0, [1.0, 2.0, 4.0]), (1, [3.0, 5.0])):
        ends = t.interval(0.95, len(kept) - 1, np.mean(kept), np.std(kept, ddof=1) / np.sqrt(len(kept)))
        np.testing.assert_allclose([low[row], high[row]], ends)
    assert low[2] == high[2] == 7.0
    whole = means_over_runs(values)
    np.testing.assert_array_equal([end[0] for end in whole], [mean[0], low[0], high[0]])
    assert all(np.isnan(end[1:]).all() for end in whole)
    for one, other in zip(
        means_over_runs(values, logarithmic=True), means_over_runs(np.log(values)), strict=True
    ):
        np.testing.assert_allclose(one, np.exp(other))
    assert np.isnan(means_over_runs(np.full(2, np.nan), skipna=True)).all()
