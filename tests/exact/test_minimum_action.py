"""Least actions against barriers, published values and limits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import (
    DriftField,
    Potential,
    double_well,
    maier_stein,
    muller_brown,
    shifted_styblinski_tang,
    shifted_styblinski_tang_covariance,
    styblinski_tang,
)
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import NoReference, escape_time, minimum_action


@pytest.mark.parametrize(("alpha", "action"), [(1.0, 0.5), (4.0, 0.5), (10.0, 0.3400414032)])
def test_maier_stein(alpha, action):
    found = minimum_action(maier_stein(alpha), SDE(0.5, 0.01), [-1.0, 0.0], [0.0, 0.0])
    assert found.value == pytest.approx(action, rel=1e-8)
    assert abs(found.value - action) < found.error
    assert found.error < 1e-6
    assert found.path.shape == (257, 2)
    height = np.abs(found.path[:, 1]).max()
    assert (height > 0.2) == (alpha > 4), "the optimal path leaves the axis above alpha = 4"


def test_a_gradient_system_costs_its_barrier():
    hills = muller_brown()
    bottom = hills.minima()[0]
    saddle = hills.saddles(bottom)[0]
    barrier = saddle.energy - bottom.energy
    assert minimum_action(hills, SDE(1.0, 1e-4), bottom, saddle).value == pytest.approx(barrier, rel=1e-7)
    # By the convention of Freidlin and Wentzell, twice the barrier.
    whole = minimum_action(hills, SDE(0.5, 1e-4), "deepest", saddle)
    assert whole.value == pytest.approx(2 * barrier, rel=1e-7)
    # All along the path the force is parallel to it.
    tangent = np.gradient(whole.path, axis=0)[20:-20]
    force = hills.gradient(whole.path[20:-20])
    cosine = (
        np.abs((tangent * force).sum(1)) / np.linalg.norm(tangent, axis=1) / np.linalg.norm(force, axis=1)
    )
    assert cosine.min() > 0.999


def test_the_way_down_is_free():
    down = minimum_action(double_well(), SDE(0.1, 0.01), 0.1, 1.0)
    assert down.value == 0
    over = minimum_action(double_well(), SDE(0.1, 0.01), -1.0, 1.0)
    assert over.value == pytest.approx(2.5, rel=1e-9)
    field = maier_stein(1.0)
    assert minimum_action(field, SDE(0.5, 0.01), [0.1, 0.0], [0.9, 0.0]).value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("exponent", [1, 2])
def test_state_dependent_noise_on_a_line(exponent):
    """int L'/D for D = 0.05 (1 + x^2)^n, in closed form by partial fractions."""
    found = minimum_action(double_well(), SDE(f"0.05*(1 + x**2)**{exponent}", 0.01), -1.0, 0.0)
    # With u = x^2: 20/2 int_0^1 (1 - u)/(1 + u)^n du.
    exact = 10 * (2 * math.log(2) - 1 if exponent == 1 else 1 - math.log(2))
    assert found.value == pytest.approx(exact, rel=1e-10)


def test_state_dependent_noise_in_the_plane():
    """The same landscape beside an independent bowl: the path stays on the axis."""
    both = Potential("x**4/4 - x**2/2 + y**2")
    found = minimum_action(both, SDE(["0.05*(1 + x**2)", "0.1"], 0.01), [-1.0, 0.0], [0.0, 0.0])
    assert found.value == pytest.approx(10 * (2 * math.log(2) - 1), rel=1e-8)


