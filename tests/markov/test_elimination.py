"""Subtraction-free elimination against arithmetic with many digits."""

import mpmath
import numpy as np
import pytest

from simdyn.markov.elimination import Elimination


def exact_times(rates, killing):
    """Mean times by LU decomposition with 600 digits."""
    with mpmath.workdps(600):
        size = len(killing)
        system = mpmath.matrix(size, size)
        for i in range(size):
            leave = mpmath.mpf(float(killing[i]))
            for j in range(size):
                if i != j:
                    system[i, j] = -mpmath.mpf(float(rates[i, j]))
                    leave += mpmath.mpf(float(rates[i, j]))
            system[i, i] = leave
        solution = mpmath.lu_solve(system, mpmath.ones(size, 1))
        return np.array([float(value) for value in solution])


@pytest.mark.parametrize("size", [3, 60])
@pytest.mark.parametrize("spread", [1, 100])
def test_every_component_is_accurate_however_rare_the_exit(size, spread):
    rng = np.random.default_rng(size + spread)
    rates = 10.0 ** -rng.uniform(0, spread, (size, size))
    killing = np.zeros(size)
    killing[size // 2] = 1e-150
    times = Elimination.of(rates, killing).solve(np.ones(size))
    np.testing.assert_allclose(times, exact_times(rates, killing), rtol=1e-13)


def test_ordinary_elimination_has_no_digit_left_there():
    """The negative control: I - K as a matrix of numbers does not know the exit at all."""
    rng = np.random.default_rng(5)
    rates = rng.uniform(0, 0.05, (20, 20))
    killing = np.full(20, 1e-30)
    system = np.diag(rates.sum(axis=1) - np.diag(rates) + killing) - (rates - np.diag(np.diag(rates)))
    ordinary = np.linalg.solve(system, np.ones(20))
    assert not np.allclose(ordinary, 1e30, rtol=0.1)
    np.testing.assert_allclose(Elimination.of(rates, killing).solve(np.ones(20)), 1e30, rtol=1e-13)


def test_states_without_a_way_out_are_noticed():
    with pytest.raises(ZeroDivisionError):
        Elimination.of(np.full((3, 3), 0.3), np.zeros(3))
