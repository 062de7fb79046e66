"""Exact escape times as people ask for them: a landscape, a dynamics, a start and an exit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import (
    Potential,
    double_well,
    muller_brown,
    shifted_styblinski_tang,
    shifted_styblinski_tang_covariance,
    styblinski_tang,
)
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import NoReference, chain_first_passage, escape_moments, escape_time, overshoot_share
from simdyn.exact.modes import diffusion_modes
from simdyn.exact.modes import first_of as first_diffusion

TANG = styblinski_tang(1)


def curvature_noise(eta, batch, floor=0.0):
    return SGD(learning_rate=eta, batch_size=batch, noise="hessian", floor=floor)


@pytest.mark.parametrize(
    ("potential", "dynamics", "start", "exit", "value", "unit"),
    [
        (double_well(), SDE(0.05, 0.01), "x=-1", "x >= 0", 361.903759501, "time"),
        (double_well(), SDE(0.05, 0.01), "x=-1", "commit", 729.670691942, "time"),
        (double_well(), SDE(0.05, 0.01), "x=1", "valley", 361.903759501, "time"),
        (double_well(), SGLD(0.1, 0.1), "x=-1", "x >= 0", 356.691801665, "steps"),
        (double_well(), SGLD(0.1, 0.05), "x=-1", [1.0], 7055.27914317, "steps"),
        (
            double_well(),
            SDE("0.05*(1+x**2)", 0.01, convention="stratonovich"),
            -1,
            "valley",
            118.775892104,
            "time",
        ),
        (double_well(), curvature_noise(0.2, 1.0), "x=-1", "(x >= 0) | (x <= -2)", 121.163698487, "steps"),
        (double_well(), SDE.limit_of(SGLD(0.1, 0.05)), "x=-1", "x >= 0", 361.903759501, "time"),
        (TANG, SDE(5.0, 0.001), "deepest", "valley", 367.619148102, "time"),
        (TANG, SDE(5.0, 0.001), "deepest", "commit", 754.006922950, "time"),
        (styblinski_tang(10), SDE(5.0, 0.001), "deepest", "valley", 36.876253, "time"),
    ],
)
def test_published_values(potential, dynamics, start, exit, value, unit):
    reference = escape_time(potential, dynamics, start, exit)
    digits = 2e-8 if value == 36.876253 else 1e-10
    assert reference.value == pytest.approx(value, rel=digits)
    assert reference.error < 1e-8 * value
    assert reference.unit == unit


@pytest.mark.parametrize(("exit", "value"), [("valley", 15158.949403), ("commit", 30950.186145)])
def test_shifted_styblinski_tang(exit, value):
    """From the shallower left well of the mean loss, with one hundredth of the sample covariance as D."""
    noise = f"0.01*({shifted_styblinski_tang_covariance(1)[0]})"
    reference = escape_time(shifted_styblinski_tang(1), SDE(noise, 0.001), "deepest", exit)
    assert reference.value == pytest.approx(value, rel=1e-10)


def test_noise_proportional_to_the_loss():
    potential = Potential("x**4/4 - x**2/2 + 3/10")
    reference = escape_time(potential, SDE("0.25*(x**4/4 - x**2/2 + 3/10)", 0.01), "x=-1", "x >= 1")
    assert reference.value == pytest.approx(13383.3974593, rel=1e-11)


@pytest.mark.parametrize(("noise", "eta"), [(3.0, 0.001), (5.0, 0.001), (10.0, 0.0005)])
def test_ten_coordinates_of_langevin_steps(noise, eta):
    """Beside the SDE of the same rule: Siegmund's shift makes hits later, by 8 % and 6 % here."""
    chain = escape_time(styblinski_tang(10), SGLD(eta, noise), "deepest", "valley")
    sde = escape_time(styblinski_tang(10), SDE(noise, eta), "deepest", "valley")
    one = escape_time(TANG, SGLD(eta, noise), "deepest", "valley")
    assert chain.error < 1e-9 * chain.value
    assert 1.04 < chain.value * eta / sde.value < 1.10
    # Nearly exponential: a tenth of one coordinate, and a little more for the time it takes to equilibrate.
    assert 1.0 < chain.value / (one.value / 10) < 1.12


@pytest.mark.parametrize(("eta", "batch"), [(0.02, 0.04), (0.02, 0.08), (0.03, 0.1)])
def test_ten_coordinates_of_curvature_noise(eta, batch):
    whole, square = escape_moments(styblinski_tang(10), curvature_noise(eta, batch), "deepest", "valley")
    one = escape_time(TANG, curvature_noise(eta, batch), "deepest", "valley")
    assert whole.error < 1e-9 * whole.value
    assert whole.value == pytest.approx(one.value / 10, rel=0.03)
    # A step count that is nearly geometric has E N^2 = 2 N^2 - N.
    assert square.value == pytest.approx(2 * whole.value**2 - whole.value, rel=0.05)


def test_very_long_times_keep_their_digits():
    """log N grows by S per unit of batch size, so that steps of it are nearly equal however large N is."""
    logs = [
        math.log(escape_time(TANG, curvature_noise(0.02, b), "deepest", "valley").value)
        for b in (0.6, 1.0, 1.4)
    ]
    assert logs[1] - logs[0] == pytest.approx(logs[2] - logs[1], rel=2e-3)
    assert logs[2] > 150


def test_overshoot_share():
    """Steps that leave beyond |x| = 5 come from far up the outer wall and are rare at these settings."""
    shares = [
        overshoot_share(styblinski_tang(10), curvature_noise(0.02, b), "deepest", "valley", 5.0).value
        for b in (0.04, 0.06, 0.08)
    ]
    assert 0 < shares[2] < shares[1] < shares[0] < 0.01
    with pytest.raises(NoReference, match="do not overshoot"):
        overshoot_share(TANG, SDE(5.0, 0.01), "deepest", "valley", 5.0)


