from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simdyn.inference import check_exponentiality

REPETITIONS = 3000


def p_values(draw, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([check_exponentiality(*draw(rng)).p_value for _ in range(REPETITIONS)])


def plain(rng):
    return rng.exponential(1.0, 200), np.ones(200, dtype=bool)


def horizon(rng):
    times = rng.exponential(1.0, 200)
    return np.minimum(times, 0.8), times < 0.8


def random_censoring(rng):
    times, limits = rng.exponential(1.0, 200), rng.uniform(0, 3, 200)
    return np.minimum(times, limits), times < limits


# Counts of p < level are binomial; limits at 1e-6 on either side, nine checks: false-alarm rate 2e-5. The
# normal law
# of the mean of r uniforms is good to far better than that for r of a hundred.
@pytest.mark.parametrize("draw", [plain, horizon, random_censoring])
@pytest.mark.parametrize("level", [0.5, 0.1, 0.01])
def test_level(draw, level):
    law = stats.binom(REPETITIONS, level)
    assert law.ppf(1e-6) <= (p_values(draw) < level).sum() <= law.ppf(1 - 1e-6)


def ageing(rng):
    return rng.weibull(1.5, 200), np.ones(200, dtype=bool)


def delayed(rng):
    return 0.3 + rng.exponential(1.0, 200), np.ones(200, dtype=bool)


def mixed(rng):
    return rng.exponential(np.where(rng.random(200) < 0.5, 0.2, 1.8)), np.ones(200, dtype=bool)


@pytest.mark.parametrize(("draw", "later"), [(ageing, True), (delayed, True), (mixed, False)])
def test_power(draw, later):
    assert (p_values(draw) < 1e-3).mean() > 0.9
    result = check_exponentiality(*draw(np.random.default_rng(1)))
    assert result.doubtful
    assert (result.mean_position > 0.5) == later


def test_small_deviations_are_significant_but_not_doubtful():
    rng = np.random.default_rng(4)
    result = check_exponentiality(rng.weibull(1.02, 2_000_000), np.ones(2_000_000, dtype=bool))
    assert result.p_value < 1e-3
    assert not result.doubtful


def test_too_few_events_say_nothing():
    few = check_exponentiality(np.array([1.0, 1.0, 1.0, 9.0]), np.array([True, True, True, False]))
    assert (few.mean_position, few.p_value, few.doubtful) == (0.5, 1.0, False)
    none = check_exponentiality(np.full(50, 3.0), np.zeros(50, dtype=bool))
    assert none.p_value == 1.0
    assert check_exponentiality(np.array([]), np.array([], dtype=bool)).p_value == 1.0


def test_order_does_not_matter():
    rng = np.random.default_rng(5)
    times, observed = random_censoring(rng)
    mixed_up = rng.permutation(200)
    assert check_exponentiality(times, observed) == check_exponentiality(times[mixed_up], observed[mixed_up])


@given(st.lists(st.tuples(st.integers(2, 9), st.booleans(), st.integers(1, 9)), min_size=1, max_size=12))
def test_entries_may_stand_for_several_paths(entries):
    times, observed, paths = (np.array(column) for column in zip(*entries, strict=True))
    grouped = check_exponentiality(times, observed, paths)
    alone = check_exponentiality(np.repeat(times, paths), np.repeat(observed, paths))
    assert grouped.mean_position == pytest.approx(alone.mean_position, rel=1e-12)
    assert grouped.p_value == pytest.approx(alone.p_value, rel=1e-9)
