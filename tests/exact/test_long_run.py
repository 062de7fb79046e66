"""Stationary and quasi-stationary laws, and the rates that lead to them, against closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import DriftField, Potential, double_well, muller_brown, quadratic, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.exact import (
    NoReference,
    escape_time,
    quasi_stationary,
    spectral_gap,
    stationary_density,
)
from simdyn.exact.first_passage import first_passage
from simdyn.exact.slowest_mode import log_spectral_gap, quasi_stationary_mode
from simdyn.exact.speed import Medium

RIPPLED = Potential("x**2/2 + cos(2*x)/2")


def square(x):
    return x[:, 0] ** 2


@pytest.mark.parametrize(
    ("convention", "variance"),
    [("ito", 0.125), ("stratonovich", 0.166666666667), ("haenggi_klimontovich", 0.25)],
)
def test_multiplicative_noise_in_every_convention(convention, variance):
    dynamics = SDE("0.1*(1 + 2*x**2)", 0.01, convention=convention)
    law = stationary_density(quadratic(1), dynamics)
    # Power-law tails of x**2 p: what lies beyond a cut of the mass at 1e-20 is felt in the variance.
    assert law.expectation(square) == pytest.approx(variance, rel=1e-9)
    assert law.mass() == pytest.approx(1.0, rel=1e-12)
    q = 1 - {"ito": 0, "stratonovich": 0.5, "haenggi_klimontovich": 1}[convention] + 2.5
    x = np.linspace(-3, 3, 13)
    assert law(x) / law(0.0) == pytest.approx((1 + 2 * x**2) ** -q, rel=1e-12)


def test_styblinski_tang_mass():
    law = stationary_density(styblinski_tang(1), SDE(5.0, 0.001))
    assert law.mass(upper=0.156731256780) == pytest.approx(0.938415043943, rel=1e-11)


def test_rippled_bowl_as_a_chain_and_as_gibbs():
    chain = stationary_density(RIPPLED, SGLD(0.2, 0.5))
    assert chain.expectation(square) == pytest.approx(0.967676449831, rel=1e-11)
    assert chain.error < 1e-11
    gibbs = stationary_density(RIPPLED, SDE(0.5, 0.01))
    assert gibbs.expectation(square) == pytest.approx(0.963019153655, rel=1e-11)
    assert gibbs.mass(-0.5, 1.5) == pytest.approx(
        stationary_density(RIPPLED, SDE(0.5, 0.01), start="x=0.3").mass(-0.5, 1.5), rel=1e-12
    )


def test_linear_chain_is_gaussian():
    law = stationary_density(quadratic(1, h=2.0), SGD(0.1, 1.0, noise="constant", covariance=0.5))
    variance = 0.0138888888888889
    x = np.linspace(-0.4, 0.4, 9)
    exact = np.exp(-(x**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    assert law(x) == pytest.approx(exact, rel=1e-11)
    assert law.expectation(square) == pytest.approx(variance, rel=1e-11)


def test_a_density_ends_where_noise_vanishes_on_a_wall():
    """D = x with the drift 1.5 - x: a gamma law of shape 1.5 on x > 0, and nothing on the other side."""
    law = stationary_density(DriftField(["3/2 - x"], variables=["x"]), SDE("x", 0.01), start=1.0)
    x = np.array([0.1, 1.0, 4.0])
    assert law(x) == pytest.approx(np.sqrt(x) * np.exp(-x) / math.gamma(1.5), rel=1e-9)
    assert law(-1.0) == 0


@pytest.mark.parametrize("h", [0.3, 2.0])
def test_gap_of_linear_systems(h):
    assert spectral_gap(quadratic(1, h=h), SDE(0.7, 0.01)).value == pytest.approx(h, rel=1e-11)
    chain = spectral_gap(quadratic(1, h=h), SGLD(0.1, 0.7))
    assert chain.value == pytest.approx(0.1 * h, rel=1e-11)
    assert (chain.unit, chain.error < 1e-11) == ("1/steps", True)


def test_gap_of_a_chain_that_swings():
    """x' = -0.8 x + noise: the eigenvalues are (-0.8)^k, and the one next to 1 is not the second largest."""
    found = spectral_gap(quadratic(1), SGLD(1.8, 0.02))
    assert found.value == pytest.approx(0.2, rel=1e-10)


@pytest.mark.parametrize("noise", [0.1, 0.02, 0.002])
def test_the_gap_of_a_symmetric_double_well_is_the_rate_of_its_half(noise):
    """The odd mode vanishes on top: two methods that share no formula but Green's function."""
    gap = spectral_gap(double_well(), SDE(noise, 0.01))
    rate, _ = quasi_stationary(double_well(), SDE(noise, 0.01), -1.0, "x >= 0")
    assert gap.value == pytest.approx(rate.value, rel=1e-11)
    assert gap.unit == rate.unit == "1/time"


def test_the_same_for_a_chain():
    """A Lipschitz double well, whose chain does have a stationary law."""
    wells = Potential("x**2/2 - 3*log(cosh(x))")
    gap = spectral_gap(wells, SGLD(0.1, 0.45))
    rate, _ = quasi_stationary(wells, SGLD(0.1, 0.45), "x=-2.98", "x >= 0")
    # Steps across the top come back as the odd mode's negative, which is worse than to be lost, but no more
    # than twice as bad.
    assert 1.0 < gap.value / rate.value < 2.0
    assert gap.error < 1e-10 * gap.value


