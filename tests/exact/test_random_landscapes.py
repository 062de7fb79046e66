"""Properties that exact answers have on any landscape: units, conventions, and methods that must agree."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from potentials import Potential
from simdyn import theory
from simdyn.dynamics import SDE
from simdyn.exact import (
    chain_first_passage,
    committor,
    escape_moments,
    escape_time,
    first_passage,
    minimum_action,
    quasi_stationary,
    spectral_gap,
    stationary_density,
    survival,
)
from simdyn.exact.chain_laws import chain_committor
from simdyn.exact.modes import diffusion_modes, first_of
from simdyn.markov import passage_times

WELLS = Potential(
    "c*(h*((x/r)**4/4 - (x/r)**2/2) + t*x/r + w*sin(3*x/r))",
    parameters={"h": 1.0, "t": 0.0, "w": 0.0, "c": 1.0, "r": 1.0},
)
"""Two wells of any height, tilted and rippled, in units of energy c and of length r."""

FORMS = {"h": st.floats(0.6, 1.6), "t": st.floats(-0.15, 0.15), "w": st.floats(-0.05, 0.05)}
NOISE = st.floats(0.06, 0.4)
CONVENTIONS = ("ito", "stratonovich", "haenggi_klimontovich")


def wells(h, t, w, **units):
    return WELLS.with_parameters(h=h, t=t, w=w, **units)


@settings(max_examples=12)
@given(noise=NOISE, **FORMS)
def test_conventions_agree_where_the_noise_is_constant(noise, h, t, w):
    landscape = wells(h, t, w)
    laws = [SDE(noise, 0.01, convention=convention) for convention in CONVENTIONS]
    answers = [
        [
            escape_time(landscape, law, -1.0, "x >= 0.2").value,
            committor(landscape, law, -0.3, "x >= 1", "x <= -1").value,
            stationary_density(landscape, law).mass(upper=0.0),
            spectral_gap(landscape, law).value,
            quasi_stationary(landscape, law, -1.0, "x >= 0.2")[0].value,
            minimum_action(landscape, law, -1.0, 0.2).value,
        ]
        for law in laws
    ]
    assert answers[1] == pytest.approx(answers[0], rel=1e-13)
    assert answers[2] == pytest.approx(answers[0], rel=1e-13)


def test_conventions_differ_where_it_is_not():
    """The control: a noise that varies tells them apart, and in this order."""
    times = [
        escape_time(WELLS, SDE("0.05*(1 + x**2)", 0.01, convention=one), -1.0, "x >= 0").value
        for one in CONVENTIONS
    ]
    assert times[0] < 0.8 * times[1] < 0.64 * times[2]


@settings(max_examples=12)
@given(
    noise=NOISE, energy=st.floats(0.2, 5.0), length=st.floats(0.2, 5.0), speed=st.floats(0.2, 5.0), **FORMS
)
# A mesh that reaches far out for the tail of the moments.
@example(noise=0.21875, energy=1.0, length=1.0, speed=1.0, h=1.0, t=0.0, w=0.0)
def test_units_of_energy_length_and_time(noise, energy, length, speed, h, t, w):
    """L -> c L(x/r) with D -> c D is c/r^2 times as fast; k times the drift and the D are k times as fast."""
    plain, rule = wells(h, t, w), SDE(noise, 0.01)
    # A temperature in the same unit of energy; mobility is 1, so that a length is counted twice in a time.
    scaled, other = wells(h, t, w, c=energy * speed, r=length), SDE(noise * energy * speed, 0.01)
    clock = energy * speed / length**2
    mean, square = escape_moments(plain, rule, -1.0, "x >= 0.2")
    found = escape_moments(scaled, other, -length, f"x >= {0.2 * length!r}")
    assert found[0].value * clock == pytest.approx(mean.value, rel=1e-9)
    assert found[1].value * clock**2 == pytest.approx(square.value, rel=1e-9)
    at = np.array([0.1, 0.5, 2.0]) * mean.value
    inside = survival(plain, rule, -1.0, "x >= 0.2", at).values
    there = survival(scaled, other, -length, f"x >= {0.2 * length!r}", at / clock).values
    assert there == pytest.approx(inside, rel=1e-8)
    odds = [
        committor(one, law, -0.3 * unit, f"x >= {unit!r}", f"x <= {-unit!r}").value
        for one, law, unit in ((plain, rule, 1.0), (scaled, other, length))
    ]
    assert odds[1] == pytest.approx(odds[0], rel=1e-9)
    costs = [
        minimum_action(one, law, -u, 0.2 * u).value
        for one, law, u in ((plain, rule, 1.0), (scaled, other, length))
    ]
    assert costs[1] == pytest.approx(costs[0], rel=1e-9)


def birth_and_death(landscape, noise, start, end, far, n):
    """Mean time by jumps between n cells, whose rates are exact for a force that is constant between them."""
    x = np.linspace(far, end, n + 1)
    drop = np.diff(landscape.energy(x[:, None])) / noise
    step = x[1] - x[0]
    rates = np.zeros((n + 1, n + 1))
    k = np.arange(n)
    rates[k, k + 1] = noise / step**2 * drop / np.expm1(drop)
    rates[k + 1, k] = noise / step**2 * -drop / np.expm1(-drop)
    return np.interp(start, x, passage_times(rates, n))


@settings(max_examples=8)
@given(noise=st.floats(0.08, 0.3), **FORMS)
def test_three_ways_to_a_mean_time(noise, h, t, w):
    """Quadrature, the spectrum of the generator, and elimination in a chain of cells."""
    landscape = wells(h, t, w)
    by_quadrature = escape_time(landscape, SDE(noise, 0.01), -1.0, "x >= 0.25")
    modes = diffusion_modes(
        lambda x: -landscape.gradient(x[..., None])[..., 0], lambda x: np.full_like(x, noise),
        -1.0, -np.inf, 0.25, (), 20, 2.0,
    )  # fmt: skip
    assert first_of([(modes, 1)])[0] == pytest.approx(by_quadrature.value, rel=1e-9)
    # Start and end are nodes of both meshes: -1 = -2.75 + 1.75, and steps of 0.05 and 0.025.
    coarse, fine = (birth_and_death(landscape, noise, -1.0, 0.25, -2.75, n) for n in (240, 480))
    limit = fine + (fine - coarse) / 3
    assert abs(limit - fine) < 1e-3 * fine
    assert limit == pytest.approx(by_quadrature.value, rel=1e-5)


@settings(max_examples=15)
@given(noise=NOISE, edge=st.floats(-1.0, 1.0), **FORMS)
def test_gibbs_by_quadrature_and_as_the_law_of_the_generator(noise, edge, h, t, w):
    landscape = wells(h, t, w)
    law = stationary_density(landscape, SDE(noise, 0.01))
    mass = theory.gibbs(landscape, noise, within=(-math.inf, edge)).value
    assert law.mass(upper=edge) == pytest.approx(mass, rel=1e-9)
    square = theory.gibbs(landscape, noise, of="x**2").value
    assert law.expectation(lambda x: x[:, 0] ** 2) == pytest.approx(square, rel=1e-9)


@settings(max_examples=15)
@given(noise=NOISE, **FORMS)
def test_the_least_action_is_the_climb(noise, h, t, w):
    """Every rise between the two ends counts, every fall is free."""
    landscape = wells(h, t, w)
    x = np.linspace(-1.6, 1.4, 200_001)
    rises = np.maximum(np.diff(landscape.energy(x[:, None])), 0.0).sum()
    found = minimum_action(landscape, SDE(noise, 0.01), -1.6, 1.4)
    assert found.value == pytest.approx(rises / noise, rel=1e-8)


@settings(max_examples=10)
@given(
    a=st.floats(0.5, 2.0), cross=st.floats(-0.4, 0.4), bend=st.floats(-0.5, 0.5), noise=st.floats(0.05, 0.5)
)
def test_the_least_action_in_the_plane_is_the_barrier(a, cross, bend, noise):
    """Critical points from the search, the action from the relaxation of a curve."""
    landscape = Potential(
        "(x**2 - 1)**2/4 + a*(y + b*(x**2 - 1))**2 + e*x*y",
        parameters={"a": a, "b": bend, "e": cross},
        domain=(-3, 3),
    )
    bottom = landscape.minimum_below([-1.0, 0.0])
    saddles = landscape.saddles(bottom)
    saddle = min(saddles, key=lambda one: one.energy)
    found = minimum_action(landscape, SDE(noise, 0.01), bottom, saddle)
    assert found.value == pytest.approx((saddle.energy - bottom.energy) / noise, rel=1e-5)


@settings(max_examples=20)
@given(
    a=st.floats(0.2, 2.0), strength=st.floats(0.1, 4.0), start=st.floats(0.05, 0.8), end=st.floats(1e-3, 0.5)
)
def test_mean_square_stability_bounds_escape_from_an_interpolating_minimum(a, strength, start, end):
    """dx = -a x dt + (2 D)^(1/2) dW, D = g x^2, reaches 1 before c by (x^k - c^k) / (1 - c^k), k = 1 + a/g.

    Where E x^2 does not grow, a >= g, x^2 is a supermartingale and Doob's bound x^2 holds; beyond, a start
    near the minimum breaks it.
    """
    g = strength * a
    c, k = start * end, 1 + 1 / strength
    rule = SDE(f"{g}*x**2", 0.01)
    found = committor(Potential(f"{a}*x**2/2"), rule, start, "x >= 1", f"x <= {c!r}").value
    assert found == pytest.approx((start**k - c**k) / (1 - c**k), rel=1e-9)
    if strength <= 1:
        assert found <= start**2 * (1 + 1e-9)
    elif start**k - c**k > start**2:
        assert found > start**2


@settings(max_examples=20)
@given(a=st.floats(0.2, 1.8), share=st.floats(0.05, 1.0), start=st.floats(0.1, 0.8), end=st.floats(0.05, 0.5))
def test_theorem_1_bounds_escape_of_the_chain(a, share, start, end):
    """x' = (1 - a) x + s x xi inside the half-ellipse: P(reach 1 before c) is at most x^2, whatever c."""
    s = share * float(theory.largest_nonuniformity(a, 1.0).value)
    found = chain_committor(
        lambda x: (1 - a) * x, lambda x: s * np.abs(x), start, lower=start * end, upper=1.0, breakpoints=[]
    )
    assert 0 <= found.value <= start**2 * (1 + 1e-9)  # zero where it is less than the smallest number


