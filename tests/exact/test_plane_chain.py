"""Discrete rules in the plane against products, rotations, linear theory and the SDE."""

import math

import numpy as np
import pytest

from potentials import DriftField, Potential, double_well, muller_brown
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.exact import (
    NoReference,
    committor,
    escape_moments,
    escape_time,
    quasi_stationary,
    spectral_gap,
    stationary_density,
)

BOWL_BESIDE = Potential("x**4/4 - x**2/2 + y**2")
TURNED = Potential("((3*x + 4*y)/5)**4/4 - ((3*x + 4*y)/5)**2/2 + ((3*y - 4*x)/5)**2")
STRONG = SGLD(0.1, 0.1)


def test_a_rotated_product():
    """The published chain of one coordinate, seen at an angle."""
    mean, square = escape_moments(TURNED, STRONG, [-0.6, -0.8], "3*x + 4*y >= 0")
    one, two = escape_moments(double_well(), STRONG, -1.0, "x >= 0")
    assert one.value == pytest.approx(356.691801665, rel=1e-10)
    assert mean.value == pytest.approx(one.value, rel=1e-8)
    assert square.value == pytest.approx(two.value, rel=1e-8)
    assert abs(mean.value - one.value) < mean.error < 1e-7 * one.value
    assert mean.unit == "steps"


@pytest.mark.slow
def test_noise_that_mixes_the_coordinates():
    """A covariance with a corner changes nothing for x alone."""
    rule = SGD(0.1, 1.0, noise="constant", covariance=[[2.0, 0.8], [0.8, 1.5]])
    found = escape_time(BOWL_BESIDE, rule, [-1.0, 0.2], "x >= 0")
    assert found.value == pytest.approx(356.691801665, rel=1e-8)


@pytest.mark.parametrize(("noise", "ratio", "error"), [(0.1, 0.960, 0.003)])
def test_finite_steps_in_a_valley_that_narrows(noise, ratio, error):
    """Against Monte Carlo (z = 4) of the ratio to the SDE with its end line moved by Siegmund's constant."""
    valley = Potential("x**4/4 - x**2/2 + (0.8 + 3.2*x**2)*y**2/2")
    eta = 0.05
    chain = escape_time(valley, SGLD(eta, noise), [-1.0, 0.0], "x >= 1")
    end = 1.0 + 0.5826 * math.sqrt(2 * noise * eta)
    sde = escape_time(valley, SDE(noise, 0.01), [-1.0, 0.0], f"x >= {end}")
    assert eta * chain.value / sde.value == pytest.approx(ratio, abs=4 * error)
    assert eta * chain.value / sde.value < 0.98


def test_committor_beside_a_bowl():
    found = committor(BOWL_BESIDE, STRONG, [-0.3, 0.2], "x >= 1", "x <= -1")
    alone = committor(double_well(), STRONG, -0.3, "x >= 1", "x <= -1")
    assert found.value == pytest.approx(alone.value, rel=1e-8)
    assert abs(found.value - alone.value) < found.error


def test_quasi_stationary_beside_a_bowl():
    rate, law = quasi_stationary(BOWL_BESIDE, STRONG, [-1.0, 0.0], "x >= 0")
    alone, line = quasi_stationary(double_well(), STRONG, -1.0, "x >= 0")
    assert rate.value == pytest.approx(alone.value, rel=1e-8)
    # y is an AR(1) chain with the coefficient 0.8 and kicks of variance 0.02.
    variance = 0.02 / (1 - 0.64)
    y = 0.2
    product = line(np.array([-1.1])) * math.exp(-y * y / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    assert law(np.array([[-1.1, y]])) == pytest.approx(product, rel=1e-6)
    assert law(np.array([0.5, 0.0])) == 0


def test_linear_rule():
    """Covariance of the discrete Lyapunov equation; eigenvalues of products of those of I - eta H."""
    field = DriftField(["-(3*x + y)", "-(x + 2*y)"], variables=["x", "y"])
    rule = SGD(0.2, 1.0, noise="constant", covariance=[[1.0, 0.2], [0.2, 0.5]])
    law = stationary_density(field, rule)
    found = [law.expectation(lambda p, i=i, j=j: p[:, i] * p[:, j]) for i, j in ((0, 0), (0, 1), (1, 1))]
    exact = np.array([[0.0492727272727, -0.0000909090909], [-0.0000909090909, 0.0343636363636]])
    assert found == pytest.approx([exact[0, 0], exact[0, 1], exact[1, 1]], rel=1e-8, abs=1e-10)
    x = np.array([0.1, -0.2])
    density = math.exp(-0.5 * x @ np.linalg.solve(exact, x)) / (2 * math.pi * math.sqrt(np.linalg.det(exact)))
    assert law(x) == pytest.approx(density, rel=1e-7)
    gap = spectral_gap(field, rule)
    assert gap.value == pytest.approx(0.2 * (5 - math.sqrt(5)) / 2, rel=1e-8)


@pytest.mark.parametrize(
    ("landscape", "rule", "start", "exit", "text"),
    [
        (muller_brown(), SGLD(1e-5, 5.0), "deepest", "valley", "too large"),
        (BOWL_BESIDE, SGLD(0.1, 0.1), [-1.0, 0.0], "x + y**2 >= 0", "straight line"),
        (TURNED, SGLD(1e-4, 0.1), [-0.6, -0.8], "3*x + 4*y >= 0", "too large"),
        (TURNED, SGLD(0.1, 0.005), [-0.6, -0.8], "3*x + 4*y >= 0", "resolves|too slowly"),
    ],
)
def test_what_has_no_answer_says_why(landscape, rule, start, exit, text):
    with pytest.raises(NoReference, match=text):
        escape_time(landscape, rule, start, exit)


def test_a_rule_that_explodes_has_no_stationary_law():
    with pytest.raises(NoReference, match="explodes"):
        stationary_density(TURNED, STRONG)
