"""Which region is reached first, against closed forms, mirror images and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import Potential, double_well
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import NoReference, committor
from simdyn.exact.splitting_probability import splitting_probability


def test_published_value():
    found = committor(double_well(), SDE(0.1, 0.01), -0.3, "x >= 1", "x <= -1")
    assert found.value == pytest.approx(0.200839635100, rel=1e-11)
    assert found.error < 1e-12
    assert found.unit == "1"


def test_a_flat_landscape_and_a_slope():
    flat = splitting_probability(lambda x: 0 * x, lambda x: 1 + 0 * x, 0.25, lower=-1.0, upper=2.0)
    assert flat.value == pytest.approx(1.25 / 3, rel=1e-14)
    # p = (1 - e^-v(x - a)/D) / (1 - e^-v(b - a)/D) for a constant drift v.
    tilted = splitting_probability(lambda x: -3 + 0 * x, lambda x: 0.5 + 0 * x, 0.5, lower=0.0, upper=2.0)
    assert tilted.value == pytest.approx(math.expm1(3.0) / math.expm1(12.0), rel=1e-13)


def test_small_probabilities_keep_their_digits():
    """A climb over a ramp of 600 D: p = sinh-like ratio, with both ends."""
    rare = splitting_probability(lambda x: -1 + 0 * x, lambda x: 0.005 + 0 * x, 0.01, lower=0.0, upper=3.0)
    assert rare.value == pytest.approx(math.expm1(2.0) * math.exp(-600.0), rel=1e-12)
    one = SDE(0.005, 0.01)
    left = committor(Potential("x**2/2"), one, 0.1, "x >= 2", "x <= -1").value
    right = committor(Potential("x**2/2"), one, -0.1, "x <= -2", "x >= 1").value
    assert left == pytest.approx(right, rel=1e-12)
    assert left < 1e-120


def test_steps_without_memory():
    dynamics = SGD(1.0, 1.0, noise="constant", covariance=1.0)
    found = committor(Potential("x**2/2"), dynamics, 0.3, "x >= 2", "x <= -1")
    up, down = 0.5 * math.erfc(2 / math.sqrt(2)), 0.5 * math.erfc(1 / math.sqrt(2))
    assert found.value == pytest.approx(up / (up + down), rel=1e-12)
    mirrored = committor(Potential("x**2/2"), dynamics, 0.3, "x <= -1", "x >= 2")
    assert found.value + mirrored.value == pytest.approx(1.0, rel=1e-12)


def test_a_chain_against_its_simulation():
    """100,000 paths within 4.5 standard errors: a false alarm in 150,000 fresh seeds."""
    exact = committor(double_well(), SGLD(0.2, 0.1), -0.2, "x >= 0.8", "x <= -0.9").value
    rng = np.random.default_rng(11)
    x, won = np.full(100_000, -0.2), 0
    while x.size:
        x = x - 0.2 * (x**3 - x) + 0.2 * rng.standard_normal(x.size)
        won += int((x >= 0.8).sum())
        x = x[(x < 0.8) & (x > -0.9)]
    assert abs(won / 100_000 - exact) < 4.5 * math.sqrt(exact * (1 - exact) / 100_000)
    # The continuous path is not the chain: the test would see the difference.
    sde = committor(double_well(), SDE(0.1, 0.01), -0.2, "x >= 0.8", "x <= -0.9").value
    assert abs(won / 100_000 - sde) > 4.5 * math.sqrt(exact * (1 - exact) / 100_000)


@settings(max_examples=20)
@given(
    tilt=st.floats(-0.3, 0.3),
    noise=st.floats(0.03, 1.0),
    start=st.floats(-0.9, 0.9),
    eta=st.floats(0.02, 0.3),
)
def test_one_of_the_two_is_reached(tilt, noise, start, eta):
    potential = Potential("x**4/4 - x**2/2 + t*x", parameters={"t": tilt})
    for dynamics in (SDE(noise, 0.01), SGLD(eta, noise)):
        up = committor(potential, dynamics, start, "x >= 1", "x <= -1").value
        down = committor(potential, dynamics, start, "x <= -1", "x >= 1").value
        assert up + down == pytest.approx(1.0, abs=1e-10)
        assert up > 0


@pytest.mark.parametrize(
    ("reach", "before", "text"),
    [
        ("x >= 1", "x >= 2", "either side"),
        ("x >= -1", "x <= -2", "already"),
        ("x**2 >= 1", "x <= -1", "not all that lies beyond"),
    ],
)
def test_regions_that_make_no_sense(reach, before, text):
    with pytest.raises(InputError, match=text):
        committor(double_well(), SDE(0.1, 0.01), 0.0, reach, before)


def test_many_dimensions():
    with pytest.raises(NoReference, match="3 coordinates"):
        committor(double_well(3), SDE(0.1, 0.01), 0.0, "x1 >= 1", "x1 <= -1")