def test_outside_the_half_ellipse_the_bound_is_broken():
    """The control: twice the admissible non-uniformity at a small sharpness."""
    s = 2 * float(theory.largest_nonuniformity(0.1, 1.0).value)
    found = chain_committor(
        lambda x: 0.9 * x, lambda x: s * np.abs(x), 0.3, lower=1e-3, upper=1.0, breakpoints=[]
    )
    assert found.value > 1.5 * 0.3**2


@settings(max_examples=10)
@given(
    noise=st.floats(0.08, 0.3),
    height=st.floats(0.7, 1.5),
    more=st.floats(1.05, 1.3),
    eta=st.floats(0.02, 0.2),
)
def test_higher_barriers_hold_the_chain_longer(noise, height, more, eta):
    """At the same relaxation, eta L'' fixed: a chain of the noise D/h in the place of D."""
    times = [
        chain_first_passage(
            lambda x: x - eta * (x**3 - x),
            lambda x, h=h: np.full_like(x, math.sqrt(2 * eta * noise / h)),
            -1.0,
            upper=0.0,
        )[0].value
        for h in (height, height * more)
    ]
    assert times[1] > times[0]


@settings(max_examples=10)
@given(height=st.floats(0.7, 1.5), noise=st.floats(0.1, 0.3), share=st.floats(0.1, 0.9))
def test_the_mean_time_adds_up_along_the_way(height, noise, share):
    """To pass b on the way to c takes T(a -> b) + T(b -> c), whatever lies between."""

    def drift(x):
        return height * (x - x**3)

    def time(start, end):
        return first_passage(drift, lambda x: np.full_like(x, noise), start, upper=end)[0].value

    between = -1.0 + 2.0 * share
    assert time(-1.0, between) + time(between, 1.0) == pytest.approx(time(-1.0, 1.0), rel=1e-10)
