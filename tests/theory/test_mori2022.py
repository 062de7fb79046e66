"""Noise proportional to the loss: the power law against exact times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import Potential
from simdyn import theory
from simdyn.dynamics import SDE, SGD
from simdyn.errors import InputError
from simdyn.exact import escape_time

LOSS = Potential("x**4/4 - x**2/2 + 0.3")


def limit(strength):
    """D = T L as the SDE limit of SGD with noise 2 L H_a / B: T = eta H_a / B, H_a = 2."""
    return SDE.limit_of(SGD(0.1, 0.2 / strength, noise="loss"))


def test_published_value():
    found = theory.mori2022_time(0.05, 0.3, 2.0, 1.0, 0.25)
    assert found.value == pytest.approx(12615.0939937, rel=1e-11)
    problem = theory.mori2022(LOSS, limit(0.25), "x=-1", "commit")
    assert problem.value == pytest.approx(found.value, rel=1e-9)
    exact = escape_time(LOSS, limit(0.25), "x=-1", "commit")
    assert exact.value == pytest.approx(13383.3974593, rel=1e-9)


def test_exact_times_are_approached_in_proportion_to_the_strength():
    gaps = [
        escape_time(LOSS, limit(t), "x=-1", "commit").value
        / theory.mori2022(LOSS, limit(t), "x=-1", "commit").value
        - 1
        for t in (0.04, 0.02)
    ]
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.05)


def test_it_is_kramers_formula_with_its_widths():
    """int L'/(T L) dx = log(L_b/L_a)/T; the factor (1 + T)^(-1/2) is of the next order."""
    power = np.log(0.3 / 0.05) / 0.1
    plain = theory.kramers_time(0.25, 2.0, 1.0, 0.1 * 0.05, noise_saddle=0.1 * 0.3, exponent=power)
    assert theory.mori2022_time(0.05, 0.3, 2.0, 1.0, 0.1).value * 1.1**0.5 == pytest.approx(
        plain.value, rel=1e-12
    )


def test_strong_noise_is_outside_its_validity():
    """The noise is hardly lower at the minimum than at the saddle, and the power is small."""
    flat = Potential("x**4/4 - x**2/2 + 3.25")
    found = theory.mori2022(flat, limit(0.4), "x=-1", "commit")
    exact = escape_time(flat, limit(0.4), "x=-1", "commit")
    assert not found.valid
    assert "power" in found.why
    assert abs(exact.value / found.value - 1) > 0.2
    assert "T is 3" in theory.mori2022(LOSS, limit(3.0), "x=-1", "commit").why


@given(scale=st.floats(0.1, 10.0), strength=st.floats(0.05, 0.4))
def test_the_unit_of_the_loss_only_sets_the_time(scale, strength):
    """T has no unit, so that L times c takes a time over c."""
    plain = theory.mori2022_time(0.05, 0.3, 2.0, 1.0, strength).value
    scaled = theory.mori2022_time(0.05 * scale, 0.3 * scale, 2.0 * scale, 1.0 * scale, strength).value
    assert scaled * scale == pytest.approx(plain, rel=1e-10)


@given(strength=st.floats(0.05, 0.4), n=st.integers(1, 6))
def test_directions_lower_the_power_by_half_each(strength, n):
    one = theory.mori2022_time(0.05, 0.3, 2.0, 1.0, strength).value
    many = theory.mori2022_time(0.05, 0.3, 2.0, 1.0, strength, directions=n).value
    assert many / one == pytest.approx(((1 + strength) * 6) ** (-(n - 1) / 2), rel=1e-11)


@pytest.mark.parametrize(
    ("potential", "dynamics", "text"),
    [
        (LOSS, SDE(0.05, 0.01), 'noise="loss"'),
        (Potential("(x**2 - 1)**2/4 + 2*y**2 + 0.1"), SGD(0.1, 1.0, noise="loss"), "same curvature"),
    ],
)
def test_problems_that_it_is_not_about(potential, dynamics, text):
    with pytest.raises(InputError, match=text):
        theory.mori2022(potential, dynamics, "deepest", "valley")


def test_without_loss_at_the_minimum_paths_never_escape():
    prediction = theory.mori2022(Potential("(x**2 - 1)**2/4"), SGD(0.1, 1.0, noise="loss"), "x=-1", "valley")
    assert prediction.value == np.inf
    assert not prediction.valid
    assert "collapse onto" in prediction.why


def test_two_directions():
    """Curvature 2 of the minimum in both; steps are time over the learning rate."""
    plane = Potential("(x**2 - 1)**2/4 + y**2 + 0.05")
    rule = SGD(0.05, 0.5, noise="loss")
    found = theory.mori2022(plane, rule, [-1, 0], "valley")
    numbers = theory.mori2022_time(0.05, 0.3, 2.0, 1.0, 0.2, directions=2)
    assert found.value == pytest.approx(numbers.value / 2 / 0.05, rel=1e-9)
