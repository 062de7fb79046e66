"""Stationary covariances: published numbers, the equations they solve, enumeration of all batches."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdyn import theory
from simdyn.errors import InputError

H = np.array([[3.0, 1.0], [1.0, 2.0]])
C = np.array([[1.0, 0.2], [0.2, 0.5]])
SEEDS = st.integers(0, 10**6)


def definite(rng, size):
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


def test_published_values():
    assert theory.sgd_covariance(2.0, 0.5, 0.1).value[0, 0] == pytest.approx(0.0138888888889, rel=1e-11)
    sde = theory.ou_covariance(H, 0.1 * C).value
    assert sde[[0, 0, 1], [0, 1, 1]] == pytest.approx([0.0348, -0.0044, 0.0272], rel=1e-12)
    discrete = theory.sgd_covariance(H, C, 0.2).value
    assert discrete[[0, 0, 1], [0, 1, 1]] == pytest.approx(
        [0.0492727272727, -0.0000909090909, 0.0343636363636], rel=1e-9
    )
    a, c = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, -1.0])
    for batch, sampling, value in (
        (1, "without_replacement", 0.303206997085),
        (2, "without_replacement", 0.0707482993197),
        (2, "with_replacement", 0.144712430427),
    ):
        found = theory.minibatch_covariance(a, a * c, 0.2, batch, sampling=sampling)
        assert found.value[0, 0] == pytest.approx(value, rel=1e-11)
    x, y = np.array([[1, 0], [1, 1], [0, 1.5]]), np.array([1, -0.5, 0.7])
    rank_one = theory.minibatch_covariance(x[:, :, None] * x[:, None], x * y[:, None], 0.3, 2).value
    assert rank_one[[0, 0, 1], [0, 1, 1]] == pytest.approx(
        [0.0266459130223, 0.00339076830592, 0.0183644922596], rel=1e-11
    )
    assert theory.sgd_covariance(2.0, 0.5, 0.1, momentum=0.9).value[0, 0] == pytest.approx(
        0.131944444444, rel=1e-11
    )
    centres = [0.0, 1.0, 3.0, -2.0]
    assert theory.epoch_shuffle_variance(1.5, centres, 0.3).value == pytest.approx(0.356373332501, rel=1e-11)
    single = theory.minibatch_covariance([1.5] * 4, 1.5 * np.array(centres), 0.3, 1).value
    assert single[0, 0] == pytest.approx(0.943548387097, rel=1e-11)


@given(seed=SEEDS, size=st.integers(1, 5))
def test_lyapunov_solutions(seed, size):
    rng = np.random.default_rng(seed)
    d = definite(rng, size)
    turning = rng.normal(size=(size, size))
    a = definite(rng, size) + turning - turning.T
    sigma = theory.ou_covariance(a, d).value
    assert a @ sigma + sigma @ a.T == pytest.approx(2 * d, rel=1e-7, abs=1e-8 * np.abs(d).max())
    assert np.linalg.eigvalsh(sigma).min() > 0


@given(seed=SEEDS, size=st.integers(1, 4), momentum=st.floats(0.0, 0.9))
def test_discrete_covariances_solve_their_recursion(seed, size, momentum):
    rng = np.random.default_rng(seed)
    h, c = definite(rng, size), definite(rng, size)
    eta = float(rng.uniform(0.05, 1.5)) / np.linalg.eigvalsh(h).max()
    sigma = theory.sgd_covariance(h, c, eta, momentum=momentum).value
    assert np.linalg.eigvalsh(sigma).min() > 0
    # The same in the eigenbasis of H for noise that shares it: a scalar formula for each direction.
    values, vectors = np.linalg.eigh(h)
    shared = (vectors * values) @ vectors.T
    expected = eta * (1 + momentum) / ((1 - momentum) * (2 * (1 + momentum) - eta * values))
    found = theory.sgd_covariance(h, shared, eta, momentum=momentum).value
    assert np.diag(vectors.T @ found @ vectors) == pytest.approx(expected, rel=1e-8)
    if momentum == 0:
        step = np.eye(size) - eta * h
        assert step @ sigma @ step + eta**2 * c == pytest.approx(sigma, rel=1e-8, abs=1e-12)


def test_small_learning_rates_approach_the_sde():
    gaps = []
    for eta in (0.02, 0.01):
        sde = theory.ou_covariance(H, eta * C / 2).value
        gaps.append(np.abs(theory.sgd_covariance(H, C, eta).value / sde - 1).max())
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement"])
@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_all_batches_enumerated(sampling, momentum):
    """The second moments of (x, v) that one step over every batch of two leaves as they are."""
    rng = np.random.default_rng(7)
    n, size, eta = 4, 2, 0.08
    h = np.array([definite(rng, size) for _ in range(n)])
    b = rng.normal(size=(n, size))
    batches = (
        list(itertools.product(range(n), repeat=2))
        if sampling == "with_replacement"
        else list(itertools.combinations(range(n), 2))
    )
    one = np.eye(size)
    centre = np.linalg.solve(h.mean(0), b.mean(0))
    residual = h @ centre - b
    carried, added = 0.0, 0.0
    for batch in batches:
        mean = h[list(batch)].mean(0)
        step = np.block([[one - eta * mean, momentum * one], [-eta * mean, momentum * one]])
        kick = -eta * np.tile(residual[list(batch)].mean(0), 2)
        carried = carried + np.kron(step, step) / len(batches)
        added = added + np.kron(kick, kick) / len(batches)
    moments = np.linalg.solve(np.eye(16) - carried, added).reshape(4, 4)
    found = theory.minibatch_covariance(h, b, eta, 2, sampling=sampling, momentum=momentum)
    assert found.valid
    assert found.value == pytest.approx(moments[:size, :size], rel=1e-9)


def test_all_permutations_enumerated():
    centres, h, eta = np.array([0.0, 1.0, 3.0, -2.0]), 1.5, 0.3
    r = 1 - eta * h
    shifts = []
    for order in itertools.permutations(centres - centres.mean()):
        x = 0.0
        for c in order:
            x = r * x + eta * h * c
        shifts.append(x)
    expected = np.mean(np.square(shifts)) / (1 - r ** (2 * 4))
    assert theory.epoch_shuffle_variance(h, centres, eta).value == pytest.approx(expected, rel=1e-12)


def test_shuffling_is_of_third_order():
    small = theory.epoch_shuffle_variance(1.0, [0.0, 1.0, 5.0], np.array([1e-3, 1e-4])).value
    assert np.log10(small[0] / small[1]) == pytest.approx(3, abs=0.01)


def test_instability_is_outside_validity():
    found = theory.sgd_covariance(2.0, 0.5, np.array([0.9, 1.1]))
    assert found.valid.tolist() == [True, False]
    assert np.isnan(found.value[1]).all()
    assert "no stationary law" in found.why[1]
    walls = theory.ou_covariance([[[1.0]], [[-1.0]]], 1.0)
    assert walls.valid.tolist() == [True, False]
    settled = theory.minibatch_covariance([1.0, 3.0], [0.0, 0.0], 0.1, 1)
    assert not settled.valid
    assert settled.value[0, 0] == 0
    assert "settles" in settled.why
    with pytest.raises(InputError, match="epoch_shuffle_variance"):
        theory.minibatch_covariance([1.0, 3.0], [0.0, 0.0], 0.1, 1, sampling="epoch_shuffle")


@given(a=st.floats(0.2, 3.0), s=st.floats(0.0, 3.0), momentum=st.floats(0.0, 0.95))
def test_the_second_moment_of_momentum_ends_at_its_threshold(a, s, momentum):
    edge = theory.heavy_ball_threshold(a, s, momentum=momentum).value
    curvatures = np.array([a - s, a + s])
    around = theory.minibatch_covariance(
        curvatures, [1.0, -1.0], edge * np.array([0.999, 1.001]), 1, momentum=momentum
    )
    assert around.valid.tolist() == [True, False]


def test_heavy_ball_published_value():
    found = theory.heavy_ball_threshold(2.0, 1.8, momentum=0.9)
    assert found.value == pytest.approx(0.115924344112, rel=1e-11)
    assert theory.heavy_ball_threshold(2.0, 1.8).value == pytest.approx(0.552486187845, rel=1e-11)


def test_circulation_published_values():
    assert theory.circulation(H, 0.1 * C).value[0, 1] == pytest.approx(-0.006, rel=1e-11)
    assert theory.entropy_production(H, 0.1 * C).value == pytest.approx(0.0391304347826, rel=1e-11)


@given(seed=SEEDS, size=st.integers(2, 4))
def test_detailed_balance_exactly_where_the_matrices_commute(seed, size):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(size, size)))[0]
    h, d = ((vectors * rng.uniform(0.5, 3.0, size)) @ vectors.T for _ in range(2))
    assert theory.entropy_production(h, d).value == pytest.approx(0.0, abs=1e-12)
    other = definite(rng, size)
    turning = np.linalg.norm(h @ other - other @ h) / np.linalg.norm(h @ other)
    found = theory.entropy_production(h, other)
    assert found.value >= 0
    if turning > 1e-3:
        assert found.value > 1e-9
    # The work of the drift against the current gives the same: tr(A' D^-1 A Sigma) - tr A.
    sigma = theory.ou_covariance(h, other).value
    work = np.trace(h.T @ np.linalg.solve(other, h @ sigma)) - np.trace(h)
    assert found.value == pytest.approx(work, rel=1e-6, abs=1e-9)


def test_noise_that_misses_a_direction_has_no_entropy_production():
    found = theory.entropy_production([[1.0, 0.5], [0.5, 2.0]], np.diag([1.0, 0.0]))
    assert not found.valid
    assert "misses a direction" in found.why