def test_brownian_motion_between_two_ends():
    medium = Medium(lambda x: 0 * x, lambda x: 0.5 + 0 * x, 20, 2.5)
    mode = quasi_stationary_mode(medium, 0.3, -1.0, 1.0, (0.0, 0.5, -0.5), 1e-20)
    assert math.exp(mode.log_rate) == pytest.approx(math.pi**2 / 8, rel=1e-12)
    x = mode.panels.nodes
    assert np.exp(mode.log_density) == pytest.approx(math.pi / 4 * np.cos(math.pi * x / 2), rel=1e-9)


def test_steps_without_memory_have_no_memory_of_survival():
    flat = Potential("x**2/2")
    rate, law = quasi_stationary(flat, SGLD(1.0, 0.5), 0.5, "(x >= 2) | (x <= -2)")
    leave = math.erfc(math.sqrt(2))
    assert rate.value == pytest.approx(leave, rel=1e-12)
    x = np.array([-1.5, 0.0, 0.7])
    assert law(x) == pytest.approx(np.exp(-x * x / 2) / math.sqrt(2 * math.pi) / (1 - leave), rel=1e-12)


@pytest.mark.parametrize("dynamics", [SDE(0.05, 0.01), SGLD(0.1, 0.05)])
def test_escape_from_the_quasi_stationary_law_takes_one_over_the_rate(dynamics):
    """E_nu T = 1 / rate, integrated with escape times from single points."""
    rate, law = quasi_stationary(double_well(), dynamics, -1.0, "x >= 0")
    heavy = np.argsort(law.weights * law.values)[-400:]
    start = law.points[heavy[::25], 0]
    times = np.array([escape_time(double_well(), dynamics, float(x), "x >= 0").value for x in start])
    # Escape times vary little where the law has its weight.
    assert 1 / rate.value == pytest.approx(np.median(times), rel=2e-2)
    assert law.mass() == pytest.approx(1.0, rel=1e-10)


@settings(max_examples=15)
@given(
    tilt=st.floats(-0.2, 0.2), curl=st.floats(0.5, 2.0), noise=st.floats(0.04, 0.3), slope=st.floats(0.0, 0.8)
)
def test_rate_between_the_bounds_of_the_mean(tilt, curl, noise, slope):
    """1 / sup_x E_x T <= rate <= 1 / E_x T for any x: both from quadrature of the mean alone."""

    def drift(x):
        return curl * (x - x**3) - tilt

    def diffusion(x):
        return noise * (1 + slope * np.sin(x) ** 2)

    medium = Medium(drift, diffusion, 20, 2.5)
    rate = math.exp(quasi_stationary_mode(medium, -1.0, -2.5, 0.4, (), 1e-20).log_rate)
    means = [
        first_passage(drift, diffusion, x, lower=-2.5, upper=0.4)[0].value for x in np.linspace(-2.4, 0.3, 28)
    ]
    assert rate * max(means) >= 1 - 1e-9
    # The slowest mode alone: the escape from a law within a valley is never faster than its average.
    assert rate * min(means) <= 1 + 1e-9


@settings(max_examples=15)
@given(scale=st.floats(0.05, 20.0), speed=st.floats(0.1, 10.0), noise=st.floats(0.02, 0.5))
def test_units_of_length_and_time(scale, speed, noise):
    def drift(x):
        return x - x**3 + 0.1

    plain = log_spectral_gap(Medium(drift, lambda x: noise + 0 * x, 20, 2.5), 0.9, (), 1e-20)
    scaled = log_spectral_gap(
        Medium(
            lambda y: speed * scale * drift(y / scale), lambda y: speed * scale**2 * noise + 0 * y, 20, 2.5
        ),
        0.9 * scale,
        (),
        1e-20,
    )
    assert scaled - math.log(speed) == pytest.approx(plain, abs=1e-10)


@pytest.mark.parametrize(
    ("potential", "dynamics", "text"),
    [
        (double_well(), SGLD(0.1, 0.1), "explodes"),
        (quadratic(1), SGLD(2.5, 0.1), "explodes"),
        (Potential("-x**2/2"), SDE(1.0, 0.01), "not confine"),
        (Potential("sin(x)"), SDE(1.0, 0.01), "no stationary law|too long"),
        (double_well(), SGLD(0.1, 0.0), "no noise"),
        (double_well(5), SDE(0.1, 0.01), "5 coordinates"),
    ],
)
def test_no_stationary_law(potential, dynamics, text):
    with pytest.raises(NoReference, match=text):
        stationary_density(potential, dynamics, start=0.5)
    with pytest.raises(NoReference, match=text):
        spectral_gap(potential, dynamics, start=0.5)


def test_a_rate_beyond_double_precision():
    with pytest.raises(NoReference, match="10\\^-1086"):
        quasi_stationary(double_well(), SDE(0.0001, 0.01), -1.0, "x >= 0")


def test_samples_are_refused():
    with pytest.raises(NoReference):
        spectral_gap(muller_brown(), SGLD(1e-4, 5.0, momentum=0.5))
