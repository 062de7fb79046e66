"""Growth of linearised SGD by simulation, against exact values; intervals at z = 5, a false alarm in 2e6."""

from __future__ import annotations

import numpy as np
import pytest

from potentials import InputError, SampleCurvatures
from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.engines.linear import log_lengths
from simdyn.estimators import measure_growth
from simdyn.exact import isotropic_lyapunov, lyapunov_exponent, mean_square_multiplier, second_moments

curvature = SampleCurvatures.from_hessians


def errors_of(interval, exact):
    """Distance from the exact value in standard errors, of which the interval is 1.96 to either side."""
    return abs(interval.value - exact) / (interval.half_width / 1.959963984540054)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "epoch_shuffle"])
@pytest.mark.parametrize("batch", [1, 2])
def test_line(sampling, batch):
    linear = LinearisedSGD(curvature([0.2, 0.5, 4.0, 3.0]), 0.55, batch, sampling)
    exact = lyapunov_exponent(linear).value
    if sampling == "epoch_shuffle" and batch == 1:
        # Over whole epochs every path grows alike.
        logs = log_lengths(linear, paths=200, marks=[100, 400], seed=1)
        np.testing.assert_allclose((logs[:, 1] - logs[:, 0]) / 300, exact, atol=1e-12)
    else:
        assert errors_of(measure_growth(linear, paths=2000, steps=400, seed=1).exponent, exact) < 5


def test_products_that_do_not_commute():
    """R-D4: exact by renewal."""
    linear = LinearisedSGD(curvature([np.diag([1.0, 0.0]), [[1.0, 0.5], [0.5, 3.0]]]), 1.0, 1)
    growth = measure_growth(linear, paths=4000, steps=1000, seed=2)
    assert errors_of(growth.exponent, 0.361308198075) < 5


@pytest.mark.parametrize(("rate", "exact"), [(0.5, -0.0536582388488), (0.593113229375, 0.0)])
def test_isotropic_data(rate, exact):
    """R-D5: 8,192 Gaussian inputs instead of all. What the finite set adds to the error is bounded by the
    spread of log|A e| over its inputs, for a fixed e, and far below it as the direction of e turns."""
    rows = np.random.default_rng(7).normal(size=(8192, 3))
    linear = LinearisedSGD(SampleCurvatures.from_factors(rows), rate, 1)
    growth = measure_growth(linear, paths=2000, steps=800, seed=3).exponent
    step = np.log(np.linalg.norm(np.array([1.0, 0, 0]) - rate * rows[:, :1] * rows, axis=1))
    error = np.hypot(growth.half_width / 1.96, step.std() / np.sqrt(len(rows)))
    assert abs(growth.value - exact) < 4 * error
    assert isotropic_lyapunov(rate, 3).value == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_mean_square_where_it_is_visible(momentum):
    rows = np.random.default_rng(0).normal(size=(6, 2))
    linear = LinearisedSGD(SampleCurvatures.from_factors(rows), 0.2, 2, momentum=momentum)
    growth = measure_growth(linear, paths=20_000, steps=60, seed=5)
    seen = growth.visible_steps
    assert seen >= 4
    exact = second_moments(linear, seen)
    for step in {1, 2, 4}:
        assert errors_of(growth.mean_square(step), exact[step - 1]) < 5


def test_what_cannot_be_seen_is_not_shown():
    """Stable along almost every path, and E x^2 grows: the sample mean shrinks, and says nothing."""
    linear = LinearisedSGD(curvature([0.2, 0.5, 4.0]), 0.6, 1)
    assert lyapunov_exponent(linear).value < 0
    assert mean_square_multiplier(linear).value > 1.07
    growth = measure_growth(linear, paths=2000, steps=1000, seed=4)
    assert growth.exponent.high < 0
    assert growth.visible_steps < 20
    with pytest.raises(InputError, match="rarer than these"):
        growth.mean_square(growth.visible_steps + 1)
    # What the guard keeps back: at the last step the sample mean is off by tens of orders of magnitude.
    claimed = np.log(np.mean(np.exp(2 * (growth.log_lengths[:, -1]))) + 1e-300) / 1000
    assert claimed < 0 < np.log(mean_square_multiplier(linear).value)


def test_never_overflows():
    linear = LinearisedSGD(curvature([50.0, 80.0]), 1e3, 1)
    growth = measure_growth(linear, paths=64, steps=5000, seed=0)
    exact = lyapunov_exponent(linear).value
    assert np.isfinite(growth.log_lengths).all()
    assert growth.log_lengths[:, -1].mean() == pytest.approx(5000 * exact, rel=1e-2)
    with pytest.raises(InputError, match="lower it"):
        measure_growth(linear.at(1e200), paths=2, steps=2)


def test_a_path_that_lands_on_the_minimum_stays_there():
    growth = measure_growth(LinearisedSGD(curvature([1.0, 1.5]), 1.0, 1), paths=100, steps=200, seed=0)
    assert growth.exponent.value == -np.inf
    assert growth.median_log(len(growth.marks) - 1).value == -np.inf


def test_bits_do_not_depend_on_threads_or_cuts():
    rows = np.random.default_rng(0).normal(size=(7, 3))
    for sampling in ("with_replacement", "without_replacement", "epoch_shuffle"):
        for c in (SampleCurvatures.from_factors(rows), curvature(np.einsum("ni,nj->nij", rows, rows))):
            linear = LinearisedSGD(c, 0.2, 3, sampling)
            whole = log_lengths(linear, paths=300, marks=[3, 50], seed=9, threads=1)
            two = log_lengths(linear, paths=300, marks=[3, 50], seed=9, threads=2)
            part = log_lengths(linear, paths=10, marks=[50], seed=9, first_path=277)
            assert np.array_equal(whole, two)
            assert np.array_equal(whole[277:287, 1], part[:, 0])


def test_factors_and_matrices_take_the_same_course():
    rows = np.random.default_rng(0).normal(size=(9, 5))
    curvatures = SampleCurvatures.from_factors(rows)
    both = [
        log_lengths(LinearisedSGD(c, 0.1, 2, momentum=0.3), paths=50, marks=[40], seed=1)
        for c in (curvatures, SampleCurvatures(curvatures.stack, None, 0))
    ]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-9)


@pytest.mark.parametrize(("name", "value"), [("paths", 1), ("steps", 0), ("paths", 2.5)])
def test_refusals(name, value):
    with pytest.raises(InputError, match=name):
        measure_growth(LinearisedSGD(curvature([1.0, 2.0]), 0.1, 1), **{name: value})
