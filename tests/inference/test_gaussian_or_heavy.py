"""Stable indices, and the distance of batch means from Gaussian ones, against exact values.

Single comparisons are at z = 4.5 (a false alarm in 150,000); shares of intervals that cover at 4.5 binomial
errors. Seeds are fixed.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from simdyn.inference import (
    batch_cumulants,
    check_gaussianity,
    edgeworth_distance,
    pooled_index,
    stable_index,
)

Z = 4.5
LEAST = 0.95 - Z * np.sqrt(0.95 * 0.05 / 200)


@pytest.mark.parametrize("alpha", [0.8, 1.3, 1.8, 2.0])
def test_intervals_of_the_stable_index_cover_it(alpha):
    rng = np.random.default_rng(3)
    found = [stable_index(stats.levy_stable(alpha, 0).rvs(2_500, random_state=rng)) for _ in range(200)]
    assert np.mean([one.low <= alpha <= one.high for one in found]) > LEAST
    inverse = np.mean([1 / one.value for one in found])
    half = np.mean([(1 / one.low - 1 / one.high) / 2 for one in found]) / 1.96
    assert abs(inverse - 1 / alpha) < Z * half / np.sqrt(200)


def test_scales_thrown_together_look_like_a_heavy_tail():
    """Each value is Gaussian, with a log-normal scale of log-sd 1: in blocks of 100 alpha = 1.39 is expected,
    from 1/2 + 1/log 100. The prediction leaves out that blocks differ in their scales."""
    rng = np.random.default_rng(5)
    scales = np.exp(rng.standard_normal(400_000))
    values = scales * rng.standard_normal(400_000)
    found = stable_index(values, 100)
    assert pooled_index(scales, 100) == pytest.approx(1 / (0.5 + 1 / np.log(100)), rel=0.02)
    assert found.value == pytest.approx(pooled_index(scales, 100), rel=0.04)
    assert found.high < 1.5
    ours = stable_index(values / scales, 100)
    assert ours.low < 2 < ours.high
    assert pooled_index(np.full(7, 3.0), 50) == pytest.approx(2.0)


@pytest.mark.parametrize("sample", [np.zeros(100), np.ones(3), np.tile([1.0, -1.0], 200)])
def test_no_index_without_logarithms(sample):
    found = stable_index(sample)
    assert np.isnan(found.value)
    assert (found.low, found.high) == (0.0, np.inf)


def test_gaussian_values_pass_and_others_do_not():
    rng = np.random.default_rng(1)
    p_values = [check_gaussianity(rng.standard_normal(400)).p_value for _ in range(200)]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-5
    law = stats.expon()
    values = law.rvs(20_000, random_state=2) - 1
    found = check_gaussianity(values)
    true = float(np.abs(stats.norm.cdf(grid := np.linspace(-1, 6, 20_001)) - law.cdf(grid + 1)).max())
    assert found.p_value < 1e-50
    assert found.distance.low <= true <= found.distance.high
    assert abs(found.skewness.value - 2) < Z / 1.96 * found.skewness.half_width
    assert abs(found.kurtosis.value - 6) < Z / 1.96 * found.kurtosis.half_width


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_cumulants_of_batches_by_enumeration(batch, replacement):
    values = np.array([[0.0, 2.0], [1.0, -1.0], [5.0, 0.5], [-2.0, 0.25], [0.5, 4.0]])
    chosen = product(range(5), repeat=batch) if replacement else combinations(range(5), batch)
    means = np.array([values[list(one)].mean(axis=0) for one in chosen])
    skewness, kurtosis = batch_cumulants(values, batch, replacement)
    np.testing.assert_allclose(skewness, stats.skew(means), atol=1e-12)
    np.testing.assert_allclose(kurtosis, stats.kurtosis(means), atol=1e-12)


def test_whole_batches_have_no_law():
    assert np.isnan(batch_cumulants(np.array([1.0, 2.0, 4.0]), 3, False)).all()


@pytest.mark.parametrize("number", [16, 64, 256])
def test_the_distance_by_edgeworth(number):
    """Sums of n exponentials have a gamma law: what is left is of the next order, n^(-3/2)."""
    z = np.linspace(-5, 5, 100_001)
    exact = np.abs(stats.gamma(number).cdf(number + z * np.sqrt(number)) - stats.norm.cdf(z)).max()
    found = edgeworth_distance(2 / np.sqrt(number), 6 / number)
    assert abs(found - exact) < 0.5 * number**-1.5
    assert abs(found - exact) < 0.02 * exact
