"""Kramers' formula: published numbers, its order of accuracy, its limits."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import Potential, double_well, styblinski_tang, symbol, tilted_well
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import escape_time
from simdyn.theory import finite_learning_rate, kramers, predictions

WELL = double_well()
STEP = 0.01


def test_published_values():
    leading = kramers(WELL, SDE(0.05, STEP), "x=-1", "x >= 1")
    corrected = kramers(WELL, SDE(0.05, STEP), "x=-1", "x >= 1", order=1)
    assert leading.value == pytest.approx(659.382292375, rel=1e-11)
    assert corrected.value == pytest.approx(708.835964303, rel=1e-11)
    tang = kramers(styblinski_tang(1), SDE(5.0, STEP), "deepest", "commit")
    assert tang.value == pytest.approx(704.074075513, rel=1e-11)
    assert leading.valid
    assert leading.unit == "time"


def noise_that_jumps():
    x = symbol("x")
    return sympy.Piecewise((sympy.Float(0.05), sympy.Abs(x) < 3**-0.5), (sympy.Float(0.1), True))


def test_noise_in_two_pieces():
    """With D proportional to the curvature at both ends: 2 pi / H_a exp(Phi) for Ito noise."""
    prediction = kramers(WELL, SDE(noise_that_jumps(), STEP), "x=-1", "x >= 1")
    assert prediction.value == pytest.approx(153.487445397, rel=1e-10)
    exact = escape_time(WELL, SDE(noise_that_jumps(), STEP), "x=-1", "x >= 1")
    assert exact.value == pytest.approx(185.196021815, rel=1e-11)


def test_steep_noise_in_the_other_convention():
    """Two pieces joined ever more steeply: 2 pi / |H_b| exp(Phi) in the Haenggi-Klimontovich convention."""
    values = []
    for width in (0.02, 0.01):
        joined = SDE(f"0.075 + 0.025*tanh((x**2 - 1/3)/{width})", STEP, convention="haenggi_klimontovich")
        values.append(kramers(WELL, joined, "x=-1", "x >= 1").value)
    # The gap is proportional to the width, up to its square.
    assert 2 * values[1] - values[0] == pytest.approx(306.974890794, rel=1e-3)


def orders(potential, start, exit, noises, order, dynamics):
    """Powers of D with which the gap between prediction and exact value shrinks."""
    gaps = []
    for noise in noises:
        exact = escape_time(potential, dynamics(noise), start, exit)
        gaps.append(
            abs(exact.value / kramers(potential, dynamics(noise), start, exit, order=order).value - 1)
        )
    return np.diff(np.log(gaps)) / np.diff(np.log(noises))


@pytest.mark.parametrize(
    ("exit", "order", "power"),
    [("commit", 0, 1.0), ("commit", 1, 2.0), ("valley", 0, 0.5), ("valley", 1, 1.5)],
)
def test_order_of_accuracy(exit, order, power):
    """From the shallow well of a tilted landscape: a skewed saddle gives hits their half powers."""
    noises = np.array([4e-4, 2e-4, 1e-4])
    found = orders(tilted_well(tilt=0.3), "x=-0.8", exit, noises, order, lambda noise: SDE(noise, STEP))
    assert found[-1] == pytest.approx(power, abs=0.12)


@pytest.mark.parametrize("convention", ["ito", "stratonovich", "haenggi_klimontovich"])
def test_varying_noise_is_right_to_leading_order_in_each_convention(convention):
    def dynamics(noise):
        return SDE(f"{noise}*(1 + x**2)", STEP, convention=convention)

    found = orders(WELL, "x=-1", "commit", np.array([0.008, 0.004, 0.002]), 0, dynamics)
    assert found == pytest.approx([1.0, 1.0], abs=0.15)


def test_conventions_are_not_exchangeable():
    values = [
        kramers(WELL, SDE("0.02*(1+x**2)", STEP, convention=c), "x=-1", "commit").value
        for c in ("ito", "stratonovich", "haenggi_klimontovich")
    ]
    # D_b / D_a = 1/2.
    assert values[1] / values[0] == pytest.approx(math.sqrt(2), rel=1e-12)
    assert values[2] / values[0] == pytest.approx(2, rel=1e-12)


@settings(max_examples=20)
@given(noise=st.floats(0.02, 0.08), k=st.floats(0.3, 3.0))
def test_hits_are_half_and_time_scales_with_curvature(noise, k):
    hit = kramers(double_well(k=k), SDE(noise, STEP), "deepest", "valley")
    commit = kramers(double_well(k=k), SDE(noise, STEP), "deepest", "commit")
    plain = kramers(WELL, SDE(noise, STEP), "deepest", "commit")
    assert hit.value == pytest.approx(commit.value / 2, rel=1e-12)
    assert commit.value * k == pytest.approx(plain.value, rel=1e-9)


def test_rates_add():
    one = kramers(styblinski_tang(1), SDE(5.0, STEP), "deepest", "valley")
    ten = kramers(styblinski_tang(10), SDE(5.0, STEP), "deepest", "valley")
    assert ten.value == pytest.approx(one.value / 10, rel=1e-12)
    middle = Potential("cos(x)", domain=(-10, 10))
    both = kramers(middle, SDE(0.2, STEP), f"x={math.pi}", "valley")
    assert both.value == pytest.approx(math.pi / 2 * math.exp(10), rel=1e-10)


def test_steps_are_time_over_the_learning_rate():
    time = kramers(WELL, SDE(0.05, STEP), "x=-1", "commit")
    steps = kramers(WELL, SGLD(0.02, 0.05), "x=-1", "commit")
    assert steps.value == pytest.approx(time.value / 0.02, rel=1e-12)
    assert steps.unit == "steps"


def test_low_barriers_are_outside_its_validity():
    prediction = kramers(WELL, SDE(1.5, STEP), "x=-1", "commit")
    exact = escape_time(WELL, SDE(1.5, STEP), "x=-1", "commit")
    assert not prediction.valid
    assert "Barrier over noise is 0.17" in prediction.why
    assert abs(exact.value / prediction.value - 1) > 0.2


def test_a_start_high_in_the_valley_is_outside_its_validity():
    prediction = kramers(WELL, SDE(0.05, STEP), "x=-0.2", "x >= 0")
    exact = escape_time(WELL, SDE(0.05, STEP), "x=-0.2", "x >= 0")
    assert not prediction.valid
    assert "start" in prediction.why
    assert exact.value / prediction.value < 0.8


def test_large_steps_are_outside_its_validity():
    prediction = kramers(WELL, SGLD(0.6, 0.03), "x=-1", "valley")
    exact = escape_time(WELL, SGLD(0.6, 0.03), "x=-1", "valley")
    assert not prediction.valid
    assert "learning rate" in prediction.why
    assert abs(exact.value / prediction.value - 1) > 0.2


def test_varying_noise_in_large_steps_is_outside_its_validity():
    sgd = SGD(0.2, 1.0, noise="hessian", floor=0.1)
    prediction = kramers(WELL, sgd, "x=-1", "valley")
    exact = escape_time(WELL, sgd, "x=-1", "valley")
    assert not prediction.valid
    assert "single step" in prediction.why
    assert exact.value / prediction.value < 0.1


@pytest.mark.parametrize(
    ("potential", "dynamics", "exit", "text"),
    [
        (WELL, SDE(0.05, STEP), "x >= 0.4", "neither at the saddle"),
        (Potential("cos(x)"), SDE(0.1, STEP), "x >= 2*3.14159265358979", "second rim"),
        (Potential("x**4/4 - x**2/2 + (y - x**2)**2"), SDE(0.05, STEP), "valley", "independent"),
    ],
)
def test_problems_that_it_is_not_about(potential, dynamics, exit, text):
    with pytest.raises(InputError, match=text):
        kramers(potential, dynamics, "deepest", exit)


@pytest.mark.parametrize(
    ("potential", "dynamics", "value", "text"),
    [
        (WELL, SGD(0.1, 1.0, noise="none"), np.inf, "no noise"),
        (WELL, SDE.limit_of(SGD(0.1, 1.0, noise="hessian", floor=0.0)), np.inf, "vanishes at x = -0.57735"),
        (WELL, SDE(0.0001, STEP), np.inf, "beyond double precision"),
        (WELL, SDE("0.05/(x + 1)**2", STEP), np.nan, "not finite at the minimum"),
        (Potential("x**4 - x**6/10"), SDE(0.05, STEP), np.nan, "curvature 0 in some direction"),
    ],
)
def test_physics_without_a_value_is_a_prediction_that_is_not_valid(potential, dynamics, value, text):
    start = "x=-1" if potential is WELL else "x=0"
    prediction = kramers(potential, dynamics, start, "valley")
    assert prediction.value == value or (np.isnan(value) and np.isnan(prediction.value))
    assert not prediction.valid
    assert text in prediction.why
    assert prediction.name == "Kramers"


def test_a_problem_without_a_value_leaves_the_others_alone():
    """In a sweep, and in the list of all predictions."""
    faint = SDE(0.0001, STEP)
    swept = kramers(WELL, [SDE(0.05, STEP), faint], "x=-1", "valley")
    assert swept.valid.tolist() == [True, False]
    assert swept.value[0] == kramers(WELL, SDE(0.05, STEP), "x=-1", "valley").value
    assert kramers(WELL, faint, "x=-1", "valley", order=1).name == "Kramers, next order"
    offered = {one.name: one for one in predictions(WELL, faint, "x=-1", "valley")}
    assert math.isinf(offered["Kramers"].value)
    assert offered["Kramers"].why == "The exponent of Kramers' formula is 2500, beyond double precision."


def test_the_next_order_leaves_a_positive_time_or_none():
    """c_a = -L''''/8 = -12 and c_b = 0.195, so that nothing is left from D = 0.0847 on."""
    flat = Potential("x**2/2 + 4*x**4 - 3*x**6", domain=(-2, 2))
    rules = [SDE(noise, STEP) for noise in (0.01, 0.08, 0.09)]
    found = kramers(flat, rules, "x=0", "valley", order=1)
    assert (found.value[:2] > 0).all()
    assert np.isnan(found.value[2])
    assert found.valid.tolist() == [True, False, False]
    assert "leaves none of it" in found.why[2]
    # The barrier alone would not have told: it is 16.8 times the noise.
    assert "changes the time by -106%" in kramers(flat, rules[2], "x=0", "valley").why
    steps = finite_learning_rate(flat, SGLD(0.001, 0.09), "x=0", "valley")
    assert np.isnan(steps.value)
    assert "leaves none of it" in steps.why
    offered = {p.name: p for p in predictions(flat, SGLD(0.001, 0.09), "x=0", "valley")}
    for name in ("Kramers, next order", "Finite learning rate"):
        assert np.isnan(offered[name].value)
        assert not offered[name].valid
        assert "leaves none of it" in offered[name].why


def test_a_skew_saddle_has_a_share_of_hits_or_none():
    """The first term in L'''_b is of order D^(1/2), and beyond a width of the noise it exceeds the half."""
    skew = Potential("x**2/2 - x**3/3", domain=(-1.5, 2.5))
    for noise in (0.01, 0.05, 0.5, 1.5, 3.0):
        found = kramers(skew, SDE(noise, STEP), "x=0", "valley", order=1)
        assert found.value > 0 or (np.isnan(found.value) and not found.valid)
