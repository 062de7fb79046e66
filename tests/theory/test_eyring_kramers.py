"""The Eyring-Kramers formula in d dimensions."""

import math

import numpy as np
import pytest

from potentials import Potential, double_well, muller_brown, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import escape_time
from simdyn.theory import eyring_kramers, finite_learning_rate, kramers


def test_one_dimension_is_kramers():
    for exit in ("valley", "commit"):
        ours = eyring_kramers(double_well(), SDE(0.05, 0.01), "x=-1", exit)
        assert ours.value == pytest.approx(
            kramers(double_well(), SDE(0.05, 0.01), "x=-1", exit).value, rel=1e-12
        )


def test_separable_dimensions_are_kramers():
    ours = eyring_kramers(styblinski_tang(10), SDE(5.0, 0.01), "deepest", "valley")
    assert ours.value == pytest.approx(704.074075513 / 20, rel=1e-11)


@pytest.mark.parametrize("dim", [2, 10])
def test_the_gap_to_the_exact_value_shrinks_with_the_noise(dim):
    gaps = []
    for noise in (4.0, 2.0):
        dynamics = SDE(noise, 0.001)
        exact = escape_time(styblinski_tang(dim), dynamics, "deepest", "valley").value
        gaps.append(exact / eyring_kramers(styblinski_tang(dim), dynamics, "deepest", "valley").value - 1)
    assert 0 < gaps[1] < 0.6 * gaps[0] < 0.05


def test_coupled_coordinates():
    """A rotated sum of a double well in u and 3 v^2 in v: the same determinants in other coordinates."""
    u, v = "(0.6*x + 0.8*y)", "(-0.8*x + 0.6*y)"
    potential = Potential(f"{u}**4/4 - {u}**2/2 + 3*{v}**2")
    for exit, share in (("valley", 0.5), ("commit", 1.0)):
        prediction = eyring_kramers(potential, SDE(0.05, 0.01), [-0.6, -0.8], exit)
        assert prediction.value == pytest.approx(share * math.sqrt(2) * math.pi * math.exp(5), rel=1e-6)


def test_transverse_curvature_enters():
    """q(x) + (0.8 + 3.2 x^2) y^2 / 2: determinants 2 * 4 at the minimum, 1 * 0.8 at the saddle."""
    potential = Potential("x**4/4 - x**2/2 + (4 + 16*x**2)*y**2/10")
    prediction = eyring_kramers(potential, SDE(0.05, 0.01), [-1.0, 0.0], "commit")
    assert prediction.value == pytest.approx(2 * math.pi * math.sqrt(0.8 / 8) * math.exp(5), rel=1e-9)


def test_muller_brown():
    """Finds the saddle by itself: the deepest well, lowest rim."""
    hill = muller_brown()
    prediction = eyring_kramers(hill, SGLD(1e-5, 5.0), "deepest", "valley")
    valley = hill.valley(hill.deepest().x)
    rates = 0.0
    for saddle in valley.saddles:
        downhill = -saddle.eigenvalues.min()
        ratio = abs(np.linalg.det(saddle.hessian)) / np.linalg.det(valley.minimum.hessian)
        rates += 1 / (
            math.pi / downhill * math.sqrt(ratio) * math.exp((saddle.energy - valley.minimum.energy) / 5)
        )
    assert prediction.value == pytest.approx(1e5 / rates, rel=1e-9)
    assert prediction.valid


def test_low_barriers_are_outside_its_validity():
    prediction = eyring_kramers(styblinski_tang(10), SDE(30.0, 0.001), "deepest", "valley")
    exact = escape_time(styblinski_tang(10), SDE(30.0, 0.001), "deepest", "valley")
    assert not prediction.valid
    assert abs(exact.value / prediction.value - 1) > 0.2


@pytest.mark.parametrize(
    ("dynamics", "exit", "text"),
    [
        (SGD(0.1, 1.0, noise="hessian", floor=0.1), "valley", "constant noise"),
        (SGD(0.1, 1.0, noise="constant", covariance=[1.0, 2.0]), "valley", "all directions"),
        (SDE(0.05, 0.01), "x1 + x2 >= 0", "not at the saddles"),
    ],
)
def test_problems_that_it_is_not_about(dynamics, exit, text):
    with pytest.raises(InputError, match=text):
        eyring_kramers(double_well(2), dynamics, -1.0, exit)


def test_a_time_beyond_double_precision_is_infinite_and_not_valid():
    prediction = eyring_kramers(double_well(2), SDE(1e-5, 0.01), -1.0, "valley")
    assert prediction.value == np.inf
    assert not prediction.valid
    assert "beyond double precision" in prediction.why
    assert (prediction.name, prediction.unit) == ("Eyring-Kramers", "time")
    finite = eyring_kramers(double_well(2), SDE(0.05, 0.01), -1.0, "valley")
    assert (prediction.source, prediction.name) == (finite.source, finite.name)


@pytest.mark.parametrize(
    ("potential", "start", "exit", "text"),
    [
        (Potential("(x**2 - 1)**2 + y**4"), [-1.0, 0.0], "valley", "curvature 0 in some direction"),
        (Potential("x**2/2"), [0.0], "x >= 1", "over no saddle"),
    ],
)
def test_landscapes_without_what_the_formula_needs(potential, start, exit, text):
    """A valley that is flat in one direction at its bottom, and a wall without a pass."""
    for dynamics, formula in (
        (SDE(0.05, 0.01), eyring_kramers), (SGLD(0.01, 0.05), finite_learning_rate)
    ):  # fmt: skip
        prediction = formula(potential, dynamics, start, exit)
        assert np.isnan(prediction.value)
        assert not prediction.valid
        assert text in prediction.why
        assert prediction.unit == ("time" if isinstance(dynamics, SDE) else "steps")
