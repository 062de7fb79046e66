"""Escape with inertia: limits, exact relaxation rates of the phase-space generator."""

import math

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, eigs, splu

from potentials import Potential, double_well, styblinski_tang
from simdyn import theory
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.theory.underdamped import depopulation

WELL = double_well()
ACTION = 4 / 3
"""2 int_0^sqrt(2) (x^2 - x^4/2)^(1/2) dx."""


def exact_rate(temperature, friction, points=72, modes=48):
    """Smallest relaxation rate in x^4/4 - x^2/2: the sum of the two equal rates between the wells.

    Hermite functions of the velocity, a Fourier grid for the position, with the square root of the stationary
    law taken out: L = sqrt(T) [a (d - w) + a^+ (d + w)] - friction n, w = L' / (2 T).
    """
    width = 2.6
    x = np.linspace(-width, width, points, endpoint=False)
    i = np.arange(points)
    gap = i[:, None] - i[None]
    with np.errstate(divide="ignore", invalid="ignore"):
        d = 0.5 * (-1.0) ** gap / np.tan(np.pi * gap / points) * np.pi / width
    d[i, i] = 0.0
    w = np.diag((x**3 - x) / (2 * temperature))
    down = sparse.diags(np.sqrt(np.arange(1, modes)), 1)
    level = sparse.diags(np.arange(modes, dtype=float))
    one = sparse.identity(points)
    generator = math.sqrt(temperature) * (sparse.kron(down, d - w) + sparse.kron(down.T, d + w))
    generator = (generator - friction * sparse.kron(level, one)).tocsc()
    shift = 1e-4
    # In this order the matrix is banded, and elimination keeps the band.
    factors = splu(generator - shift * sparse.identity(points * modes, format="csc"), permc_spec="NATURAL")
    inverse = LinearOperator(generator.shape, factors.solve, dtype=float)
    values = eigs(generator, k=2, sigma=shift, OPinv=inverse, return_eigenvectors=False)
    values = np.sort(-values.real)
    assert abs(values[0]) < 1e-9
    return float(values[1])


@pytest.mark.parametrize("friction", [0.05, 0.5, 3.0])
def test_exact_rates_are_approached(friction):
    """The gap falls with the temperature; at moderate and large friction in proportion to it."""
    gaps = []
    for temperature in (0.05, 0.025):
        found = theory.underdamped_kramers_time(
            0.25, 2.0, 1.0, temperature, friction, action=ACTION, action_beyond=ACTION
        )
        assert found.valid
        gaps.append(2 / (exact_rate(temperature, friction) * found.value) - 1)
    assert abs(gaps[0]) < 0.2
    assert abs(gaps[1]) < abs(gaps[0])
    if friction >= 3.0:
        assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.1)


def test_low_barriers_are_outside_its_validity():
    found = theory.underdamped_kramers_time(0.25, 2.0, 1.0, 0.4, 3.0, action=ACTION, action_beyond=ACTION)
    assert not found.valid
    assert abs(2 / (exact_rate(0.4, 3.0) * found.value) - 1) > 0.2


def test_low_friction_needs_the_action():
    plain = theory.underdamped_kramers_time(0.25, 2.0, 1.0, 0.05, np.array([0.01, 30.0]))
    whole = theory.underdamped_kramers_time(0.25, 2.0, 1.0, 0.05, np.array([0.01, 30.0]), action=ACTION)
    assert plain.valid.tolist() == [False, True]
    assert "friction is low" in plain.why[0]
    assert whole.value[0] / plain.value[0] > 3
    assert whole.value[1] == pytest.approx(plain.value[1], rel=1e-6)


def test_depopulation():
    """Delta at small delta, 1 at large; at 1 from a quadrature of the defining integral."""
    assert depopulation(1e-6) == pytest.approx(1e-6, rel=2e-3)
    assert depopulation(200.0) == pytest.approx(1.0, abs=1e-12)
    from scipy.integrate import quad

    integral = quad(lambda y: math.log(-math.expm1(-(y * y + 0.25))) / (y * y + 0.25), -np.inf, np.inf)[0]
    assert depopulation(1.0) == pytest.approx(math.exp(integral / (2 * math.pi)), rel=1e-8)


