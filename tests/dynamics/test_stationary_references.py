"""Stationary laws against exact values: by the linear recursion of moments, by quadrature, and by kernels.

Simulated averages are means over independent paths, each averaged over time, so that their standard errors
hold whatever the correlation within a path. They are compared at z = 4.5: a false alarm in 150 000
comparisons, and seeds are fixed. Each kind of check is shown to catch a wrong rule.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

from potentials import Potential
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine

Z = 4.5
LINE = Potential("h*x**2/2", parameters={"h": 2.0})
BOWL = Potential("(a*x**2 + 2*b*x*y + c*y**2)/2", parameters={"a": 3.0, "b": 1.0, "c": 2.0})
H = np.array([[3.0, 1.0], [1.0, 2.0]])
C = np.array([[1.0, 0.2], [0.2, 0.5]])


def averages(update, functions, *, burn_in, every, times, paths=20_000, seed=5):
    """Means and standard errors of functions of the coordinates, shape (len(functions), 2)."""
    engine = CpuEngine(update, threads=1)
    state = engine.integrate(
        update.at_rest(np.zeros((paths, update.dim))), steps=burn_in, seed=seed
    )  # fmt: skip
    sums = np.zeros((len(functions), paths))
    for k in range(times):
        state = engine.integrate(state, steps=every, seed=seed, first_step=burn_in + k * every)
        sums += [f(*state[:, : update.dim].T) for f in functions]
    per_path = sums / times
    return np.stack([per_path.mean(axis=1), per_path.std(axis=1, ddof=1) / np.sqrt(paths)], axis=1)


def agree(measured, exact, allowance=0.0):
    """Whether every average lies within Z standard errors, and an allowance, of its exact value."""
    return bool(np.all(np.abs(measured[:, 0] - exact) < Z * measured[:, 1] + allowance))


def square(x):
    return x * x


SECOND_MOMENTS = (lambda x, y: x * x, lambda x, y: x * y, lambda x, y: y * y)


def upper(matrix):
    """Entries 11, 12 and 22."""
    return matrix[np.triu_indices(2)]


def transition(update):
    """Matrices of a rule that is linear: x' = slope x + kick z on the whole state."""
    origin = np.zeros(update.state_dim)
    at_origin = update.advance(origin)
    slope = (update.advance(np.eye(update.state_dim)) - at_origin).T
    # By whole steps, because a kick may act through stages as well.
    normals = np.eye(update.noise_dim)
    origins = np.zeros((update.noise_dim, update.state_dim))
    return slope, (update.advance(origins, normals) - at_origin).T


def moments(update):
    """Stationary covariance of the state of a linear rule with additive noise, exactly."""
    slope, kick = transition(update)
    return solve_discrete_lyapunov(slope, kick @ kick.T)


