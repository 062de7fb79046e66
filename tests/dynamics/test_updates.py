"""Means, covariances and identities of one step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from potentials import Potential, double_well, muller_brown, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit

COUPLED = Potential("x**4/4 - x**2/2 + y**2*(1 + x**2)/2 + x*y/4")
POINTS = np.random.default_rng(0).uniform(-2, 2, (40, 2))


def covariance(update, x):
    factor = update.factor_at(x)
    return factor @ np.swapaxes(factor, -1, -2)


def absolute(matrix, floor):
    """(H^2 + floor^2 I)^(1/2) by SciPy's matrix square root."""
    return np.real(sqrtm(matrix @ matrix + floor**2 * np.eye(len(matrix))))


@pytest.mark.parametrize("potential", [COUPLED, muller_brown(), styblinski_tang(dim=2)])
@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_hessian_noise_is_the_absolute_hessian(potential, floor):
    update = SGD(0.1, 2.5, noise="hessian", floor=floor, temperature=1.7).update(potential)
    found = covariance(update, POINTS)
    for x, matrix in zip(POINTS, found, strict=True):
        expected = 0.1**2 * 1.7 / 2.5 * absolute(potential.hessian(x), floor)
        np.testing.assert_allclose(matrix, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


def test_the_floor_matters():
    update = SGD(0.1, 2.5, noise="hessian", floor=0.3).update(COUPLED)
    wrong = 0.1**2 / 2.5 * absolute(COUPLED.hessian(POINTS[0]), 0.0)
    assert np.abs(covariance(update, POINTS[0]) - wrong).max() > 1e-6


@pytest.mark.filterwarnings("ignore:Matrix is singular")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("floor", [0.0, 0.5])
@pytest.mark.parametrize(
    "formula",
    [
        "x**2 + y**2 + x*y**3",  # equal eigenvalues at the origin
        "x*y*(x**2 - y**2) + x**4*y**2",  # no curvature at all
        "x*y + x**2*y**2",  # eigenvalues 1 and -1
    ],
)
def test_degenerate_hessians(formula, floor, dtype):
    potential = Potential(formula)
    update = SGD(0.1, 1.0, noise="hessian", floor=floor).update(potential)
    origin = np.zeros(2)
    expected = 0.01 * absolute(potential.hessian(origin), floor)
    np.testing.assert_allclose(covariance(update, origin), expected, atol=1e-16)
    stepped = CpuEngine(update, dtype=dtype, threads=1).integrate(origin[None], steps=1, seed=0)
    assert np.isfinite(stepped).all()


def with_noise(noise):
    return SGD(0.2, 4.0, noise=noise).update(COUPLED)


SCALAR, DIAGONAL = with_noise("1 + x**2"), with_noise(["1 + x**2", "exp(y)"])
FULL = with_noise([["1 + x**2", "x/2"], ["x/2", "1"]])
# Singular everywhere: outer products, the second with entries whose roots SymPy cannot take apart.
SINGULAR = with_noise([["1 + x**2", "2*(1 + x**2)"], ["2*(1 + x**2)", "4*(1 + x**2)"]])
ROUNDED = with_noise(
    [["exp(2*x) + 1", "(exp(2*x) + 1)*sin(y)"], ["(exp(2*x) + 1)*sin(y)", "(exp(2*x) + 1)*sin(y)**2"]]
)


@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_expression_noise(x, y):
    point = np.array([x, y])

    def check(update, expected):
        np.testing.assert_allclose(
            covariance(update, point), 0.04 / 4 * np.array(expected), rtol=1e-10, atol=1e-15
        )

    check(SCALAR, np.eye(2) * (1 + x * x))
    check(DIAGONAL, np.diag([1 + x * x, np.exp(y)]))
    check(FULL, [[1 + x * x, x / 2], [x / 2, 1]])
    check(SINGULAR, (1 + x * x) * np.array([[1, 2], [2, 4]]))
    check(ROUNDED, (np.exp(2 * x) + 1) * np.outer([1, np.sin(y)], [1, np.sin(y)]))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_expressions_that_turn_negative_have_no_root():
    update = SGD(0.2, 4.0, noise=[["1", "x"], ["x", "1"]]).update(COUPLED)
    assert np.isfinite(update.factor_at(np.array([0.9, 0.0]))).all()
    assert np.isnan(update.factor_at(np.array([1.1, 0.0]))).any()
    assert np.isnan(SGD(0.2, 4.0, noise="x").update(COUPLED).factor_at(np.array([-0.1, 0.0]))).any()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.7, 0.7 * np.eye(2)),
        ([0.7, 0.2], np.diag([0.7, 0.2])),
        ([[0.7, 0.3], [0.3, 0.2]], [[0.7, 0.3], [0.3, 0.2]]),
        ([[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]),
        (np.diag([0.7, 0.0]), np.diag([0.7, 0.0])),
    ],
)
def test_constant_noise(given, expected):
    sgd = SGD(0.2, 4.0, noise="constant", covariance=given, temperature=3.0).update(COUPLED)
    np.testing.assert_allclose(covariance(sgd, POINTS[0]), 0.04 * 3 / 4 * np.array(expected), atol=1e-15)
    sde = SDE(given, 0.01).update(COUPLED)
    np.testing.assert_allclose(covariance(sde, POINTS[0]), 2 * 0.01 * np.array(expected), atol=1e-15)


