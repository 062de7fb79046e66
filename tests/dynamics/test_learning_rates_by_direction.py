"""Learning rates by direction: the rule itself, its stationary law, and what has none.

Measured numbers are compared at z = 4.5 of their standard errors; seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from potentials import DriftField, FiniteSum, Potential
from simdyn import SDE, SGD, AlphaStable, escape_time, exact, simulate, stationary, theory
from simdyn.dynamics.rates import rates_at
from simdyn.errors import InputError

Z = 4.5
BOWL = Potential("(3*x**2 + 2*x*y + 2*y**2)/2")
H = np.array([[3.0, 1.0], [1.0, 2.0]])
C = np.array([[1.0, 0.2], [0.2, 0.5]])
CURVED = Potential("x**4/4 + x*y + y**2*(1 + x**2)/2")
RNG = np.random.default_rng(2)
POINTS = RNG.uniform(-1.5, 1.5, (50, 2))


def of_curvature(function, hessians):
    values, vectors = np.linalg.eigh(hessians)
    return np.einsum("...ij,...j,...kj->...ik", vectors, function(values), vectors)


@pytest.mark.parametrize(
    ("rate", "matrix"),
    [
        ([0.2, 0.05], lambda x: np.diag([0.2, 0.05])),
        (np.array([[0.2, 0.05], [0.05, 0.1]]), lambda x: np.array([[0.2, 0.05], [0.05, 0.1]])),
        (
            [["0.1*(1 + x**2)", "x/50"], ["x/50", 0.2]],
            lambda x: np.array([[0.1 * (1 + x[0] ** 2), x[0] / 50], [x[0] / 50, 0.2]]),
        ),
        (
            "0.1*min(1, 1/abs(curvature))",
            lambda x: of_curvature(lambda h: 0.1 * np.minimum(1, 1 / np.abs(h)), CURVED.hessian(x)),
        ),
    ],
)
def test_a_step(rate, matrix):
    """x' = x - P g + P C^(1/2) xi / sqrt(B), and rates at points."""
    rule = SGD(rate, 4.0, noise="constant", covariance=C).update(CURVED)
    np.testing.assert_allclose(rates_at(rate, CURVED, POINTS), [matrix(x) for x in POINTS], atol=1e-12)
    normals = RNG.standard_normal(POINTS.shape)
    values, vectors = np.linalg.eigh(C)
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T / 2
    expected = [
        x - matrix(x) @ CURVED.gradient(x) + matrix(x) @ root @ z
        for x, z in zip(POINTS, normals, strict=True)
    ]
    np.testing.assert_allclose(rule.advance(POINTS, normals), expected, rtol=1e-12, atol=1e-13)
    assert rule.step == 1.0
    moved = simulate(CURVED, SGD(rate, 1.0, noise="none"), POINTS, paths=50, steps=1)["final"]
    mean = [x - matrix(x) @ CURVED.gradient(x) for x in POINTS]
    np.testing.assert_allclose(moved, mean, rtol=1e-11, atol=1e-12)


def test_directions_of_many_coordinates():
    """Single coordinates, a pair whose Hessian turns, and a block whose Hessian is the same everywhere."""
    mixed = Potential("a**4 + (b*c)**2/2 + b**2 + c**2 + d**2 + e**2 + f**2 + d*e/2 + e*f/2")
    points = RNG.uniform(0.2, 1.0, (10, 6))
    found = rates_at("1/(3 + curvature**2)", mixed, points)
    np.testing.assert_allclose(
        found, of_curvature(lambda h: 1 / (3 + h**2), mixed.hessian(points)), atol=1e-12
    )


def test_kicks_and_momentum_go_through_the_matrix():
    rates = np.array([[0.2, 0.05], [0.05, 0.1]])
    heavy, plain = (
        simulate(BOWL, SGD(r, 2.0, noise=AlphaStable(1.5)), "0", paths=20, steps=1, seed=3)["final"].values
        for r in (rates, np.eye(2))
    )
    np.testing.assert_allclose(heavy, plain @ rates, rtol=1e-12)
    moved = simulate(BOWL, SGD(rates, 1.0, noise="none", momentum=0.5), "x=1,y=2", paths=1, steps=2)["final"]
    x, v = np.array([1.0, 2.0]), np.zeros(2)
    for _ in range(2):
        v = 0.5 * v - rates @ H @ x
        x = x + v
    np.testing.assert_allclose(moved.values[0], x, rtol=1e-12)


@pytest.mark.parametrize("rate", [[0.2, 0.05], [[0.2, 0.05], [0.05, 0.1]], "0.3/(1 + curvature)"])
@pytest.mark.parametrize("momentum", [0.0, pytest.param(0.5, marks=pytest.mark.slow)])
def test_stationary_covariance(rate, momentum):
    """S = A S A' + P C P with A = I - P H; with momentum for (x, v)."""
    rule = SGD(rate, 1.0, noise="constant", covariance=C, momentum=momentum)
    rates, one = rates_at(rate, BOWL, np.zeros(2)), np.eye(2)
    step = np.block([[one - rates @ H, momentum * one], [-rates @ H, momentum * one]])
    exact_one = solve_discrete_lyapunov(step, np.tile(rates @ C @ rates, (2, 2)))[:2, :2]
    found = {one.name: one for one in theory.stationary_laws(BOWL, rule, np.zeros(2))}
    np.testing.assert_allclose(found["SGD covariance"].covariance, exact_one, rtol=1e-10, atol=1e-13)
    assert "Gibbs" not in found
    answer = stationary(BOWL, rule, paths=2048, steps=4000, exact=False, seed=4)
    assert answer.settled, answer.warnings
    gap = np.abs(answer.covariance.value - exact_one)
    assert (gap <= Z * answer.covariance.error).all()
    assert np.diagonal(answer.covariance.error / exact_one).max() < 0.02
    assert "<x.Pg>" in str(answer)
    assert abs(answer.balance[2].value) < Z * answer.balance[2].error