def test_constant_anisotropic_noise_is_another_metric():
    """x -> A x with D = A A^T leaves the action alone."""
    matrix = np.array([[1.0, 0.4], [-0.3, 0.8]])
    inverse = np.linalg.inv(matrix)
    x, y = (f"({inverse[i, 0]}*u + {inverse[i, 1]}*v)" for i in range(2))
    bx, by = f"({x} - {x}**3 - 10*{x}*{y}**2)", f"(-(1 + {x}**2)*{y})"
    sheared = DriftField(
        [f"{matrix[i, 0]}*{bx} + {matrix[i, 1]}*{by}" for i in range(2)], variables=["u", "v"]
    )
    found = minimum_action(
        sheared, SDE((0.5 * matrix @ matrix.T).tolist(), 0.01), matrix @ [-1.0, 0.0], [0.0, 0.0]
    )
    assert found.value == pytest.approx(0.3400414032, rel=1e-7)


def test_six_dimensions():
    """A chain of bowls beside a double well, rotated: only the double well costs anything."""
    rng = np.random.default_rng(3)
    rotation, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    names = [f"x{i}" for i in range(1, 7)]
    rows = ["(" + " + ".join(f"({a})*{n}" for a, n in zip(row, names, strict=True)) + ")" for row in rotation]
    energy = f"{rows[0]}**4/4 - {rows[0]}**2/2 + " + " + ".join(f"{i}*{rows[i]}**2" for i in range(1, 6))
    found = minimum_action(Potential(energy, variables=names), SDE(0.1, 0.01), -rotation[0], np.zeros(6))
    assert found.value == pytest.approx(2.5, rel=1e-7)


CURVATURE = [(0.2, 2.71753034545), (0.1, 10.4593499820), (0.05, 28.4723626311)]


@pytest.mark.parametrize(("eta", "action"), CURVATURE)
def test_hops_over_the_point_without_noise(eta, action):
    noise = SGD(eta, 1.0, noise="hessian", floor=0.0)
    found = minimum_action(double_well(), noise, -1.0, 0.0)
    assert found.value == pytest.approx(action, rel=1e-9)
    assert abs(found.value - action) <= found.error + 1e-10
    half = minimum_action(double_well(), SGD(eta, 0.5, noise="hessian", floor=0.0), -1.0, 0.0)
    assert half.value == pytest.approx(action / 2, rel=1e-9)
    # Large steps climb the outer wall first.
    assert (found.path.min() < -1.1) == (eta >= 0.2)


@pytest.mark.parametrize(
    ("eta", "scaled"),
    [(0.4, 0.219), (0.2, 0.544), (0.1, 1.046), (0.05, 1.424), (0.025, 1.757), (0.00625, 2.389)],
)
def test_rounded_published_actions(eta, scaled):
    found = minimum_action(double_well(), SGD(eta, 1.0, noise="hessian", floor=0.0), -1.0, 0.0)
    assert found.value * eta == pytest.approx(scaled, abs=6e-4)


@pytest.mark.parametrize(("eta", "scaled"), [(0.02, 2.451), (0.01, 5.806), (0.005, 10.433), (0.0025, 13.782)])
def test_styblinski_tang(eta, scaled):
    well = styblinski_tang(1)
    found = minimum_action(
        well, SGD(eta, 1.0, noise="hessian", floor=0.0), "deepest", well.saddles(well.deepest())[0]
    )
    assert found.value * eta == pytest.approx(scaled, abs=6e-4)


def test_noise_of_shifted_samples():
    """Where the samples of Styblinski and Tang's function are shifted: the published exponent of B / eta."""
    well = shifted_styblinski_tang(1)
    bottom = well.minimum_below([-2.3])
    noise = SDE(f"({shifted_styblinski_tang_covariance(1)[0]})/2", 0.01)
    found = minimum_action(well, noise, bottom, well.saddles(bottom)[0])
    assert found.value == pytest.approx(0.24238, abs=5e-6)


