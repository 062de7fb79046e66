"""Distribution of the normals: 2^23 of each kind, words from one fixed key."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

COUNT = 2**23


def _moment(k):
    return 0.0 if k % 2 else float(math.prod(range(1, k, 2)))


def moment_scores(z):
    """Standard scores of the sample moments 1 to 8: E z^k has variance (m_2k - m_k^2) / n."""
    power, scores = np.ones_like(z), []
    for k in range(1, 9):
        power = power * z
        sd = math.sqrt((_moment(2 * k) - _moment(k) ** 2) / len(z))
        scores.append((power.mean() - _moment(k)) / sd)
    return np.array(scores)


@pytest.fixture(scope="module")
def samples(device):
    words = device.stream(COUNT // 4, np.uint64(9), np.uint64(123), np.uint64(456))
    standard = np.concatenate(
        [device.pairs(words[:, 0], words[:, 1]), device.pairs(words[:, 2], words[:, 3])], 1
    )
    single = np.concatenate(
        [device.pairs32(words[:, 0], words[:, 1]), device.pairs32(words[:, 2], words[:, 3])], 1
    )
    wide = device.pairs_wide(words[:, 0], words[:, 1], words[:, 2], words[:, 3])
    return {"standard": standard.ravel(), "wide": wide.ravel(), "float32": single.ravel().astype(float)}


KINDS = ["standard", "wide", "float32"]


# 24 scores beyond 4.5 in size: false-alarm rate 24 x 6.8e-6 = 1.6e-4.
@pytest.mark.parametrize("kind", KINDS)
def test_moments(samples, kind):
    assert np.abs(moment_scores(samples[kind])).max() < 4.5


def test_moments_see_a_wrong_scale_and_a_clipped_tail(samples):
    z = samples["standard"]
    assert np.abs(moment_scores(1.002 * z)).max() > 4.5
    assert np.abs(moment_scores(np.clip(z, -4, 4))).max() > 4.5


# Three tests at level 1e-5 each.
@pytest.mark.parametrize("kind", KINDS)
def test_distribution_function(samples, kind):
    z = samples[kind][: 2**19]
    assert stats.kstest(z, "norm").pvalue > 1e-5
    assert stats.kstest(z + 0.01, "norm").pvalue < 1e-5


# Twelve lags, |score| < 4.5: false-alarm rate 8e-5.
@pytest.mark.parametrize("lag", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_are_uncorrelated(samples, kind, lag):
    z = samples[kind]
    products = z[lag:] * z[:-lag]
    assert abs(products.mean()) * math.sqrt(len(products)) < 4.5
    squares = (z[lag:] ** 2 - 1) * (z[:-lag] ** 2 - 1)
    assert abs(squares.mean()) * math.sqrt(len(squares)) / 2 < 4.5


# Exact binomial limits at 1e-6 on either side: eighteen tests, false-alarm rate 4e-5.
@pytest.mark.parametrize("size", [3.0, 3.5, 4.0, 4.5, 5.0, 5.5])
@pytest.mark.parametrize("kind", KINDS)
def test_tails(samples, kind, size):
    z = samples[kind]
    seen = int((np.abs(z) > size).sum())
    law = stats.binom(len(z), 2 * stats.norm.sf(size))
    assert law.ppf(1e-6) <= seen <= law.ppf(1 - 1e-6)


def test_tail_counts_see_a_lost_tail():
    law = stats.binom(COUNT, 2 * stats.norm.sf(4.5))
    assert law.ppf(1e-6) > 0


# Correlation of streams that share all but one part of the counter or key: five scores, false-alarm rate
# 3.4e-5.
def test_streams_of_other_paths_purposes_and_seeds_are_unrelated(normals_of):
    def draw(**changes):
        return normals_of(2, **{"paths": 100_000, "steps": 1, "seed": 1, **changes}).ravel()

    base = draw()
    others = [
        draw(seed=2),
        draw(first_path=100_000),
        draw(first_step=1),
        draw(noise="wide"),
        draw(seed=np.random.SeedSequence(1).spawn(1)[0]),
    ]
    for other in others:
        assert abs(base @ other) / math.sqrt(len(base)) < 4.5
    assert abs(base @ draw()) / math.sqrt(len(base)) > 400