def test_the_limit_of_small_steps():
    """dx = -P g dt + P C^(1/2) dW: P H S + S H P = P C P."""
    rates = np.diag([0.02, 0.005])
    rule = SGD([0.02, 0.005], 1.0, noise="constant", covariance=C)
    limit = SDE.limit_of(rule)
    assert limit.step == 1.0
    found = {one.name: one for one in theory.stationary_laws(BOWL, limit, np.zeros(2))}
    sigma = found["Ornstein-Uhlenbeck covariance"].covariance
    np.testing.assert_allclose(rates @ H @ sigma + sigma @ H @ rates, rates @ C @ rates, atol=1e-15)
    same = limit.update(BOWL), rule.update(BOWL)
    np.testing.assert_allclose(same[0].drift_at(POINTS), same[1].drift_at(POINTS), rtol=1e-13)
    np.testing.assert_allclose(same[0].factor_at(POINTS), same[1].factor_at(POINTS), rtol=1e-13)


def test_equal_rates_are_one_rate():
    double = Potential("x**4/4 - x**2/2 + y**2/2")
    asked = {"noise": "constant", "covariance": 1.0}
    one, other = (
        exact.escape_time(double, SGD(r, 1.0, **asked), "x=-1,y=0", "x >= 0") for r in (0.2, [0.2, 0.2])
    )
    assert other.value == pytest.approx(one.value, rel=1e-9)
    answer = escape_time(double, SGD([0.2, 0.2], 1.0, **asked), "x=-1,y=0", "x >= 0", paths=2000, seed=1)
    assert answer.low < one.value * 1.05
    assert answer.high > one.value * 0.95
    assert answer.predictions == ()


def test_rates_along_the_sharpest_direction_steer():
    """A valley along y whose curvature across, a(y), grows with y. Its fast coordinate has the variance
    P / (a (2 - P a)), so that the slow one sees the energy y^2/20 + P/4 log(a / (2 - P a)) at the temperature
    P_y / 2: a higher rate across, and nothing else, drives it to where the valley is flat."""
    valley = Potential("(1 + 4/(1 + exp(-2*y)))*x**2/2 + y**2/20")
    y = np.linspace(-4, 4, 4001)
    a = 1 + 4 / (1 + np.exp(-2 * y))
    places = []
    for across in (0.1, 0.35):
        weight = np.exp(-(y**2 / 20 + across / 4 * np.log(a / (2 - across * a))) / 0.01)
        expected = float(weight @ y / weight.sum())
        rule = SGD([across, 0.02], 1.0, noise="constant", covariance=1.0)
        answer = stationary(valley, rule, paths=512, steps=64_000, exact=False, seed=6)
        assert answer.settled, answer.warnings
        # The fast coordinate is faster by a factor of 30 and more, which leaves some per cent.
        assert abs(answer.mean.value[1] - expected) < Z * answer.mean.error[1] + 0.1 * abs(expected)
        places.append(answer.mean[1])
    low, high = places
    assert high.value < low.value - 10 * np.hypot(low.error, high.error)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ([0.1, -0.1], "lowest eigenvalue -0.1"),
        ([[0.1, 0.2], [0.0, 0.1]], "symmetric"),
        ([0.1, float("nan")], "list of d numbers"),
        ([0.1, 0.1, 0.1], "wrong shape for 2"),
        ([[0.1, "x"], ["y", 0.1]], "not symmetric"),
        (["0.1*z", 0.1], "uses z"),
        ("0.1*curvature*step", "uses step"),
        ([0.1, None], "made of numbers|list of d numbers"),
    ],
)
def test_refusals(rate, words):
    with pytest.raises(InputError, match=words):
        SGD(rate, 1.0, noise="constant", covariance=1.0).update(CURVED)


def test_refusals_of_what_is_about_one_rate():
    rates = [0.1, 0.2]
    samples = FiniteSum("(x - a)**2/2 + (y - a)**2/2", {"a": [0.0, 1.0, 3.0]}, variables=["x", "y"])
    with pytest.raises(InputError, match="one learning rate for all directions"):
        SGD(rates, 1).update(samples)
    constant = SGD(rates, 1.0, noise="constant", covariance=1.0)
    with pytest.raises(InputError, match="order=2"):
        SDE.limit_of(constant, order=2).update(BOWL)
    with pytest.raises(InputError, match="Escape-rate formulas"):
        theory.eyring_kramers(Potential("x**4/4 - x**2/2 + y**2/2"), constant, "x=-1,y=0", "x >= 0")
    with pytest.raises(InputError, match="does not have"):
        SGD("0.1/curvature", 1.0, noise="constant", covariance=1.0).update(DriftField(["-x", "-y"]))
    three = Potential("x**2*y**2 + y**2*z**2 + x**2 + y**2 + z**2")
    with pytest.raises(InputError, match="two at most"):
        SGD("0.1/curvature", 1.0, noise="constant", covariance=1.0).update(three)
