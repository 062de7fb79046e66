"""Autocorrelation times, intervals from groups, distances and tails, against exact values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simdyn.inference import (
    agreement_of_halves,
    jackknife,
    kolmogorov_smirnov,
    memory_of,
    resampled_noise,
    scale_reduction,
    tail_index,
    total_variation,
    wasserstein,
    with_interval,
)

Z = 4.5


def ar1(rng, a, groups, times):
    """x' = a x + (1 - a^2)^(1/2) z from its stationary law; tau_int = (1 + a) / (1 - a)."""
    x = np.empty((groups, times))
    x[:, 0] = rng.standard_normal(groups)
    kicks = rng.standard_normal((groups, times)) * np.sqrt(1 - a * a)
    for t in range(1, times):
        x[:, t] = a * x[:, t - 1] + kicks[:, t]
    return x


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0, 1.5])
def test_the_integrated_time_of_an_ar1_process(share):
    """1 - eta h = a: tau_int = (2 - eta h) / (eta h). The window cuts off e^-10 of it, also where
    signs alternate (share 1.5)."""
    series = ar1(np.random.default_rng(3), 1 - share, 32, 4000)
    found = memory_of(series)
    assert found.resolved
    assert abs(found.time - (2 - share) / share) < Z * found.error + 1e-3
    assert found.error < 0.1 * found.time


def test_the_integrated_time_of_an_oscillation():
    """x'' = a x' + b x + z with roots r exp(+-iw), as heavy ball makes it: tau_int is the spectrum at
    frequency 0, 1 / (1 - a - b)^2, over the variance."""
    r, w = 0.9, 0.6
    a, b = 2 * r * np.cos(w), -r * r
    rng = np.random.default_rng(6)
    kicks = rng.standard_normal((32, 6000))
    x = np.zeros((32, 6000))
    for t in range(2, 6000):
        x[:, t] = a * x[:, t - 1] + b * x[:, t - 2] + kicks[:, t]
    variance = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a**2))
    exact = 1 / (1 - a - b) ** 2 / variance
    found = memory_of(x[:, 500:])
    assert found.resolved
    correlation = [1.0, a / (1 - b)]
    for _ in range(400):
        correlation.append(a * correlation[-1] + b * correlation[-2])
    cut_off = 2 * abs(sum(correlation[found.window + 1 :]))
    assert cut_off < 0.01
    assert abs(found.time - exact) < Z * found.error + cut_off
    assert found.error < 0.05


def test_a_series_that_is_too_short_is_said_to_be():
    assert not memory_of(ar1(np.random.default_rng(1), 0.999, 4, 500)).resolved


def test_a_series_that_stands_still():
    assert memory_of(np.ones((3, 50))).time == 1.0


def test_intervals_cover_a_mean_of_correlated_values():
    """16 groups of 200 steps of an AR(1) process, 1500 times: 95 % to within 4.5 binomial errors, 2.5 %."""
    rng = np.random.default_rng(7)
    covered, ess = 0, []
    for _ in range(1500):
        x = ar1(rng, 0.5, 16, 200)
        sums = np.stack([np.full(16, 200.0), x.sum(axis=1), (x * x).sum(axis=1)], axis=1)
        found = jackknife(sums, lambda s: s[1] / s[0], lambda s: s[2] / s[0] - (s[1] / s[0]) ** 2)
        covered += found.low <= 0.0 <= found.high
        ess.append(1 / found.ess)
    assert abs(covered / 1500 - 0.95) < Z * np.sqrt(0.95 * 0.05 / 1500)
    # tau_int = 3, but for the ends of so short a series.
    assert np.mean(ess) * 3200 == pytest.approx(3.0, rel=0.05)


def test_the_jackknife_of_a_variance_is_exact_for_independent_normals():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((64, 1000))
    sums = np.stack([np.full(64, 1000.0), x.sum(axis=1), (x * x).sum(axis=1)], axis=1)
    found = jackknife(sums, lambda s: s[2] / s[0] - (s[1] / s[0]) ** 2)
    assert found.error == pytest.approx(np.sqrt(2 / 64_000), rel=4.5 / np.sqrt(2 * 63))
    assert abs(found.value - 1) < Z * np.sqrt(2 / 64_000)


def test_halves_and_groups_that_differ_are_told_apart():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((32, 100, 1))
    assert agreement_of_halves(x[:, :50].mean(axis=1), x[:, 50:].mean(axis=1))[0] > 1e-4
    assert agreement_of_halves(x[:, :50].mean(axis=1), x[:, 50:].mean(axis=1) + 1)[0] < 1e-9
    assert scale_reduction(x)[0] < 1.02
    assert scale_reduction(x + np.arange(32)[:, None, None] % 2 * 5)[0] > 2
    frozen = np.ones((4, 10, 1))
    assert scale_reduction(frozen)[0] == 1.0
    assert scale_reduction(frozen * np.arange(4)[:, None, None])[0] == np.inf


def test_distances_of_two_coins():
    difference = np.array([0.25, 0.0, -0.25])
    assert total_variation(difference) == 0.25
    assert kolmogorov_smirnov(difference) == 0.25
    assert wasserstein(difference, np.array([2.0, 2.0, 0.0])) == pytest.approx(0.25 * 4)


def test_the_interval_of_a_distance_covers_the_true_one():
    """Counts of one law against another one, 300 times; at least 95 %, to 4.5 binomial errors."""
    rng = np.random.default_rng(9)
    law, other = np.array([0.1, 0.2, 0.4, 0.3]), np.array([0.12, 0.2, 0.4, 0.28])
    true = total_variation(law - other)
    same = covered = 0
    for _ in range(300):
        counts = rng.multinomial(500, law, size=32)
        masses = counts.sum(axis=0) / counts.sum()
        noise = total_variation(resampled_noise(counts))
        one = with_interval(float(total_variation(masses - other)), noise)
        covered += one.low <= true <= one.high
        same += with_interval(float(total_variation(masses - law)), noise).low == 0.0
    least = 0.95 - Z * np.sqrt(0.95 * 0.05 / 300)
    assert covered / 300 > least
    assert same / 300 > least


@pytest.mark.parametrize("alpha", [0.8, 1.5, 3.0])
def test_the_index_of_a_pareto_tail(alpha):
    sample = stats.pareto(alpha).rvs(20_000, random_state=4)
    found = tail_index(sample)
    assert abs(found.value - alpha) < Z * alpha / np.sqrt(282)
    assert tail_index(np.random.default_rng(1).standard_normal(20_000)).low > 4
