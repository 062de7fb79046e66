"""Landscapes without their fine structure, against closed forms and against quadrature by others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import (
    EffectiveEnergy,
    InputError,
    Potential,
    cosine,
    curved_valley,
    double_well,
    lookup,
    muller_brown,
    names,
    quadratic,
    sharp_and_flat,
    smoothed,
    three_wells,
    two_functions,
)

CLOSED = [
    "x**2*exp(-x**2)*sin(3*x)",
    "y*cos(x - 2*y) + x*y**3",
    "exp(x/2)*cos(x)**2",
    "(x**2 + y)**3*exp(-(x - y)**2/2 - y**2)",
]


def mean_over(potential, x, width):
    """E L(x + width xi) by a product of Gauss-Hermite rules: numbers only, no formulas."""
    places, weights = np.polynomial.hermite_e.hermegauss(60)
    mesh = np.stack(np.meshgrid(*[places] * potential.dim, indexing="ij"), axis=-1)
    product = np.ones(mesh.shape[:-1])
    for i in range(potential.dim):
        shape = [1] * potential.dim
        shape[i] = -1
        product = product * (weights / weights.sum()).reshape(shape)
    return float((product * potential.energy(x + width * mesh)).sum())


@pytest.mark.parametrize("formula", CLOSED)
@pytest.mark.parametrize("width", [0.2, 0.6])
def test_closed_forms_are_means(formula, width):
    whole = Potential(formula, domain=(-2, 2))
    smooth = smoothed(whole, width)
    for x in np.random.default_rng(1).uniform(-1.5, 1.5, (4, whole.dim)):
        assert float(smooth.energy(x)) == pytest.approx(mean_over(whole, x, width), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(names()) - {"maier_stein", "two_functions", "bulk_and_outliers"}))
def test_the_catalogue(name):
    whole = lookup(name)
    smooth = smoothed(whole, 0.15)
    assert smooth.parameters["width"] == 0.15
    x = np.random.default_rng(2).uniform(-1.0, 1.0, whole.dim)
    assert float(smooth.energy(x)) == pytest.approx(mean_over(whole, x, 0.15), rel=1e-9)
    assert float(smooth.with_parameters(width=0.0).energy(x)) == pytest.approx(float(whole.energy(x)))
    again = Potential.from_record(smooth.record())
    assert float(again.energy(x)) == pytest.approx(float(smooth.energy(x)), rel=1e-12)


def test_a_parabola_is_lifted():
    smooth = smoothed(quadratic(h=3.0), 0.7)
    x = np.array([[-1.0], [0.4]])
    np.testing.assert_allclose(smooth.energy(x), 1.5 * x[:, 0] ** 2 + 1.5 * 0.7**2, rtol=1e-14)
    np.testing.assert_allclose(smooth.hessian(x), 3.0)


def test_a_wave_is_damped():
    smooth = smoothed(cosine(), 0.8)
    x = np.array([0.3])
    assert float(smooth.energy(x)) == pytest.approx(1 - math.exp(-0.32) * math.cos(0.3), rel=1e-13)


@settings(max_examples=25, deadline=None)
@given(one=st.floats(0.0, 1.5), other=st.floats(0.0, 1.5), x=st.floats(-2.0, 2.0))
def test_two_smoothings_are_one(one, other, x):
    twice = TWICE.with_parameters(width=one, width_1=other)
    once = ONCE.with_parameters(width=math.hypot(one, other))
    point = np.array([x, -0.5 * x])
    assert float(twice.energy(point)) == pytest.approx(float(once.energy(point)), rel=1e-10, abs=1e-10)


ONCE = smoothed(Potential("(x**2 - 1)**2/4 + (y + x**2/2)**2 + sin(2*x - y) + exp(-x**2 - y**2)"), 0.3)
TWICE = smoothed(
    smoothed(Potential("(x**2 - 1)**2/4 + (y + x**2/2)**2 + sin(2*x - y) + exp(-x**2 - y**2)"), 0.3), 0.4
)


def test_two_wells_merge_at_one_width():
    """x^4/4 - x^2/2 becomes x^4/4 + (3 w^2 - 1) x^2/2: one well from 3 w^2 = 1 on."""
    edge = 1 / math.sqrt(3)
    smooth = smoothed(double_well(), 0.1)
    before = smooth.with_parameters(width=0.999 * edge).minima()
    assert [round(abs(float(point.x[0])), 9) for point in before] == [round(math.sqrt(1 - 0.999**2), 9)] * 2
    (after,) = smooth.with_parameters(width=1.001 * edge).minima()
    assert after.x[0] == 0.0


def test_the_flat_well_survives():
    """At equal depth the sharp well is lifted more, by a half of its curvature times the width squared."""
    smooth = smoothed(sharp_and_flat(), 0.1)
    flat, sharp = smooth.minima()
    assert flat.x[0] > 0 > sharp.x[0]
    assert sharp.energy - flat.energy == pytest.approx(9 * 0.1**2, rel=0.3)
    (last,) = smooth.with_parameters(width=0.6).minima()
    assert last.x[0] > 0


@pytest.mark.parametrize(
    ("potential", "width", "message"),
    [
        (two_functions(), 0.1, "has a kink"),
        (Potential("1/(1 + x**2 + y**2) + x**2"), 0.1, "mixes variables"),
        (Potential("exp(x**2)"), 0.8, "its mean is infinite"),
        (double_well(), -0.1, "at least 0"),
        (double_well(), math.nan, "width"),
    ],
)
def test_what_cannot_be_smoothed(potential, width, message):
    with pytest.raises(InputError, match=message):
        smoothed(potential, width)


def test_more_nodes_come_closer():
    x = np.array([0.7])
    fine = float(smoothed(three_wells(), 0.8, nodes=120).energy(x))
    errors = [abs(float(smoothed(three_wells(), 0.8, nodes=n).energy(x)) - fine) for n in (4, 12, 40)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    with pytest.raises(InputError, match="whole number from 1 to 200"):
        smoothed(three_wells(), 0.8, nodes=0)


@settings(max_examples=20, deadline=None)
@given(k=st.floats(0.2, 20.0), gamma=st.floats(0.5, 20.0), beta=st.floats(0.5, 20.0), x=st.floats(-1.0, 1.0))
def test_the_effective_energy_of_a_parabola(k, gamma, beta, x):
    """Curvature k gamma/(k + gamma), lifted by log((k + gamma)/gamma)/(2 beta)."""
    reach = 8 / math.sqrt(beta * k) + 1
    bowl = EffectiveEnergy(Potential("k*x**2/2", parameters={"k": k}, domain=(-reach, reach)), gamma, beta)
    stiff = k * gamma / (k + gamma)
    lift = math.log((k + gamma) / gamma) / (2 * beta)
    assert float(bowl.energy([x])) == pytest.approx(stiff * x * x / 2 + lift, rel=1e-9, abs=1e-10)
    assert bowl.gradient([x])[0] == pytest.approx(stiff * x, abs=1e-8 * (1 + gamma))
    assert bowl.hessian([x])[0, 0] == pytest.approx(stiff, rel=1e-6)


def test_the_effective_energy_in_the_plane():
    bowl = EffectiveEnergy(Potential("2*x**2 + y**2/2 + x*y", domain=(-6, 6)), 3.0, 2.0)
    k = np.array([[4.0, 1.0], [1.0, 1.0]])
    stiff = 3.0 * k @ np.linalg.inv(k + 3.0 * np.eye(2))
    x = np.array([0.5, -0.3])
    np.testing.assert_allclose(bowl.hessian(x), stiff, atol=1e-8)
    np.testing.assert_allclose(bowl.gradient(x), stiff @ x, atol=1e-8)
    lift = math.log(np.linalg.det(k / 3.0 + np.eye(2))) / 4.0
    assert float(bowl.energy(x)) == pytest.approx(x @ stiff @ x / 2 + lift, abs=1e-9)


def test_derivatives_of_the_effective_energy():
    rough = EffectiveEnergy(curved_valley(), 4.0, 8.0)
    x, h = np.array([0.4, 0.2]), 1e-5
    for i, axis in enumerate(np.eye(2)):
        slope = (rough.energy(x + h * axis) - rough.energy(x - h * axis)) / (2 * h)
        assert slope == pytest.approx(rough.gradient(x)[i], abs=1e-8)
        bend = (rough.gradient(x + h * axis) - rough.gradient(x - h * axis)) / (2 * h)
        np.testing.assert_allclose(bend, rough.hessian(x)[i], atol=1e-7)


def test_a_stiff_spring_gives_the_landscape_back():
    well = double_well()
    near = EffectiveEnergy(Potential(well.expression, parameters=well.parameters, domain=(-3, 3)), 1e3, 5.0)
    x = np.linspace(-1.5, 1.5, 7)[:, None]
    # First order in 1/gamma: L + (L''/beta - L'^2)/(2 gamma).
    first = well.energy(x) + (well.hessian(x)[:, 0, 0] / 5.0 - well.gradient(x)[:, 0] ** 2) / 2e3
    np.testing.assert_allclose(near.energy(x), first, atol=2e-5)


def test_the_bath_prefers_the_flat_well():
    wells = EffectiveEnergy(sharp_and_flat(), 5.0, 20.0)
    flat, sharp = wells.minima()
    assert flat.x[0] > 0 > sharp.x[0]
    # Both ends of the difference of log((k + gamma)/gamma)/(2 beta), k = 20 and 2.
    assert sharp.energy - flat.energy == pytest.approx(math.log(25 / 7) / 40, rel=0.15)


def test_two_wells_merge_where_the_spring_is_soft():
    """Cold wells at -1 and 1 are two points, and gamma (1 - beta gamma) is the curvature between them."""
    well = Potential("400*(x**2 - 1)**2", domain=(-3, 3))
    for gamma in (0.04, 0.06, 0.07):
        between = EffectiveEnergy(well, gamma, 20.0)
        assert between.hessian([0.0])[0, 0] == pytest.approx(gamma * (1 - 20 * gamma), abs=1e-4)
        assert len(between.minima()) == (1 if gamma < 0.05 else 2)


def test_a_kink_has_an_effective_energy():
    wells = EffectiveEnergy(Potential("min((x + 1)**2, 4*(x - 1)**2)", domain=(-6, 6)), 10.0, 20.0)
    first, second = wells.minima()
    assert first.x[0] == pytest.approx(-1.0, abs=0.01)
    assert second.x[0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("potential", "gamma", "beta", "message"),
    [
        (double_well(dim=3), 1.0, 1.0, "one or two variables"),
        (double_well(), 0.0, 1.0, "gamma is 0.0, but it must be above 0"),
        (double_well(), 1.0, -2.0, "beta is -2.0, but it must be above 0"),
        (Potential("x**2/2", domain=(-1, 1)), 5.0, 0.1, "reaches beyond its domain"),
        (cosine(), 1.0, 1.0, "reaches beyond its domain"),
    ],
)
def test_what_has_no_effective_energy(potential, gamma, beta, message):
    with pytest.raises(InputError, match=message):
        EffectiveEnergy(potential, gamma, beta)


def test_the_smoothed_surface_of_muller_and_brown_has_fewer_minima():
    smooth = smoothed(muller_brown(), 0.1)
    counts = [len(smooth.with_parameters(width=w).minima()) for w in (0.0, 0.3)]
    assert counts[0] == 3
    assert 1 <= counts[1] < 3