def test_constant_noise_and_the_limit_of_small_steps():
    plain = {"noise": "constant", "covariance": 1.0}
    found = minimum_action(double_well(), SGD(0.1, 1.0, **plain), -1.0, 0.0)
    assert found.value == pytest.approx(4.99572894424, rel=1e-9)
    # The exponent of the chain differs from that of the SDE in second order.
    gaps = [
        1 - eta * minimum_action(double_well(), SGD(eta, 1.0, **plain), -1.0, 0.0).value / 0.5
        for eta in (0.1, 0.05)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(4.0, rel=0.1)


def test_a_chain_in_the_plane():
    """An independent bowl costs nothing; a rotation does not matter."""
    both = Potential("x**4/4 - x**2/2 + y**2")
    turned = Potential("((3*x + 4*y)/5)**4/4 - ((3*x + 4*y)/5)**2/2 + ((3*y - 4*x)/5)**2")
    rule = SGLD(0.1, 0.05)
    for landscape, start in ((both, [-1.0, 0.0]), (turned, [-0.6, -0.8])):
        found = minimum_action(landscape, rule, start, [0.0, 0.0])
        assert found.value == pytest.approx(4.99572894424, rel=1e-8)
        assert found.path.shape[1] == 2


def test_the_action_is_the_slope_of_exact_times():
    """log N at three batch sizes, whose second difference removes the logarithm of the prefactor."""
    rule = {"learning_rate": 0.2, "noise": "hessian", "floor": 0.0}
    action = minimum_action(double_well(), SGD(batch_size=1.0, **rule), -1.0, 0.0).value
    batches = np.array([20.0, 40.0, 80.0])
    logs = [
        math.log(escape_time(double_well(), SGD(batch_size=b, **rule), -1.0, "x >= 0").value) for b in batches
    ]
    slopes = np.diff(logs) / np.diff(batches)
    # log N = B S + p log B + c: eliminate p.
    ratio = np.diff(np.log(batches)) / np.diff(batches)
    slope = slopes[1] - ratio[1] * (slopes[0] - slopes[1]) / (ratio[0] - ratio[1])
    assert slope == pytest.approx(action, rel=3e-3)


@settings(max_examples=6)
@given(
    angle=st.floats(1e-3, 6.28),
    curl=st.floats(1e-3, 1.5),
    noise=st.floats(0.05, 2.0),
    width=st.floats(0.5, 3.0),
)
def test_rotated_transverse_decompositions(angle, curl, noise, width):
    """b = -grad V + curl times its rotation: V is the quasi-potential, whatever the curl and the axes.

    Where the path winds around the start the polygon converges more slowly, and the error has to say so.
    """
    c, s = math.cos(angle), math.sin(angle)
    x, y = f"({c}*u + {s}*v)", f"({c}*v - {s}*u)"
    vx, vy = f"({x}**3 - {x})", f"({width}*{y})"
    bx, by = f"(-{vx} + {curl}*{vy})", f"(-{vy} - {curl}*{vx})"
    field = DriftField([f"{c}*{bx} - {s}*{by}", f"{s}*{bx} + {c}*{by}"], variables=["u", "v"])
    found = minimum_action(field, SDE(noise, 0.01), [-c, -s], [0.0, 0.0])
    assert abs(found.value - 0.25 / noise) <= found.error
    assert found.error < 2e-3 / noise
    if curl < 0.3:
        assert found.error < 2e-5 / noise


@pytest.mark.parametrize(
    ("potential", "dynamics", "start", "end", "text"),
    [
        (double_well(), SDE(0.1, 0.01), -1.0, -1.0, "same point"),
        (double_well(), SGLD(0.1, 0.0), -1.0, 0.0, "no noise"),
        (double_well(), SDE.limit_of(SGD(0.1, 1.0, noise="hessian", floor=0.0)), -1.0, 0.0, "noise vanishes"),
        (double_well(), SGLD(0.1, 0.1, momentum=0.9), -1.0, 0.0, "velocities"),
    ],
)
def test_what_cannot_be_done_says_why(potential, dynamics, start, end, text):
    with pytest.raises(InputError, match=text):
        minimum_action(potential, dynamics, start, end)
    assert issubclass(NoReference, InputError)
