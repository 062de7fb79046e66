"""The parts of the method in the plane: lattice reduction, exponential fitting, block elimination."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from simdyn.exact.block_elimination import BlockElimination
from simdyn.exact.plane import richardson
from simdyn.exact.plane_mesh import bernoulli, lagrange
from simdyn.exact.selling import selling


@settings(max_examples=60)
@given(angle=st.floats(0, 3.2), log_ratio=st.floats(0, 4), log_size=st.floats(-6, 6))
def test_selling_decomposes_any_tensor(angle, log_ratio, log_size):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    tensor = 10**log_size * turn @ np.diag([1.0, 10**-log_ratio]) @ turn.T
    vectors, weights = selling(tensor[None])
    assert (weights >= 0).all()
    assert (vectors == np.round(vectors)).all()
    again = np.einsum("k,ki,kj->ij", weights[0], vectors[0], vectors[0])
    assert again == pytest.approx(tensor, rel=1e-9, abs=1e-11 * np.trace(tensor))


def test_selling_of_a_singular_tensor():
    with pytest.raises(ValueError, match="singular"):
        selling(np.array([[[1.0, 2**0.5], [2**0.5, 2.0]]]))


def test_bernoulli_function():
    z = np.array([-800.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 40.0, 800.0])
    assert bernoulli(z[:2]) == pytest.approx([800.0, 1 / (1 - np.exp(-1.0))], rel=1e-15)
    assert bernoulli(z[2:5]) == pytest.approx([1.0, 1.0, 1.0], rel=1e-8)
    assert bernoulli(z[5:]) == pytest.approx([1 / np.expm1(1.0), 40 * np.exp(-40.0), 0.0], rel=1e-14)
    # Detailed balance.
    assert bernoulli(z[1:7]) * np.exp(z[1:7]) == pytest.approx(bernoulli(-z[1:7]), rel=1e-13)


def strip(seed, sizes, killed):
    """A random jump process between neighbouring blocks that is killed in its last state alone."""
    rng = np.random.default_rng(seed)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    n = int(ends[-1])
    block = np.searchsorted(ends, np.arange(n), side="right")
    rates = rng.exponential(size=(n, n)) * (np.abs(block[:, None] - block) <= 1)
    np.fill_diagonal(rates, 0.0)
    killing = np.zeros(n)
    killing[-1] = killed
    return rates, killing, ends


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_block_elimination_solves(seed, sizes):
    rates, killing, ends = strip(seed, sizes, 1.0)
    matrix = np.diag(rates.sum(axis=1) + killing) - rates
    factors = BlockElimination.of(csr_array(rates), killing, ends)
    source = np.random.default_rng(seed + 1).uniform(size=len(killing))
    assert factors.solve(source) == pytest.approx(np.linalg.solve(matrix, source), rel=1e-9)
    assert factors.solve_left(source) == pytest.approx(np.linalg.solve(matrix.T, source), rel=1e-9)


def test_block_elimination_is_relatively_accurate():
    """Times are inversely proportional to a killing rate far below rounding; a plain solver sees nothing."""
    rates, killing, ends = strip(5, [4, 3, 5], 1e-40)
    one = BlockElimination.of(csr_array(rates), killing, ends).solve(np.ones(12))
    two = BlockElimination.of(csr_array(rates), killing * 1e-100, ends).solve(np.ones(12))
    assert two == pytest.approx(one * 1e100, rel=1e-12)
    matrix = np.diag(rates.sum(axis=1) + killing) - rates
    assert not np.allclose(np.linalg.solve(matrix, np.ones(12)), one, rtol=0.5)


def test_no_way_out():
    rates, killing, ends = strip(5, [4, 3, 5], 0.0)
    with pytest.raises(ZeroDivisionError):
        BlockElimination.of(csr_array(rates), killing, ends)


@given(place=st.floats(0, 5))
def test_interpolation_is_exact_for_polynomials(place):
    nodes = np.arange(6)
    assert lagrange(place, 6) @ nodes**5.0 == pytest.approx(place**5, abs=1e-9)


def test_extrapolation_and_its_bounds():
    cells = (20, 30, 40, 60)
    h = 1 / np.array(cells)
    series = (3 + 5 * h**2 - 7 * h**4 + 2 * h**6)[:, None]
    value, error = richardson(cells, series, smooth=True)
    assert value == pytest.approx([3.0], abs=1e-13)
    assert error[0] < 1e-8
    ragged = (3 + 5 * h**2 * (1 + 0.1 * np.array([1, -1, -1, 1])))[:, None]
    value, error = richardson(cells, ragged, smooth=False)
    assert abs(value[0] - 3) < error[0]