def test_langevin_steps():
    update = SGLD(0.02, 0.7).update(COUPLED)
    np.testing.assert_allclose(
        covariance(update, POINTS), np.broadcast_to(2 * 0.02 * 0.7 * np.eye(2), (40, 2, 2))
    )
    np.testing.assert_allclose(update.drift_at(POINTS), -0.02 * COUPLED.gradient(POINTS), rtol=1e-12)
    assert (update.unit, update.step, update.bridge) == ("steps", 0.02, False)


def test_one_dimensional_mean_and_spread():
    update = SGD(0.2, 0.5, noise="hessian", floor=0.2).update(double_well())
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    np.testing.assert_allclose(update.mean(x), x - 0.2 * (x**3 - x), rtol=1e-13)
    expected = 0.2 * np.sqrt(np.hypot(3 * x**2 - 1, 0.2) / 0.5)
    np.testing.assert_allclose(update.sd(x), expected, rtol=1e-13)
    assert (SGD(0.2, 1.0, noise="none").update(double_well()).sd(x) == 0).all()


# D = 0.05 (1 + x^2), D' = 0.1 x: the added drift of each convention (Gardiner, Stochastic Methods).
@pytest.mark.parametrize(
    ("convention", "share"), [("ito", 0.0), ("stratonovich", 0.5), ("haenggi_klimontovich", 1.0)]
)
def test_conventions_add_their_drift(convention, share):
    x = np.linspace(-2, 2, 9)
    for diffusion, slope in [
        ("0.05*(1 + x**2)", 0.1 * x),
        ("exp(x)/9", np.exp(x) / 9),
        ("2 + sin(3*x)", 3 * np.cos(3 * x)),
        (0.3, 0 * x),
    ]:
        update = SDE(diffusion, 0.01, convention=convention).update(double_well())
        np.testing.assert_allclose(update.mean(x) - x, 0.01 * (x - x**3 + share * slope), atol=1e-15)
        assert (update.unit, update.step, update.bridge) == ("time", 0.01, True)


def test_conventions_of_diagonal_diffusion():
    update = SDE(["1 + x**2*y**2", "exp(y) + x**2"], 0.01, convention="haenggi_klimontovich").update(COUPLED)
    x, y = POINTS.T
    added = np.stack([2 * x * y**2, np.exp(y)], axis=1)
    np.testing.assert_allclose(update.drift_at(POINTS), 0.01 * (added - COUPLED.gradient(POINTS)), atol=1e-13)


def test_conventions_of_a_limit():
    sgd = SGD(0.2, 0.5, noise="hessian", floor=0.2)
    x = np.linspace(-1.5, 1.5, 7)
    ito = SDE.limit_of(sgd, step=0.001).update(double_well())
    other = SDE.limit_of(sgd, step=0.001, convention="haenggi_klimontovich").update(double_well())
    diffusion = 0.2 / 0.5 / 2 * np.hypot(3 * x**2 - 1, 0.2)
    np.testing.assert_allclose(ito.sd(x), np.sqrt(2 * diffusion * 0.001), rtol=1e-12)
    slope = 0.2 / 0.5 / 2 * (3 * x**2 - 1) * 6 * x / np.hypot(3 * x**2 - 1, 0.2)
    np.testing.assert_allclose(other.mean(x) - ito.mean(x), 0.001 * slope, atol=1e-15)