def chain_average(update, points, weights, f):
    """Stationary mean of f under a 1-D Gaussian chain: its transfer operator by quadrature at `points`."""
    mean, sd = update.mean(points), update.sd(points)
    density = np.exp(-(((points[None, :] - mean[:, None]) / sd[:, None]) ** 2) / 2) / sd[:, None]
    operator = density * weights / np.sqrt(2 * np.pi)
    equations = operator.T - np.eye(len(points))
    equations[-1] = 1.0
    mass = np.linalg.solve(equations, np.eye(len(points))[-1])
    assert abs(operator.sum(axis=1)[len(points) // 2] - 1) < 1e-10
    return mass @ f(points)


def plain(momentum=0.0, covariance=0.5):
    return SGD(0.1, 1.0, noise="constant", covariance=covariance, momentum=momentum).update(LINE)


@cache
def measured_width(momentum, covariance=0.5):
    return averages(plain(momentum, covariance), [square], burn_in=400, every=100, times=10)


# h = 2, C = 0.5, eta = 0.1; the SDE has 0.0125 without momentum, and eta C / (2 h (1 - beta)) = 0.125 with.
@pytest.mark.parametrize(
    ("momentum", "variance", "of_the_sde"), [(0.0, 0.0138888888889, 0.0125), (0.9, 0.131944444444, 0.125)]
)
def test_width_of_the_discrete_rule(momentum, variance, of_the_sde):
    assert moments(plain(momentum))[0, 0] == pytest.approx(variance, rel=1e-11)
    assert agree(measured_width(momentum), variance)
    assert not agree(measured_width(momentum), of_the_sde)


def test_wrong_widths_are_caught():
    """Momentum that is ignored, and noise with twice its covariance."""
    assert not agree(measured_width(0.0), 0.131944444444)
    assert not agree(measured_width(0.0, 1.0), 0.0138888888889)
    assert not agree(measured_width(0.9, 0.25), 0.131944444444)


@given(
    h=st.floats(0.05, 20.0),
    share=st.floats(0.005, 0.97),
    momentum=st.floats(0.0, 0.97),
    covariance=st.floats(0.01, 50.0),
)
def test_heavy_ball_width_on_any_quadratic(h, share, momentum, covariance):
    """eta c (1 + beta) / (h (1 - beta) (2 (1 + beta) - eta h)), up to the limit eta h = 2 (1 + beta)."""
    eta = share * 2 * (1 + momentum) / h
    rule = SGD(eta, 1.0, noise="constant", covariance=covariance, momentum=momentum)
    found = moments(rule.update(LINE.with_parameters(h=h)))[0, 0]
    room = 2 * (1 + momentum) - eta * h
    expected = eta * covariance * (1 + momentum) / (h * (1 - momentum) * room)
    assert found == pytest.approx(expected, rel=1e-8)


DISCRETE = (0.0492727272727, -0.0000909090909, 0.0343636363636)
CONTINUOUS = (0.0348, -0.0044, 0.0272)
TWO_D = SGD(0.2, 1.0, noise="constant", covariance=C)


def test_width_of_sgd_in_two_dimensions():
    update = TWO_D.update(BOWL)
    np.testing.assert_allclose(upper(moments(update)), DISCRETE, atol=1e-13)
    found = averages(update, SECOND_MOMENTS, burn_in=200, every=20, times=20)
    assert agree(found, DISCRETE)
    assert not agree(found, CONTINUOUS)
    assert not agree(found, np.array(DISCRETE) * 2)


def test_width_of_the_sde_in_two_dimensions():
    """By the drift and noise of its law; by Heun's scheme, whose own width at this step is known as well."""
    law = SDE.limit_of(TWO_D).law(BOWL)
    slope, kick = transition(law)
    rate = (np.eye(2) - slope) / law.step
    np.testing.assert_allclose(
        upper(solve_continuous_lyapunov(rate, kick @ kick.T / law.step)), CONTINUOUS, atol=1e-14
    )
    whole, half = (SDE.limit_of(TWO_D, step=step, scheme="heun").update(BOWL) for step in (0.1, 0.05))
    bias, finer = (upper(moments(update)) - CONTINUOUS for update in (whole, half))
    np.testing.assert_allclose(bias / finer, 4.0, atol=0.5)
    found = averages(whole, SECOND_MOMENTS, burn_in=400, every=20, times=40)
    assert agree(found, CONTINUOUS + bias)
    assert agree(found, CONTINUOUS, abs(bias))
    assert not agree(found, DISCRETE, abs(bias))


def test_leimkuhler_matthews_loses_an_order_where_diffusion_and_curvature_do_not_commute():
    """Its width solves H S + S H = 2 D + dt (H S H - (H D + D H) / 2): with a number for D exact, by S = D
    H^-1, and else off by dt times the double commutator of H and S."""
    for step in (0.2, 0.01):
        number = SDE(0.3, step, scheme="leimkuhler_matthews").update(BOWL)
        np.testing.assert_allclose(moments(number)[:2, :2], 0.3 * np.linalg.inv(H), rtol=1e-11)
    gaps = [
        upper(moments(SDE(0.1 * C, step, scheme="leimkuhler_matthews").update(BOWL))[:2, :2]) - CONTINUOUS
        for step in (0.02, 0.01)
    ]
    np.testing.assert_allclose(gaps[0] / gaps[1], 2.0, atol=0.1)


@given(
    curvatures=st.tuples(st.floats(0.1, 3.0), st.floats(0.1, 3.0)),
    angle=st.floats(0.0, np.pi),
    share=st.floats(0.02, 0.95),
    batch=st.floats(0.5, 64.0),
)
def test_hessian_noise_makes_a_cloud(curvatures, angle, share, batch):
    """With C = H / B the cloud is eta / B (2 I - eta H)^-1, and eta / (2 B) I in the limit."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    hessian = turn @ np.diag(curvatures) @ turn.T
    bowl = BOWL.with_parameters(a=hessian[0, 0], b=hessian[0, 1], c=hessian[1, 1])
    eta = share * 2 / max(curvatures)
    rule = SGD(eta, batch, noise="hessian", floor=0)
    expected = eta / batch * np.linalg.inv(2 * np.eye(2) - eta * hessian)
    np.testing.assert_allclose(moments(rule.update(bowl)), expected, rtol=1e-7, atol=1e-9 * eta / batch)
    law = SDE.limit_of(rule).law(bowl)
    slope, kick = transition(law)
    limit = solve_continuous_lyapunov((np.eye(2) - slope), kick @ kick.T)
    np.testing.assert_allclose(limit, eta / (2 * batch) * np.eye(2), rtol=1e-7, atol=1e-9 * eta / batch)


def test_the_cloud_is_drawn():
    eta, batch = 0.4, 8.0
    found = averages(
        SGD(eta, batch, noise="hessian", floor=0).update(BOWL),
        SECOND_MOMENTS, burn_in=200, every=20, times=20,
    )  # fmt: skip
    cloud = eta / batch * np.linalg.inv(2 * np.eye(2) - eta * H)
    assert agree(found, upper(cloud))
    assert not agree(found, upper(eta / (2 * batch) * np.eye(2)))


@given(
    h=st.floats(0.05, 20.0),
    share=st.floats(0.02, 0.95),
    friction=st.floats(0.05, 20.0),
    heat=st.floats(0.01, 5),
)
def test_two_schemes_have_the_exact_width_at_any_step(h, share, friction, heat):
    """D / h, up to the limits h dt = 2 of Leimkuhler and Matthews and h dt^2 = 4 of BAOAB."""
    line = LINE.with_parameters(h=h)
    limit = SDE(heat, share * 2 / h, scheme="leimkuhler_matthews").update(line)
    assert moments(limit)[0, 0] == pytest.approx(heat / h, rel=1e-8)
    dt = share * 2 / np.sqrt(h)
    damped = moments(SDE(heat, dt, scheme="baoab", friction=friction).update(line))
    assert damped[0, 0] == pytest.approx(heat / h, rel=1e-7)
    # The memory lacks half a kick of the force, and velocities are narrower by h dt^2 / 4 (equipartition of
    # the splitting's own energy).
    whole = np.array([-dt / 2 * h, 1.0])
    assert whole @ damped @ whole == pytest.approx(heat * (1 - h * dt**2 / 4), rel=1e-7)
    euler = moments(SDE(heat, share * 2 / h).update(line))[0, 0]
    assert euler == pytest.approx(heat / h / (1 - share), rel=1e-8)


def test_baoab_is_drawn():
    update = SDE(0.5, 0.8, scheme="baoab", friction=1.0).update(LINE)
    found = averages(update, [square], burn_in=200, every=20, times=20)
    assert agree(found, 0.25)
    assert not agree(found, 0.5 / 2 / (1 - 2 * 0.8**2 / 4))


# D = 0.1 (1 + 2 x^2) on x^2 / 2 has the density (1 + 2 x^2)^-q with q = 7/2, 3, 5/2, of variance
# 1 / (2 (2 q - 3)). Tails fall as |x|^-2q: squares of the last have no variance, so kernels are compared by a
# bounded function, E 1 / (1 + 2 x^2) = (q - 1/2) / q.
WIDENING = {"ito": 3.5, "stratonovich": 3.0, "haenggi_klimontovich": 2.5}
HARMONIC = Potential("x**2/2")


def narrow(x):
    return 1 / (1 + 2 * x * x)


def widening(convention, step, scheme="euler_maruyama"):
    return SDE("0.1*(1 + 2*x**2)", step, convention=convention, scheme=scheme).update(HARMONIC)


def widening_average(convention, step):
    # Equal steps of u, in which the noise is as wide everywhere: x = sinh(u).
    u = np.linspace(-5.5, 5.5, 1001)
    points, weights = np.sinh(u) / np.sqrt(2), np.cosh(u) / np.sqrt(2) * (u[1] - u[0])
    return chain_average(widening(convention, step), points, weights, narrow)


@pytest.mark.parametrize("convention", WIDENING)
def test_conventions_have_their_stationary_laws(convention):
    """The chain's own mean by quadrature; its distance from that of the equation is of order 1."""
    q = WIDENING[convention]
    exact = (q - 0.5) / q
    chain = widening_average(convention, 0.02)
    bias, half = chain - exact, widening_average(convention, 0.01) - exact
    assert bias / half == pytest.approx(2.0, abs=0.05)
    found = averages(widening(convention, 0.02), [narrow], burn_in=1000, every=40, times=40, paths=8000)
    assert agree(found, chain)
    assert agree(found, exact, abs(bias))
    for other, index in WIDENING.items():
        assert agree(found, (index - 0.5) / index, abs(bias)) == (other == convention)


@pytest.mark.parametrize(
    ("convention", "variance"), [("ito", 1 / 8), ("stratonovich", 1 / 6), ("haenggi_klimontovich", 1 / 4)]
)
def test_conventions_have_their_variances(convention, variance):
    """The chain's variance m solves m = (1 - a dt)^2 m + 0.2 dt (1 + 2 m), with a the slope of its drift."""
    for step in (1e-2, 1e-5):
        update = widening(convention, step)
        (slope,) = update.mean(np.array([1.0]))
        spread = update.sd(np.array([0.0, 1.0])) ** 2
        found = spread[0] / (1 - slope**2 - (spread[1] - spread[0]))
        assert found == pytest.approx(variance, rel=1.0 * step)


def test_heun_keeps_the_stratonovich_law():
    """Its bias at this step is taken from two runs: three times the change on halving, of order 1 or more."""
    exact = 2.5 / 3
    whole, half = (
        averages(
            widening("stratonovich", step, "heun"),
            [narrow], burn_in=round(20 / step), every=round(1 / step), times=20, paths=8000, seed=seed,
        )
        for step, seed in ((0.1, 1), (0.05, 2))
    )  # fmt: skip
    change = abs(whole[0, 0] - half[0, 0]) + Z * np.hypot(whole[0, 1], half[0, 1])
    assert agree(half, exact, change)
    assert change < 0.005
    assert not agree(half, 3.0 / 3.5, change)


# V = x^2/2 + cos(2 x)/2 at D = 1/2 and eta = 1/5: E x^2 of the chain and of Gibbs.
WAVES = Potential("x**2/2 + cos(2*x)/2")
OF_CHAIN, OF_GIBBS = 0.967676449831, 0.963019153655


def waves_average(eta):
    points = np.linspace(-8, 8, round(100 / np.sqrt(eta)))
    return chain_average(SGLD(eta, 0.5).update(WAVES), points, points[1] - points[0], square)


def mean_square(density):
    weight, second = (quad(lambda x, p=p: x**p * density(x), -9, 9, epsabs=1e-13)[0] for p in (0, 2))
    return second / weight


def test_a_langevin_chain_is_not_gibbs():
    assert waves_average(0.2) == pytest.approx(OF_CHAIN, rel=1e-11)
    assert mean_square(lambda x: np.exp(-(x * x + np.cos(2 * x)))) == pytest.approx(OF_GIBBS, rel=1e-11)
    found = averages(SGLD(0.2, 0.5).update(WAVES), [square], burn_in=200, every=6, times=250, paths=50_000)
    assert agree(found, OF_CHAIN)
    assert not agree(found, OF_GIBBS)


def test_the_density_of_a_chain_to_first_order_in_its_step():
    """exp(-L/D + eta |L'|^2 / (4 D) - eta L'' / 2) leaves an error of order eta^2, Gibbs of order eta."""

    def corrected(eta):
        def density(x):
            slope, bend = x - np.sin(2 * x), 1 - 2 * np.cos(2 * x)
            return np.exp(-(x * x + np.cos(2 * x)) + eta * (slope**2 - bend) / 2)

        return mean_square(density)

    chain = np.array([waves_average(eta) for eta in (0.02, 0.01)])
    gap = chain - [corrected(eta) for eta in (0.02, 0.01)]
    assert gap[0] / gap[1] == pytest.approx(4.0, abs=0.1)
    assert np.all(abs(gap) < abs(chain - OF_GIBBS))
