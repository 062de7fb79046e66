"""The whole law of escape times, against series, geometric laws and mean times."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import Potential, double_well
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import NoReference, escape_moments, survival


def brownian(t, terms=200):
    """P(|W_s| < 1 for s <= t) of dW with D = 1/2 from 0."""
    n = np.arange(terms)
    rate = (2 * n + 1) ** 2 * math.pi**2 / 8
    return (4 / math.pi * (-1.0) ** n / (2 * n + 1)) @ np.exp(-np.multiply.outer(rate, t))


def test_brownian_motion_between_two_ends():
    t = np.array([0.1, 0.3, 1.0, 5.0])
    # A bowl so shallow that it is not felt: its drift is below 1e-13 everywhere.
    flat = Potential("c*x**2", parameters={"c": 1e-14})
    found = survival(flat, SDE(0.5, 0.01), 0.0, "(x >= 1) | (x <= -1)", t)
    assert found.values == pytest.approx(brownian(t), abs=1e-10)
    assert (np.abs(found.values - brownian(t)) <= found.error + 1e-11).all()
    square = survival(
        Potential("c*(x**2 + y**2)", parameters={"c": 1e-14}),
        SDE(0.5, 0.01),
        [0.0, 0.0],
        "(x >= 1) | (x <= -1) | (y >= 1) | (y <= -1)",
        t,
    )
    assert square.values == pytest.approx(brownian(t) ** 2, abs=1e-10)
    assert found.unit == "time"


def test_steps_without_memory():
    flat = Potential("x**2/2")
    dynamics = SGD(1.0, 1.0, noise="constant", covariance=1.0)
    steps = [0, 1, 7, 5000]
    found = survival(flat, dynamics, 0.5, "(x >= 2) | (x <= -2)", steps)
    leave = math.erfc(math.sqrt(2))
    assert found.values == pytest.approx((1 - leave) ** np.array(steps), rel=1e-11)
    assert found.unit == "steps"


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_moments_of_the_survival_function(noise):
    mean, square = escape_moments(double_well(), SDE(noise, 0.01), -1.0, "x >= 0")
    # Gauss-Legendre panels that double.
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.concatenate([[0.0], np.geomspace(1e-3, 45 * mean.value, 60)])
    half = 0.5 * np.diff(edges)[:, None]
    t = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes
    values = survival(double_well(), SDE(noise, 0.01), -1.0, "x >= 0", t.ravel()).values.reshape(t.shape)
    assert (half * weights * values).sum() == pytest.approx(mean.value, rel=1e-9)
    assert (2 * half * weights * t * values).sum() == pytest.approx(square.value, rel=1e-9)


@settings(max_examples=10)
@given(noise=st.floats(0.08, 0.4), eta=st.floats(0.05, 0.3), tilt=st.floats(-0.2, 0.2))
def test_sum_over_steps_is_the_mean(noise, eta, tilt):
    potential = Potential("x**4/4 - x**2/2 + t*x", parameters={"t": tilt})
    exit = "(x >= 0.2) | (x <= -1.8)"
    mean, square = escape_moments(potential, SGLD(eta, noise), -1.0, exit)
    n = np.arange(int(60 * mean.value) + 100)
    values = survival(potential, SGLD(eta, noise), -1.0, exit, n).values
    assert values.sum() == pytest.approx(mean.value, rel=1e-10)
    assert ((2 * n + 1) * values).sum() == pytest.approx(square.value, rel=1e-10)
    assert (np.diff(values) <= 1e-15).all()


@pytest.mark.parametrize(
    ("times", "text"), [([-1.0], "negative"), ([math.nan], "not finite"), ([0.5], "whole numbers")]
)
def test_times_that_make_no_sense(times, text):
    with pytest.raises(InputError, match=text):
        survival(double_well(), SGLD(0.1, 0.1), -1.0, "x >= 0", times)


def test_two_slow_modes_are_refused():
    wells = Potential("(x**2 - 1)**2*((x - 2)**2 + 1/10)", domain=(-3, 4))
    with pytest.raises(NoReference):
        survival(wells, SDE(1e-3, 0.01), -1.0, "(x <= -2) | (x >= 3)", [1.0])