RULES = [
    SGLD(0.05, 0.3),
    SGD(0.05, 0.4, noise="hessian", floor=0.1),
    SGD(0.05, 0.4, noise="hessian", floor=0.0),
    SGD(0.05, 0.4, noise="1 + x**2", temperature=2.0),
    SGD(0.05, 0.4, noise="constant", covariance=0.7),
    SGD(0.05, 0.4, noise="none"),
    SGLD(0.05, 0.0),
]


@pytest.mark.parametrize("rule", RULES)
def test_the_limit_without_bridge_is_the_rule_itself(rule):
    """At step = learning rate Euler-Maruyama takes the same steps to the bit, in another unit of time."""
    well, start = double_well(), np.full((50, 1), -0.8)
    limit = SDE.limit_of(rule, crossing="none").update(well)
    update = rule.update(well)
    assert (limit.unit, update.unit, limit.step) == ("time", "steps", 0.05)
    own = CpuEngine(update, threads=1).integrate(start, steps=40, seed=3)
    assert CpuEngine(limit, threads=1).integrate(start, steps=40, seed=3).tobytes() == own.tobytes()
    assert SDE.limit_of(rule).update(well).bridge == (update.noise_dim > 0)


SCALED = Potential("(k*x**2)**2/4 - k*x**2/2", parameters={"k": 1.0})


@pytest.mark.parametrize("k", [4.0, 2.5])
@pytest.mark.parametrize("kind", ["sgld", "sgd"])
def test_a_curvature_scale_is_a_learning_rate(k, kind):
    """N_k(eta, B) = N_1(k eta, B) path by path: x = sqrt(k) theta obeys the recursion with k eta.

    Start and exit are rescaled too, and the floor of |H| by k. Exact in real numbers; in floating point up to
    rounding, which moves no exit step of these paths, and to the bit for Langevin at a power of four.
    """
    eta = 0.02

    def dynamics(rate, scale):
        if kind == "sgld":
            return SGLD(rate, 0.3)
        return SGD(rate, 0.05, noise="hessian", floor=0.1 * scale)

    def run(scale, rate):
        landscape, start = SCALED.with_parameters(k=scale), np.array([-1 / np.sqrt(scale)])
        engine = CpuEngine(
            dynamics(rate, scale).update(landscape), resolve_exit("x >= 0", landscape, start), threads=1
        )
        return engine.first_passage(start, paths=400, max_steps=3000, seed=6)

    scaled, plain = run(k, eta), run(1.0, k * eta)
    assert plain.tally.events > 200
    assert scaled.steps.tolist() == plain.steps.tolist()
    np.testing.assert_allclose(np.sqrt(k) * scaled.state, plain.state, rtol=1e-9, atol=1e-9)
    if k == 4.0 and kind == "sgld":
        assert (2 * scaled.state).tobytes() == plain.state.tobytes()
    assert run(1.0, eta).steps.tolist() != plain.steps.tolist()


def test_parts_of_a_factorised_update():
    hill = styblinski_tang(dim=3)
    update = SGD(0.01, 1.0, noise="hessian", floor=0.1).update(hill)
    assert update.factorised
    x = np.random.default_rng(1).uniform(-3, 3, (5, 3))
    for i in range(3):
        part = update.coordinate(i)
        np.testing.assert_allclose(part.mean(x[:, i]), (x + update.drift_at(x))[:, i])
        np.testing.assert_allclose(part.sd(x[:, i]), update.factor_at(x)[:, i, i])
    assert not SGLD(0.01, 1.0).update(COUPLED).factorised
    assert not SGD(0.01, 1.0, noise="1 + x1**2 + x2**2").update(hill).factorised
    assert SGD(0.01, 1.0, noise="none").update(hill).factorised


def test_zero_noise_in_some_directions():
    update = SGD(0.1, 1.0, noise="constant", covariance=[1.0, 0.0]).update(COUPLED)
    moved = CpuEngine(update, threads=1).integrate(np.zeros((300, 2)), steps=1, seed=0)
    assert np.ptp(moved[:, 0]) > 0
    assert (moved[:, 1] == 0).all()