@given(friction=st.floats(50.0, 1e4), temperature=st.floats(0.02, 0.08))
def test_large_friction_is_the_overdamped_time(friction, temperature):
    slow = theory.underdamped_kramers_time(0.25, 2.0, 1.0, temperature, friction)
    plain = theory.kramers_time(0.25, 2.0, 1.0, temperature)
    # lambda_+ = |L''_b| / friction (1 - |L''_b| / friction^2 + ...)
    assert slow.value / friction == pytest.approx(plain.value, rel=1.1 / friction**2)


@pytest.mark.parametrize("friction", [0.2, 2.0])
def test_it_is_langers_formula_in_phase_space(friction):
    langer = theory.langer_time(
        0.25, np.diag([2.0, 1.0]), np.diag([-1.0, 1.0]), [[0.0, -1.0], [1.0, friction]], 0.05
    )
    assert theory.underdamped_kramers_time(0.25, 2.0, 1.0, 0.05, friction).value == pytest.approx(
        langer.value, rel=1e-12
    )


def test_problems():
    rule = SDE(0.05, 0.01, scheme="baoab", friction=3.0)
    found = theory.underdamped_kramers(WELL, rule, "x=-1", "commit")
    numbers = theory.underdamped_kramers_time(0.25, 2.0, 1.0, 0.05, 3.0, action=ACTION)
    assert found.value == pytest.approx(numbers.value, rel=1e-8)
    assert found.valid
    assert found.unit == "time"
    hit = theory.underdamped_kramers(WELL, SDE(0.05, 1e-3, scheme="baoab", friction=20.0), "x=-1", "valley")
    commit = theory.underdamped_kramers(
        WELL, SDE(0.05, 1e-3, scheme="baoab", friction=20.0), "x=-1", "commit"
    )
    assert hit.valid
    # The wall seems to lie 1.46 sqrt(T) / friction further out.
    assert hit.value / commit.value == pytest.approx(0.5 + 1.46035 / 20 / math.sqrt(2 * math.pi), rel=2e-3)
    plane = Potential("x**4/4 - x**2/2 + y**2 + 0.3*x*y")
    far = theory.underdamped_kramers(
        plane, SDE(0.02, 1e-3, scheme="baoab", friction=100.0), "deepest", "valley"
    )
    overdamped = theory.eyring_kramers(plane, SDE(0.02, 1e-3), "deepest", "valley")
    assert far.value / 100 == pytest.approx(overdamped.value, rel=0.02)


def test_heavy_ball():
    """Momentum m at eta: the time of SGLD at eta / (1 - m) in the limit of strong friction."""
    ball = theory.underdamped_kramers(WELL, SGLD(1e-4, 0.005, momentum=0.9), "x=-1", "commit")
    plain = theory.kramers(WELL, SGLD(1e-3, 0.05), "x=-1", "commit")
    assert ball.unit == "steps"
    # friction is 0.1 / 0.01 = 10 and temperature 0.005 / 0.1.
    assert ball.value == pytest.approx(plain.value, rel=0.02)
    constant = SGD(1e-4, 1.0, noise="constant", covariance=100.0, momentum=0.9)
    same = theory.underdamped_kramers(WELL, constant, "x=-1", "commit")
    assert same.value == pytest.approx(ball.value, rel=1e-12)


@pytest.mark.parametrize(
    ("dynamics", "text"),
    [
        (SDE(0.05, 0.01), "momentum="),
        (SDE("0.05*(1 + x**2)", 0.01, scheme="baoab", friction=1.0), "constant noise"),
    ],
)
def test_other_dynamics(dynamics, text):
    with pytest.raises(InputError, match=text):
        theory.underdamped_kramers(WELL, dynamics, "x=-1", "commit")


@pytest.mark.parametrize("dim", [2, 5])
def test_equal_coordinates_each_have_a_way_out(dim):
    """The first of d independent coordinates: every rate counts, and the other coordinates cancel."""
    rule = SDE(5.0, 0.001, friction=60.0, scheme="baoab")
    one, many = (theory.underdamped_kramers(styblinski_tang(d), rule, "deepest", "valley") for d in (1, dim))
    # In one dimension the depopulation factor is known as well; at this friction it is 1.
    assert many.value == pytest.approx(one.value / dim, rel=1e-9)
    assert f"rates of {dim} saddles added" in many.formula
