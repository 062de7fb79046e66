"""Stationary laws: published numbers, orders of accuracy, tails."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from potentials import Potential, styblinski_tang, three_wells, tilted_well
from simdyn import theory
from simdyn.dynamics.conventions import CONVENTIONS

TANG = styblinski_tang(1)
WAVES = Potential("x**2/2 + 0.5*cos(2*x)")


def test_published_values():
    mass = theory.gibbs(TANG, 5.0, within=(-math.inf, 0.156731256780))
    assert mass.value == pytest.approx(0.938415043943, rel=1e-11)
    weights = theory.basin_weights(TANG, 5.0)
    assert weights.value[0] == pytest.approx(0.939569948702, rel=1e-11)
    assert theory.gibbs(WAVES, 0.5, of="x**2").value == pytest.approx(0.963019153655, rel=1e-11)
    for convention, variance, tail in (
        ("ito", 0.125, 7),
        ("stratonovich", 0.166666666667, 6),
        ("haenggi_klimontovich", 0.25, 5),
    ):
        found = theory.multiplicative_variance(1.0, 0.1, 2.0, convention=convention)
        assert found.value == pytest.approx(variance, rel=1e-11)
        assert theory.multiplicative_tail(1.0, 0.1, 2.0, convention=convention).value == pytest.approx(tail)


def chain_average(eta, noise=0.5):
    """E x^2 of x' = x - eta L' + (2 D eta)^(1/2) xi, from its transfer operator by the trapezoidal rule."""
    x = np.linspace(-6.5, 6.5, 651)
    mean = x - eta * WAVES.gradient(x[:, None])[:, 0]
    kernel = np.exp(-((x[None] - mean[:, None]) ** 2) / (4 * noise * eta))
    kernel /= kernel.sum(1, keepdims=True)
    system = kernel.T - np.eye(x.size)
    system[-1] = 1.0
    law = np.linalg.solve(system, np.eye(x.size)[-1])
    return float(law @ x**2)


def test_the_chain_is_described_to_second_order():
    assert chain_average(0.2) == pytest.approx(0.967676449831, rel=1e-9)
    gaps = [
        theory.gibbs(WAVES, 0.5, of="x**2", learning_rate=eta).value - chain_average(eta)
        for eta in (0.1, 0.05)
    ]
    assert gaps[1] / gaps[0] == pytest.approx(0.25, abs=0.03)
    large = theory.gibbs(WAVES, 0.5, of="x**2", learning_rate=np.array([0.05, 0.4]))
    assert large.valid.tolist() == [True, False]
    assert abs(large.value[1] / chain_average(0.4) - 1) > 0.05


def test_weights_are_right_to_first_order():
    rim = 0.156731256780
    gaps = [
        theory.basin_weights(TANG, t).value[1] / theory.gibbs(TANG, t, within=(rim, math.inf)).value - 1
        for t in (1.0, 0.5)
    ]
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.03)


def test_low_barriers_have_no_weights():
    shallow = tilted_well(tilt=0.35)
    minima = shallow.minima()
    rim = float(shallow.saddles(around=minima[0])[0].x[0])
    right = int(np.argmax([m.x[0] for m in minima]))
    found = theory.basin_weights(shallow, 0.5)
    exact = theory.gibbs(shallow, 0.5, within=(rim, math.inf)).value
    assert not found.valid
    assert abs(found.value[right] / exact - 1) > 0.1


@given(temperature=st.floats(0.05, 2.0), shift=st.floats(-5.0, 5.0))
def test_energy_has_no_origin_and_masses_add(temperature, shift):
    moved = Potential("x**4/4 - x**2/2 + 0.1*x + shift", parameters={"shift": shift})
    plain = theory.gibbs(moved.with_parameters(shift=0.0), temperature, within=(-math.inf, 0.3)).value
    assert theory.gibbs(moved, temperature, within=(-math.inf, 0.3)).value == pytest.approx(plain, rel=1e-9)
    rest = theory.gibbs(moved, temperature, within=(0.3, math.inf)).value
    assert plain + rest == pytest.approx(1.0, rel=1e-12)


def test_a_landscape_without_walls():
    found = theory.gibbs(Potential("exp(-x**2)*(x**2 - 1)"), 0.1, of="x**2")
    assert not found.valid
    assert math.isnan(found.value)
    assert "normalised" in found.why


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_multiplicative_noise_on_a_parabola(convention):
    """P ~ D^(alpha - 1) exp(-int L'/D) by quadrature."""
    h, noise, kappa = 1.3, 0.15, 0.8

    def density(x):
        d = noise * (1 + kappa * x * x)
        return d ** (CONVENTIONS[convention] - 1) * (1 + kappa * x * x) ** (-h / (2 * kappa * noise))

    norm = quad(density, -np.inf, np.inf, epsabs=0)[0]
    expected = quad(lambda x: x * x * density(x), -np.inf, np.inf, epsabs=0)[0] / norm
    found = theory.multiplicative_variance(h, noise, kappa, convention=convention)
    assert found.value == pytest.approx(expected, rel=1e-8)
    assert found.valid
    heavy = theory.multiplicative_variance(h, noise, 1e3, convention=convention)
    assert not heavy.valid
    assert heavy.value == math.inf


def test_kesten():
    found = theory.kesten(1 - 0.55 * np.array([0.2, 0.5, 4.0]))
    assert found.value == pytest.approx(4.10244919027, rel=1e-10)
    assert "-0.08527" in found.why
    curvatures = np.array([0.2, 0.5, 4.0])
    sweep = theory.kesten(1 - np.array([[0.4], [0.55], [0.7]]) * curvatures)
    assert sweep.valid.tolist() == [False, True, False]
    assert sweep.value[[0, 2]].tolist() == [math.inf, 0.0]


@given(eta=st.floats(0.505, 0.69))
def test_kesten_index_is_two_at_the_mean_square_threshold(eta):
    """E|A|^kappa = 1 itself, and infinite variance exactly where the second moment is unstable."""
    curvatures = np.array([0.2, 0.5, 4.0])
    kappa = theory.kesten(1 - eta * curvatures).value
    assert np.mean(np.abs(1 - eta * curvatures) ** kappa) == pytest.approx(1.0, rel=1e-9)
    second = theory.minibatch_covariance(curvatures, [1.0, 0.0, -1.0], eta, 1)
    assert bool(kappa > 2) == second.valid


def test_three_wells_in_a_row():
    row = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    assert theory.occupation(row).value == pytest.approx([1 / 3] * 3, rel=1e-14)
    by_times = theory.xie2021_occupation(theory.residence_times(row).value)
    assert by_times.value == pytest.approx([0.4, 0.2, 0.4], rel=1e-14)
    assert not by_times.valid


@given(a=st.floats(0.01, 10.0), b=st.floats(0.01, 10.0))
def test_two_wells_are_occupied_by_their_times(a, b):
    rates = np.array([[0.0, a], [b, 0.0]])
    by_times = theory.xie2021_occupation(theory.residence_times(rates).value)
    assert by_times.valid
    assert theory.occupation(rates).value == pytest.approx(by_times.value, rel=1e-12)


@given(seed=st.integers(0, 10**6), n=st.integers(2, 6))
def test_occupation_is_visits_times_times(seed, n):
    rates = np.random.default_rng(seed).exponential(size=(n, n))
    np.fill_diagonal(rates, 0.0)
    law = theory.occupation(rates).value
    assert law @ (rates - np.diag(rates.sum(1))) == pytest.approx(np.zeros(n), abs=1e-13)
    jumps = rates / rates.sum(1, keepdims=True)
    visits = theory.occupation(jumps).value
    tau = theory.residence_times(rates).value
    assert law == pytest.approx(visits * tau / (visits @ tau), rel=1e-11)


@pytest.mark.parametrize("potential", [TANG, three_wells(middle=0.1)])
def test_rates_between_wells_are_reversible(potential):
    temperature = np.array([0.1, 0.2]) * (50 if potential is TANG else 1)
    rates = theory.well_rates(potential, temperature)
    weights = theory.basin_weights(potential, temperature).value
    assert theory.occupation(rates.value).value == pytest.approx(weights, rel=1e-9)
    flow = weights[..., :, None] * rates.value
    assert flow == pytest.approx(np.swapaxes(flow, -1, -2), rel=1e-9)


def test_wells_without_a_way_between():
    found = theory.occupation([[0.0, 0.0], [1.0, 0.0]])
    assert not found.valid
    closed = theory.residence_times([[0.0, 0.0], [1.0, 0.0]])
    assert not closed.valid
    assert closed.value.tolist() == [math.inf, 1.0]