@settings(max_examples=4)
@given(k=st.floats(0.3, 3.0))
def test_curvature_scale_is_a_learning_rate(k):
    """N_k(eta, B) = N_1(k eta, B), and the same for Langevin steps, in ten dimensions."""
    for scaled, plain in (
        (curvature_noise(0.02, 0.06), curvature_noise(0.02 * k, 0.06)),
        (SGLD(0.002, 8.0), SGLD(0.002 * k, 8.0)),
    ):
        left = escape_time(styblinski_tang(10, k=k), scaled, "deepest", "valley")
        right = escape_time(styblinski_tang(10), plain, "deepest", "valley")
        assert left.value == pytest.approx(right.value, rel=1e-8)


def test_independent_brownian_coordinates():
    """First exit of d Brownian motions from (-1, 1): the product of their survival series, integrated."""
    n = np.arange(200)
    rates = (2 * n + 1) ** 2 * math.pi**2 / 4
    weights = 4 / math.pi * (-1.0) ** n / (2 * n + 1)
    modes = diffusion_modes(lambda x: 0 * x, lambda x: 1 + 0 * x, 0.0, -1.0, 1.0, (), 16, 0.6)
    # Every other mode is odd and has no weight at the centre.
    np.testing.assert_allclose(modes.rates[[0, 2, 4]], rates[:3], rtol=1e-10)
    np.testing.assert_allclose(modes.weights[[0, 2, 4]], weights[:3], rtol=1e-10)
    # Two of them: the sum over pairs of modes, in closed form.
    pairs = np.multiply.outer(weights, weights) / np.add.outer(rates, rates)
    assert first_diffusion([(modes, 2)])[0] == pytest.approx(pairs.sum(), rel=1e-7)


def test_different_coordinates_of_a_chain():
    """Two coordinates without memory: the first is geometric with 1 - (1 - p)(1 - q)."""
    potential = Potential("x**2/2 + y**2/2")
    dynamics = SGD(1.0, 1.0, noise="constant", covariance=[1.0, 0.25])
    mean, square = escape_moments(potential, dynamics, [0.0, 0.0], "(x >= 1) | (y >= 1)")
    leave = 1 - (1 - 0.5 * math.erfc(1 / math.sqrt(2))) * (1 - 0.5 * math.erfc(2 / math.sqrt(2)))
    assert mean.value == pytest.approx(1 / leave, rel=1e-12)
    assert square.value == pytest.approx((2 - leave) / leave**2, rel=1e-12)


def test_different_coordinates_of_a_diffusion():
    """x and y of different curvature: between the time of x alone and the harmonic mean of both."""
    potential = Potential("x**4/4 - x**2/2 + 2*(y**4/4 - y**2/2)")
    both = escape_time(potential, SDE(0.1, 0.01), [-1.0, -1.0], "(x >= 0) | (y >= 0)").value
    x = escape_time(potential, SDE(0.1, 0.01), [-1.0, -1.0], "x >= 0").value
    y = escape_time(potential, SDE(0.1, 0.01), [-1.0, -1.0], "y >= 0").value
    assert x == pytest.approx(30.8213024727, rel=1e-10)
    assert both < x
    assert both == pytest.approx(1 / (1 / x + 1 / y), rel=0.05)


def test_a_coordinate_without_an_exit_does_not_count():
    alone = chain_first_passage(lambda x: x - 0.1 * (x**3 - x), lambda x: 0.2 + 0 * x, -1.0, upper=0.0)[0]
    both = escape_time(double_well(2), SGD(0.1, 1.0, noise="constant", covariance=4.0), -1.0, "x1 >= 0")
    assert both.value == pytest.approx(alone.value, rel=1e-12)


@pytest.mark.parametrize(
    ("potential", "dynamics", "start", "exit", "text"),
    [
        (muller_brown(), SGLD(1e-5, 5.0), "deepest", "valley", "too large"),
        (
            double_well(3),
            SGD(0.1, 1.0, noise="constant", covariance=[[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]),
            -1.0,
            "valley",
            "coupled",
        ),
        (double_well(3), SGLD(0.1, 0.1), -1.0, "x1 + x2 >= 0", "not of the form"),
        (double_well(2), SGLD(0.1, 0.1), -1.0, "(x1 >= 0) & (x2 >= 0)", "straight line"),
        (TANG, curvature_noise(0.02, 6.0), "deepest", "valley", "beyond 1e\\+296"),
        (TANG, SGD(0.02, 1.0, noise="none"), "deepest", "valley", "no noise"),
        (TANG, SGLD(0.02, 0.0), "deepest", "valley", "no noise"),
        (TANG, SDE.limit_of(curvature_noise(0.02, 0.05)), "deepest", "valley", "infinite"),
        (styblinski_tang(10), SDE.limit_of(curvature_noise(0.02, 0.05)), "deepest", "valley", "infinite"),
        (Potential("-x**2/2"), SDE(1.0, 0.01), 0.0, "x >= 1", "does not confine"),
    ],
)
def test_what_has_no_exact_value_says_why(potential, dynamics, start, exit, text):
    with pytest.raises(NoReference, match=text):
        escape_time(potential, dynamics, start, exit)
    assert issubclass(NoReference, InputError)


def test_a_start_outside_is_an_input_error():
    with pytest.raises(InputError, match="already fulfils"):
        escape_time(double_well(), SGLD(0.1, 0.1), "x=1", "x >= 0")
