"""Jump processes against dense linear algebra, against many digits, and against what symmetry says."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdyn.markov import connected, passage_times, relaxation_rate, stationary_law


def _generator(rates):
    return np.diag(rates.sum(axis=1)) - rates


def _random(seed, n):
    rates = np.random.default_rng(seed).uniform(0.05, 1.0, (n, n))
    np.fill_diagonal(rates, 0.0)
    return rates


@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_against_dense_algebra(seed, n):
    rates = _random(seed, n)
    law = stationary_law(rates)
    assert law @ _generator(rates) == pytest.approx(np.zeros(n), abs=1e-14 * n)
    for target in range(n):
        rest = np.delete(np.arange(n), target)
        plain = np.linalg.solve(_generator(rates)[np.ix_(rest, rest)], np.ones(n - 1))
        assert passage_times(rates, target)[rest] == pytest.approx(plain, rel=1e-11)
        assert passage_times(rates, target)[target] == 0.0


@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_relaxation_of_reversible_processes(seed, n):
    rng = np.random.default_rng(seed)
    flows = _random(seed, n)
    law = rng.dirichlet(np.full(n, 2.0))
    rates = (flows + flows.T) / law[:, None]
    assert stationary_law(rates) == pytest.approx(law, rel=1e-11)
    root = np.sqrt(law)
    slowest = np.linalg.eigvalsh(_generator(rates) * root[:, None] / root)[1]
    assert relaxation_rate(rates) == pytest.approx(slowest, rel=1e-9)


def test_rates_forty_decades_apart():
    """A ladder of wells with rates from 1 to 1e-40: every digit, where dense algebra has none."""
    n = 5
    rates = np.zeros((n, n))
    for i in range(n - 1):
        rates[i, i + 1], rates[i + 1, i] = 10.0 ** (-10 * i), 10.0 ** (-10 * i - 3)
    law, times = stationary_law(rates), passage_times(rates, 0)
    with mpmath.workdps(300):
        exact = mpmath.matrix(n, n)
        for i in range(n):
            for j in range(n):
                exact[i, j] = -mpmath.mpf(float(rates[i, j]))
            exact[i, i] = sum(mpmath.mpf(float(v)) for v in rates[i])
        weights = [mpmath.mpf(1)]
        for i in range(n - 1):
            weights.append(weights[-1] * mpmath.mpf(rates[i, i + 1]) / mpmath.mpf(rates[i + 1, i]))
        total = sum(weights)
        assert law == pytest.approx([float(w / total) for w in weights], rel=1e-13)
        inner = exact[1:, 1:]
        solved = mpmath.lu_solve(inner, mpmath.ones(n - 1, 1))
        assert times[1:] == pytest.approx([float(v) for v in solved], rel=1e-13)
        scaled = mpmath.matrix(n, n)
        for i in range(n):
            for j in range(n):
                scaled[i, j] = exact[i, j] * mpmath.sqrt(weights[i] / weights[j])
        slowest = sorted(mpmath.eigsy((scaled + scaled.T) / 2, eigvals_only=True))[1]
        assert relaxation_rate(rates) == pytest.approx(float(slowest), rel=1e-10)


def test_double_modes_and_modes_that_turn():
    ring = np.ones((3, 3)) - np.eye(3)
    assert relaxation_rate(ring) == pytest.approx(3.0, rel=1e-12)
    assert relaxation_rate(np.array([[0.0, 2.0], [3.0, 0.0]])) == pytest.approx(5.0, rel=1e-12)
    one_way = np.roll(np.eye(3), 1, axis=1)
    assert relaxation_rate(one_way) is None


def test_states_that_are_not_reached():
    line = np.array([[0.0, 1.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
    assert not connected(line)
    assert passage_times(line, 0).tolist() == [0.0, 0.5, math.inf, math.inf]
    assert np.isinf(passage_times(line, 3)).tolist() == [True, True, True, False]
    assert connected(line[:2, :2])
