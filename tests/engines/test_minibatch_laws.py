"""What real batches do, against exact numbers; each comparison within 5 standard errors (false alarm
6e-7)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from potentials import FiniteSum, LinearisedNetwork, QuadraticSum, two_functions
from simdyn import escape_time
from simdyn.dynamics import SGD, MinibatchUpdate
from simdyn.engines.minibatch import MinibatchEngine

PATHS = 100_000
THREE = QuadraticSum([1.0, 2.0, 4.0], [0.0, 1.0, -1.0])


def final(update, start, steps, paths=PATHS, seed=1):
    x = np.tile(np.atleast_1d(np.asarray(start, dtype=float)), (paths, 1))
    return MinibatchEngine(update, threads=2).integrate(x, steps=steps, seed=seed)


def errors_from(products, exact):
    """Distance of the mean of independent products from an exact mean, in standard errors."""
    return abs(products.mean() - exact) / (products.std() / np.sqrt(len(products)))


@pytest.mark.parametrize(
    ("batch", "sampling", "exact"),
    [
        (1, "without_replacement", 0.303206997085),
        (2, "without_replacement", 0.0707482993197),
        (2, "with_replacement", 0.144712430427),
    ],
)
def test_stationary_variance_of_three_quadratics(batch, sampling, exact):
    x = final(SGD(0.2, batch, sampling=sampling).update(THREE), 0.0, 80)[:, 0] - THREE.minimiser[0]
    assert errors_from(x**2, exact) < 5
    # The wrong factor p_B would be noticed.
    assert errors_from(x**2, 0.10) > 20


def test_stationary_covariance_of_a_regression():
    rows, targets = np.array([[1, 0], [1, 1], [0, 1.5]]), np.array([1, -0.5, 0.7])
    landscape = LinearisedNetwork(rows, -targets)
    x = final(SGD(0.3, 2).update(landscape), [0.0, 0.0], 150) - landscape.minimiser
    for i, j, exact in ((0, 0, 0.0266459130223), (0, 1, 0.00339076830592), (1, 1, 0.0183644922596)):
        assert errors_from(x[:, i] * x[:, j], exact) < 5


@pytest.mark.parametrize(
    ("sampling", "exact"), [("epoch_shuffle", 0.356373332501), ("with_replacement", 0.943548387097)]
)
def test_shuffled_epochs_are_quieter_than_independent_draws(sampling, exact):
    landscape = QuadraticSum([1.5] * 4, [0.0, 1.0, 3.0, -2.0])
    x = final(SGD(0.3, 1, sampling=sampling).update(landscape), 0.5, 80)[:, 0] - 0.5
    assert errors_from(x**2, exact) < 5
    other = {0.356373332501: 0.943548387097, 0.943548387097: 0.356373332501}[exact]
    assert errors_from(x**2, other) > 50


def test_heavy_ball():
    """h = 2, c = 0.5, eta = 0.1, beta = 0.9: eta c (1 + beta) / (h (1 - beta) (2 (1 + beta) - eta h))."""
    shift = np.sqrt(0.5) / 2
    landscape = QuadraticSum([2.0, 2.0], [shift, -shift])
    x = final(MinibatchUpdate(landscape, 1, rates=[0.1], momentum=0.9), 0.0, 500, 40_000)[:, 0]
    assert errors_from(x**2, 0.131944444444) < 5


@pytest.mark.parametrize("noise", ["minibatch", "empirical"])
@pytest.mark.parametrize(("batch", "sampling"), [(2, "without_replacement"), (3, "with_replacement")])
def test_covariance_of_one_step(noise, batch, sampling):
    landscape = FiniteSum(
        "(a*x - b)**2/2 + a*x*y + b*y**2", {"a": [1, 2, -1, 0.5], "b": [0, 1, 3, 1]}, variables="x y"
    )
    update = SGD(0.1, batch, noise=noise, sampling=sampling).update(landscape)
    point = np.array([0.7, -0.4])
    factor = update.factor_at(point)
    exact = factor @ factor.T
    if sampling == "without_replacement":
        means = [landscape.sample_gradients(point)[list(s)].mean(0) for s in combinations(range(4), batch)]
        np.testing.assert_allclose(exact, 0.01 * np.cov(np.transpose(means), bias=True), rtol=1e-12)
    moved = final(update, point, 1) - point - update.drift_at(point)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        assert errors_from(moved[:, i] * moved[:, j], exact[i, j]) < 5
    assert errors_from(moved[:, 0], 0.0) < 5


# --- Wu, Ma & E: how SGD selects ----------------------------------------------------------------------------


def test_sgd_leaves_the_minimum_that_gradient_descent_keeps():
    landscape = two_functions()
    settled = final(SGD(0.7, 1).update(landscape), 1 + 1e-5, 3_000, 2_000)
    assert np.abs(settled).max() < 1e-6
    kept = final(SGD(0.7, 1, noise="none").update(landscape), 1 + 1e-5, 3_000, 2_000)
    assert np.abs(kept - 1).max() < 1e-12


def test_growth_near_the_sharp_minimum():
    """Lyapunov exponent 0.177997 and mean-square multiplier 1.7476 at eta = 0.7."""
    update = SGD(0.7, 1).update(QuadraticSum([0.2, 3.8]))
    growth = np.log(np.abs(final(update, 1.0, 200, 20_000)[:, 0])) / 200
    assert errors_from(growth, 0.177997356317) < 5
    assert errors_from(final(update, 1.0, 1)[:, 0] ** 2, 1.7476) < 5


@pytest.mark.parametrize(("rate", "stays"), [(0.53, True), (0.62, False)])
def test_threshold_of_almost_sure_stability(rate, stays):
    """Threshold 0.559472; below 0.552486 a path gets from 1e-8 to 0.1 with probability of about 1e-14."""
    x = final(SGD(rate, 1).update(two_functions()), 1 + 1e-8, 4_000, 1_000)[:, 0]
    assert (np.abs(x - 1) < 0.1).all() if stays else (np.abs(x) < 1e-6).all()


# --- escape -------------------------------------------------------------------------------------------------


def test_a_random_walk_takes_the_square_of_the_distance():
    """Steps of +-1/8 from 0 to +-1: 64 steps in the mean, with variance 2 (8^4 - 8^2) / 3."""
    walk = FiniteSum("s*x", {"s": [-1.0, 1.0]}, variables="x", name="walk")
    answer = escape_time(
        walk, SGD(1 / 8, 1), start=0.0, exit="(x >= 0.999) | (x <= -0.999)", paths=20_000, max_steps=100_000
    )
    steps = answer.measurement.records.steps
    assert abs(steps.mean() - 64) < 5 * np.sqrt(2 * (8**4 - 8**2) / 3 / 20_000)
    assert answer.events == 20_000
    assert answer.reference is None
    # A flat loss has no minimum, and closed forms say so.
    assert not any(prediction.valid or np.isfinite(prediction.value) for prediction in answer.predictions)
    assert "noise of samples" in answer.reference_note
    assert "exact      none" in str(answer)
