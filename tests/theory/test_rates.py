"""Escape times as functions of numbers: published values, scaling laws, conventions, exact values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import double_well, muller_brown, styblinski_tang
from simdyn import theory
from simdyn.dynamics import SDE
from simdyn.dynamics.conventions import CONVENTIONS
from simdyn.exact import first_passage

POSITIVE = st.floats(0.2, 5.0)


def test_published_values():
    found = theory.kramers_time(0.25, 2.0, 1.0, 0.05)
    assert found.value == pytest.approx(659.382292375, rel=1e-11)
    assert theory.kramers_time(0.25, 2.0, 1.0, 0.05, next_order=1.5).value == pytest.approx(
        708.835964303, rel=1e-11
    )
    # Noise in two pieces, D = 0.1 outside and 0.05 inside: s = 4/9 of the barrier outside.
    power = 0.25 * (4 / 9 / 0.1 + 5 / 9 / 0.05)
    two = theory.kramers_time(0.25, 2.0, 1.0, 0.1, noise_saddle=0.05, exponent=power)
    assert two.value == pytest.approx(153.487445397, rel=1e-11)
    other = theory.xie2021_time(0.25, 2.0, 1.0, 0.1, 1.0, 4 / 9, convention="haenggi_klimontovich")
    assert other.value == pytest.approx(306.974890794, rel=1e-11)


def test_the_next_order_takes_no_more_than_all():
    """At D c = -1 and below the series has no value; before, the sign of the change is told."""
    found = theory.kramers_time(0.25, 2.0, 1.0, [0.01, 0.05, 0.1, 0.2], next_order=-10.0)
    assert found.value[:2] == pytest.approx(
        theory.kramers_time(0.25, 2.0, 1.0, [0.01, 0.05]).value * [0.9, 0.5], rel=1e-12
    )
    assert np.isnan(found.value[2:]).all()
    assert found.valid.tolist() == [True, False, False, False]
    assert "by -50%" in found.why[1]
    assert "leaves none of it" in found.why[2]


def test_numbers_and_problems_agree():
    for noise in (0.03, 0.06):
        numbers = theory.kramers_time(0.25, 2.0, 1.0, noise)
        assert theory.kramers(double_well(), SDE(noise, 0.01), "x=-1", "commit").value == pytest.approx(
            numbers.value, rel=1e-12
        )
    surface = muller_brown()
    minimum = surface.valley(surface.minima()[0].x).minimum
    saddles = surface.valley(minimum).saddles
    numbers = theory.eyring_kramers_time(
        [s.energy - minimum.energy for s in saddles], minimum.hessian, [s.hessian for s in saddles], 8.0
    )
    problem = theory.eyring_kramers(surface, SDE(8.0, 1e-6), minimum.x, "valley")
    assert problem.value == pytest.approx(numbers.value / 2, rel=1e-12)


@given(barrier=POSITIVE, bottom=POSITIVE, top=POSITIVE, noise=POSITIVE)
def test_conventions_agree_for_constant_noise(barrier, bottom, top, noise):
    values = {theory.kramers_time(barrier, bottom, top, noise, convention=c).value for c in CONVENTIONS}
    assert len(values) == 1


@given(barrier=POSITIVE, bottom=POSITIVE, top=POSITIVE, noise=POSITIVE, a=POSITIVE, b=POSITIVE, c=POSITIVE)
def test_units_of_time_energy_and_length(barrier, bottom, top, noise, a, b, c):
    """Energy and noise times a: time over a. Lengths times b, curvatures kept: the time stays.

    Of noise that varies only the ratio enters, as (D_b/D_a)^(1/2 - alpha).
    """
    plain = theory.kramers_time(barrier, bottom, top, noise).value
    faster = theory.kramers_time(a * barrier, a * bottom, a * top, a * noise).value
    assert faster * a == pytest.approx(plain, rel=1e-12)
    longer = theory.kramers_time(b**2 * barrier, bottom, top, b**2 * noise).value
    assert longer == pytest.approx(plain, rel=1e-9)
    for convention, alpha in CONVENTIONS.items():
        varying = theory.kramers_time(
            barrier, bottom, top, noise, noise_saddle=c * noise, exponent=2.0, convention=convention
        ).value
        still = theory.kramers_time(barrier, bottom, top, noise, exponent=2.0).value
        assert varying / still == pytest.approx(c ** (0.5 - alpha), rel=1e-12)


@given(barrier=POSITIVE, more=st.floats(0.01, 1.0), noise=POSITIVE, friction=POSITIVE)
def test_higher_barriers_take_longer(barrier, more, noise, friction):
    hessian, saddle = np.diag([2.0, 1.0]), np.diag([-1.0, 3.0])
    for time in (
        lambda height: theory.kramers_time(height, 2.0, 1.0, noise),
        lambda height: theory.eyring_kramers_time(height, hessian, saddle, noise),
        lambda height: theory.underdamped_kramers_time(height, 2.0, 1.0, noise, friction),
        lambda height: theory.bouchet_reygner_time(height, hessian, saddle, 1.0, noise),
        lambda height: theory.langer_time(height, hessian, saddle, np.eye(2), noise),
        lambda height: theory.xie2021_time(height, 2.0, 1.0, noise, 1.0, 0.4),
        lambda height: theory.mori2022_time(0.1, 0.1 + height, 2.0, 1.0, noise / 10),
    ):
        assert time(barrier + more).value > time(barrier).value


@given(seed=st.integers(0, 10**6))
def test_rates_do_not_turn_with_the_axes(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    a, b = np.diag(rng.uniform(0.5, 3, 3)), np.diag([-1.3, *rng.uniform(0.5, 3, 2)])
    plain = theory.eyring_kramers_time([1.0, 1.2], a, [b, 2 * b], 0.2)
    turned = theory.eyring_kramers_time(
        [1.0, 1.2], turn @ a @ turn.T, [turn @ m @ turn.T for m in (b, 2 * b)], 0.2
    )
    assert turned.value == pytest.approx(plain.value, rel=1e-10)
    alone = [theory.eyring_kramers_time(h, a, m, 0.2).value for h, m in ((1.0, b), (1.2, 2 * b))]
    assert 1 / plain.value == pytest.approx(sum(1 / one for one in alone), rel=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_equation_7_is_right_for_noise_in_two_pieces(convention):
    """At its own convention; the gap shrinks with the noise (as its square root at the jump or faster)."""

    def gap(epsilon):
        def noise(x):
            return np.where(np.abs(x) > 3**-0.5, 2 * epsilon / 2, epsilon / 2)

        exact = first_passage(
            lambda x: x - x**3,
            noise,
            -1.0,
            upper=1.0,
            breakpoints=(-(3**-0.5), 3**-0.5),
            alpha=CONVENTIONS[convention],
        )[0]
        formula = theory.xie2021_time(0.25, 2.0, 1.0, epsilon, 1.0, 4 / 9, convention=convention)
        return exact.value / formula.value - 1

    gaps = [gap(epsilon) for epsilon in (0.03, 0.01, 0.005)]
    assert gaps[0] == pytest.approx({0.0: 0.039, 0.5: 0.037, 1.0: 0.036}[CONVENTIONS[convention]], abs=6e-4)
    assert gaps[2] / gaps[1] == pytest.approx(0.5, abs=0.06)


def test_equation_7_outside_its_validity():
    formula = theory.xie2021_time(0.25, 2.0, 1.0, 1.2, 1.0, 4 / 9)
    assert not formula.valid
    exact = first_passage(
        lambda x: x - x**3,
        lambda x: np.where(np.abs(x) > 3**-0.5, 1.2, 0.6),
        -1.0,
        upper=1.0,
        breakpoints=(-(3**-0.5), 3**-0.5),
        alpha=1.0,
    )[0]
    assert abs(exact.value / formula.value - 1) > 0.2


def test_styblinski_tang():
    well = styblinski_tang(1)
    minimum = well.minima()[0]
    saddle = well.saddles(around=minimum)[0]
    found = theory.kramers_time(
        saddle.energy - minimum.energy, minimum.hessian[0, 0], -saddle.hessian[0, 0], 5.0
    )
    assert found.value == pytest.approx(704.074075513, rel=1e-11)
    assert math.isclose(saddle.energy - minimum.energy, 39.361778062827, rel_tol=1e-12)
