"""Drifts without potential: the formula against exact solutions of the backward equation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import DriftField, Potential, double_well, maier_stein
from simdyn import theory
from simdyn.dynamics import SDE, SGLD
from simdyn.errors import InputError
from simdyn.exact import escape_time

TURNING = DriftField(["-(x**3 - x) + 2*y", "-2*y - (x**3 - x)"])
"""V = (x^2 - 1)^2 / 4 + y^2 with l = (V_y, -V_x), which has no divergence."""

V = Potential("(x**2 - 1)**2/4 + y**2", variables=["x", "y"])

SPREADING = DriftField(["x - x**3 + 2*y*(1 + x)", "-2*y + (x - x**3)*(1 + x)"])
"""The same V with l = (1 + x) (V_y, -V_x), whose divergence is V_y = 2 y."""


def chebyshev(n, low, high):
    """Nodes and the matrix of the derivative."""
    k = np.arange(n + 1)
    x = np.cos(np.pi * k / n)
    c = np.where((k == 0) | (k == n), 2.0, 1.0) * (-1.0) ** k
    gap = x[:, None] - x[None] + np.eye(n + 1)
    d = np.outer(c, 1 / c) / gap
    d -= np.diag(d.sum(1))
    return low + (high - low) * (x + 1) / 2, d * 2 / (high - low)


def exact_time(field, noise, n=44, m=30):
    """From (-1, 0) to x = 1: the backward equation by collocation, no slope at the far ends.

    The box is as wide as the law: what it cuts off is below 1e-8 of the answer.
    """
    width = np.sqrt(noise / 0.1)
    x, dx = chebyshev(n, -1 - 1.3 * width, 1.0)
    y, dy = chebyshev(m, -1.9 * width, 1.9 * width)
    one_x, one_y = np.eye(n + 1), np.eye(m + 1)
    along, across = np.kron(dx, one_y), np.kron(one_x, dy)
    points = np.stack([a.ravel() for a in np.meshgrid(x, y, indexing="ij")], axis=-1)
    drift = field.drift(points)
    operator = noise * (along @ along + across @ across)
    operator += drift[:, :1] * along + drift[:, 1:] * across
    right = -np.ones(len(points))
    for edge, rows in (
        (np.isin(points[:, 1], y[[0, -1]]), across),
        (points[:, 0] == x[-1], along),
        (points[:, 0] == x[0], np.eye(len(points))),
    ):
        operator[edge], right[edge] = rows[edge], 0.0
    u = np.linalg.solve(operator, right).reshape(n + 1, m + 1)

    def weights(nodes, at):
        k = np.arange(len(nodes))
        w = (-1.0) ** k * np.where((k == 0) | (k == len(nodes) - 1), 0.5, 1.0) / (at - nodes)
        return w / w.sum()

    return float(weights(x, -1.0 + 1e-12) @ u @ weights(y, 1e-12))


def test_published_value():
    found = theory.bouchet_reygner(TURNING, SDE(0.1, 0.01), [-1, 0], "x >= 1")
    assert found.value == pytest.approx(34.6612641713, rel=1e-10)
    assert not found.valid
    # From 36 x 26 to 44 x 30 polynomials the solution moves by 1.5e-4, and by a tenth of that further on.
    assert exact_time(TURNING, 0.1) == pytest.approx(40.5973427, rel=3e-5)


@pytest.mark.parametrize("field", [TURNING, SPREADING], ids=["turning", "spreading"])
def test_exact_times_are_approached_in_proportion_to_the_noise(field):
    gaps = []
    for noise in (0.08, 0.06):
        found = theory.bouchet_reygner(field, SDE(noise, 0.01), [-1, 0], "x >= 1")
        assert found.valid
        gaps.append(exact_time(field, noise) / found.value - 1)
    assert 0.02 < gaps[1] < 0.12
    assert gaps[1] / gaps[0] == pytest.approx(0.75, abs=0.05)


def test_the_divergence_counts():
    """int div l dt along the way up; without it the formula would miss by its factor."""
    with_it = theory.bouchet_reygner(SPREADING, SDE(0.03, 0.01), [-1, 0], "x >= 1").value
    hessian = [V.hessian(np.array(p)) for p in ((-1.0, 0.0), (0.0, 0.0))]
    unstable = np.linalg.eigvals(SPREADING.jacobian(np.array([0.0, 0.0]))).real.max()
    without = theory.bouchet_reygner_time(0.25, *hessian, unstable, 0.03).value
    assert abs(np.log(with_it / without)) > 0.2


def test_quasi_potentials_that_are_polynomials():
    for field in (TURNING, SPREADING):
        found = theory.polynomial_quasi_potential(field, np.array([-1.0, 0.0]))
        points = np.random.default_rng(1).normal(size=(20, 2))
        assert found.energy(points) == pytest.approx(V.energy(points), rel=1e-9, abs=1e-10)
    turned = DriftField(["-x - 2*y", "2*x - 3*y"])
    linear = theory.polynomial_quasi_potential(turned, np.zeros(2))
    sigma = theory.ou_covariance([[1.0, 2.0], [-2.0, 3.0]], np.eye(2)).value
    assert linear.hessian(np.zeros(2)) == pytest.approx(np.linalg.inv(sigma), rel=1e-12)
    with pytest.raises(InputError, match="no polynomial"):
        theory.polynomial_quasi_potential(maier_stein(alpha=3.0), np.array([-1.0, 0.0]))
    wide = DriftField([f"-x{i} + x{(i + 1) % 12}**3/100" for i in range(12)])
    with pytest.raises(InputError, match="1,365 terms"):
        theory.polynomial_quasi_potential(wide, np.zeros(12))
    with pytest.raises(InputError, match="no attractor"):
        theory.polynomial_quasi_potential(TURNING, np.zeros(2))


def test_maier_stein_at_alpha_mu_is_a_gradient():
    """alpha = mu = 1: b = -grad V with V(0) - V(-1, 0) = 1/4, so W = 2 dV = 1/2."""
    found = theory.polynomial_quasi_potential(maier_stein(), np.array([-1.0, 0.0]))
    assert 2 * found.energy(np.zeros(2)) == pytest.approx(0.5, rel=1e-10)


@given(turning=st.floats(0.0, 3.0))
def test_turning_without_divergence_only_accelerates(turning):
    a, b = np.diag([2.0, 2.0]), np.diag([-1.0, 2.0])
    turn = np.eye(2) + turning * np.array([[0.0, 1.0], [-1.0, 0.0]])
    growth = np.linalg.eigvals(-turn @ b).real.max()
    found = theory.bouchet_reygner_time(0.25, a, b, growth, 0.05)
    assert found.value <= theory.eyring_kramers_time(0.25, a, b, 0.05).value * (1 + 1e-12)
    # The same in Langer's form, where the turning part belongs to the mobility.
    assert found.value == pytest.approx(theory.langer_time(0.25, a, b, turn, 0.05).value, rel=1e-12)


def test_hits_and_steps_and_gradients():
    hit = theory.bouchet_reygner(TURNING, SDE(0.05, 0.01), [-1, 0], BORDER)
    assert hit.valid
    commit = theory.bouchet_reygner(TURNING, SDE(0.05, 0.01), [-1, 0], "x >= 1")
    assert hit.value == pytest.approx(commit.value / 2, rel=1e-12)
    steps = theory.bouchet_reygner(TURNING, SGLD(0.02, 0.05), [-1, 0], "x >= 1")
    assert steps.value == pytest.approx(commit.value / 0.02, rel=1e-12)
    gradient = DriftField(["x - x**3", "-2*y"])
    plain = theory.bouchet_reygner(gradient, SDE(0.05, 0.01), [-1, 0], "x >= 1")
    assert plain.value == pytest.approx(theory.kramers_time(0.25, 2.0, 1.0, 0.05).value, rel=1e-9)


BORDER = f"x + {(17**0.5 - 3) / 2}*y >= 0"
"""Through the saddle of TURNING, normal to the left eigenvector of [[1, 2], [1, -2]] for lambda_+."""


def test_only_the_border_between_the_basins_halves_the_time():
    """Across another line through the saddle the odds are not even, at any noise."""
    gaps = []
    for exit in (BORDER, "x >= 0"):
        found = theory.bouchet_reygner(TURNING, SDE(0.06, 0.01), [-1, 0], exit)
        exact = escape_time(TURNING, SDE(0.06, 0.01), [-1, 0], exit)
        gaps.append(exact.value / found.value - 1)
        assert found.valid == (exit == BORDER)
    # On the border what is left is of order D, as for commitment (0.08 at most); beside it three times that.
    assert 0 < gaps[0] < 0.1 < 0.25 < gaps[1]
    assert "not the border between the basins" in found.why


@pytest.mark.parametrize(
    ("field", "dynamics", "exit", "options", "text"),
    [
        (TURNING, SDE("0.05*(1 + x**2)", 0.01), "x >= 1", {}, "constant noise"),
        (TURNING, SDE([0.05, 0.1], 0.01), "x >= 1", {}, "same in all directions"),
        (TURNING, SDE(0.05, 0.01), "x >= 0.5", {}, "neither at the saddle"),
        (
            TURNING,
            SDE(0.05, 0.01),
            "x >= 1",
            {"quasi_potential": Potential("x**4/4 - x**2/2 + 2*y**2")},
            "V is",
        ),
        (double_well(), SDE(0.05, 0.01), "x >= 1", {}, "for drift fields"),
    ],
)
def test_problems_that_it_is_not_about(field, dynamics, exit, options, text):
    start = [-1.0, 0.0] if isinstance(field, DriftField) else "x=-1"
    with pytest.raises(InputError, match=text):
        theory.bouchet_reygner(field, dynamics, start, exit, **options)
