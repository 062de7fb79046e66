"""Landscapes of the catalogue against what is known or stated of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import potentials
from potentials import (
    CriticalPoint,
    Potential,
    parse_expression,
    shifted_styblinski_tang_covariance,
)

# Published: Müller & Brown 1979 give the minima (-0.558, 1.442), (0.623, 0.028), (-0.050, 0.467)
# with energies -146.700, -108.167, -80.768 and the saddles (-0.822, 0.624), (0.212, 0.293) with -40.665 and
# -72.249.


def test_muller_brown_has_its_published_critical_points() -> None:
    landscape = potentials.muller_brown()
    points = landscape.critical_points()
    minima = [(-0.558, 1.442, -146.700), (0.623, 0.028, -108.167), (-0.050, 0.467, -80.768)]
    saddles = [(0.212, 0.293, -72.249), (-0.822, 0.624, -40.665)]
    for index, published in ((0, minima), (1, saddles)):
        found = [(*point.x, point.energy) for point in points if point.index == index]
        np.testing.assert_allclose(found, published, atol=5.1e-4)
    rims = [len(landscape.saddles(around=point)) for point in landscape.minima()]
    assert rims == [1, 1, 2]


def test_styblinski_tang_numbers() -> None:
    left, top, right = potentials.styblinski_tang().critical_points()
    positions = [-2.903534027771, 0.156731256780, 2.746802770991]
    energies = [-39.166165703771, 0.195612359055, -25.029446655284]
    curvatures = [34.583059102551, -15.852611878888, 29.269552776338]
    found = (left, top, right)
    np.testing.assert_allclose([point.x[0] for point in found], positions, rtol=0, atol=1e-11)
    np.testing.assert_allclose([point.energy for point in found], energies, rtol=0, atol=1e-11)
    np.testing.assert_allclose([point.hessian[0, 0] for point in found], curvatures, rtol=0, atol=1e-11)
    assert top.energy - left.energy == pytest.approx(39.361778062827, abs=1e-11)
    assert top.energy - right.energy == pytest.approx(25.225059014339, abs=1e-11)


def test_shifted_styblinski_tang_numbers() -> None:
    found = [point.x[0] for point in potentials.shifted_styblinski_tang().critical_points()]
    np.testing.assert_allclose(found, [-2.35191, 0.25325, 2.09866], atol=5e-6)


@pytest.mark.parametrize("k", [1.0, 2.5])
def test_shifted_styblinski_tang_is_the_mean_of_its_samples(k: float) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)  # exact for these polynomials
    weights = weights / weights.sum()
    sample = potentials.styblinski_tang()
    mean = potentials.shifted_styblinski_tang(k=k)
    (covariance,) = shifted_styblinski_tang_covariance()
    c1 = Potential(covariance, parameters={"k": k})
    for theta in np.linspace(-3, 3, 7):
        shifted = (np.sqrt(k) * theta - nodes)[:, None]
        slopes = np.sqrt(k) * sample.gradient(shifted)[:, 0]
        average = weights @ slopes
        assert mean.gradient([theta])[0] == pytest.approx(average, rel=1e-12, abs=1e-9)
        assert c1.energy([theta]) == pytest.approx(weights @ (slopes - average) ** 2, rel=1e-11)
    assert parse_expression(shifted_styblinski_tang_covariance(3)[1]).free_symbols == (
        parse_expression("k*x2").free_symbols
    )


def test_quadratic_takes_one_curvature_per_coordinate() -> None:
    landscape = potentials.quadratic(dim=3, h=(1.0, 2.0, 3.0))
    np.testing.assert_array_equal(landscape.hessian(np.zeros(3)), np.diag([1.0, 2.0, 3.0]))
    assert dict(landscape.parameters) == {"h1": 1.0, "h2": 2.0, "h3": 3.0}


@settings(max_examples=20)
@given(
    sharp=st.floats(0.1, 1000.0),
    flat=st.floats(0.1, 1000.0),
    depth=st.floats(-3.0, 3.0),
    places=st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0)),
)
def test_sharp_and_flat_minima_are_what_was_asked_for(
    sharp: float, flat: float, depth: float, places: tuple[float, float]
) -> None:
    first, second = places
    assume(abs(first - second) > 0.2)
    landscape = potentials.sharp_and_flat(sharp=sharp, flat=flat, depth=depth, sharp_at=first, flat_at=second)
    left, top, right = landscape.critical_points()
    one, two = (left, right) if first < second else (right, left)
    # Places to a few units in the last place. A curvature is what is left of terms as large as the steepest
    # wall, and a well much deeper than its curvature alone would make it has steep walls.
    size = max(sharp, flat) * (second - first) ** 2 + 60 * abs(depth)
    curvature = 1e-12 * size / (second - first) ** 2
    assert one.x[0] == pytest.approx(first, rel=0, abs=4e-15)
    assert two.x[0] == pytest.approx(second, rel=0, abs=4e-15)
    assert one.hessian[0, 0] == pytest.approx(sharp, rel=0, abs=curvature)
    assert two.hessian[0, 0] == pytest.approx(flat, rel=0, abs=curvature)
    assert two.energy - one.energy == pytest.approx(depth, rel=0, abs=1e-13 * size)
    assert top.energy > max(one.energy, two.energy)


def test_sharp_and_flat_is_as_sharp_in_every_direction() -> None:
    landscape = potentials.sharp_and_flat(dim=3, sharp=50.0, flat=0.5, depth=-0.25)
    flat, sharp = landscape.minima()
    np.testing.assert_allclose(sharp.eigenvalues, 50.0, rtol=1e-9)
    np.testing.assert_allclose(flat.eigenvalues, 0.5, rtol=1e-9)
    assert flat.energy - sharp.energy == pytest.approx(-0.25, abs=1e-10)
    assert [point.index for point in landscape.critical_points()] == [0, 0, 1]


@settings(max_examples=20)
@given(curvature=st.floats(0.1, 100.0), spacing=st.floats(0.1, 20.0))
def test_three_wells_are_equal(curvature: float, spacing: float) -> None:
    points = potentials.three_wells(curvature=curvature, spacing=spacing).critical_points()
    wells, tops = points[::2], points[1::2]
    assert [point.index for point in points] == [0, 1, 0, 1, 0]
    np.testing.assert_allclose([p.x[0] for p in wells], [-spacing, 0.0, spacing], atol=1e-12 * spacing)
    np.testing.assert_allclose([p.hessian[0, 0] for p in wells], curvature, rtol=1e-10)
    np.testing.assert_allclose([p.energy for p in wells], 0.0, atol=1e-20 * curvature * spacing**2)
    side = spacing * np.sqrt(np.sqrt(5) - 2)
    np.testing.assert_allclose([p.x[0] for p in tops], [-side, side], rtol=1e-12)
    height = curvature * spacing**2 * (5 * np.sqrt(5) - 11) / 4
    np.testing.assert_allclose([p.energy for p in tops], height, rtol=1e-12)


def _rates(landscape: Potential, temperature: float) -> np.ndarray:
    """Eyring-Kramers rate from each minimum to each other, the minima in the order of their positions."""
    minima = sorted(landscape.minima(), key=lambda point: tuple(point.x))
    rates = np.zeros((len(minima), len(minima)))

    def rate(well: CriticalPoint, top: CriticalPoint) -> float:
        determinants = np.prod(well.eigenvalues) / np.abs(np.prod(top.eigenvalues))
        barrier = np.exp(-(top.energy - well.energy) / temperature)
        return float(np.abs(top.eigenvalues[0]) / (2 * np.pi) * np.sqrt(determinants) * barrier)

    for i, well in enumerate(minima):
        for j, other in enumerate(minima):
            shared = {tuple(np.round(top.x, 9)) for top in landscape.saddles(around=other)}
            rates[i, j] = sum(
                rate(well, top)
                for top in landscape.saddles(around=well)
                if i != j and tuple(np.round(top.x, 9)) in shared
            )
    return rates


def _shares(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Occupation of the jump process, and the escape times over their sum."""
    generator = rates - np.diag(rates.sum(axis=1))
    values, vectors = np.linalg.eig(generator.T)
    occupied = vectors[:, np.argmin(np.abs(values))].real
    times = 1 / rates.sum(axis=1)
    return occupied / occupied.sum(), times / times.sum()


def test_shares_of_wells_in_a_row_are_not_their_escape_times() -> None:
    rates = _rates(potentials.three_wells(), 0.05)
    np.testing.assert_allclose(rates[[0, 1, 1, 2], [1, 0, 2, 1]], rates[0, 1], rtol=1e-10)
    assert rates[0, 2] == rates[2, 0] == 0.0
    occupied, by_times = _shares(rates)
    np.testing.assert_allclose(occupied, [1 / 3, 1 / 3, 1 / 3], rtol=1e-9)
    np.testing.assert_allclose(by_times, [0.4, 0.2, 0.4], rtol=1e-9)


def test_shares_of_wells_in_a_ring_are_their_escape_times() -> None:
    rates = _rates(potentials.three_wells_ring(), 0.3)
    np.testing.assert_allclose(rates[~np.eye(3, dtype=bool)], rates[0, 1], rtol=1e-9)
    occupied, by_times = _shares(rates)
    np.testing.assert_allclose(occupied, 1 / 3, rtol=1e-9)
    np.testing.assert_allclose(by_times, 1 / 3, rtol=1e-9)


def test_lifting_the_middle_well_follows_its_formula() -> None:
    left, _, middle, _, right = potentials.three_wells(
        curvature=3.0, spacing=2.0, middle=0.3
    ).critical_points()
    assert (left.energy, right.energy) == (0.0, 0.0)
    assert middle.energy == pytest.approx(0.3, rel=1e-14)
    assert middle.hessian[0, 0] == pytest.approx(3.0 - 8 * 0.3 / 4, rel=1e-12)
    assert left.hessian[0, 0] == pytest.approx(3.0 + 2 * 0.3 / 4, rel=1e-12)


@pytest.mark.parametrize(("centre", "kinds"), [(-2.0, [3, 3, 1]), (-0.3, [3, 3, 1]), (0.1, [4, 3, 0])])
def test_ring_of_wells_around_a_hill_or_a_fourth_well(centre: float, kinds: list[int]) -> None:
    landscape = potentials.three_wells_ring(centre)
    points = landscape.critical_points()
    assert [sum(point.index == i for point in points) for i in range(3)] == kinds
    outer = [p for p in points if p.index == 0 and np.linalg.norm(p.x) > 1e-6]
    root = np.sqrt(1 - 4 * centre)
    np.testing.assert_allclose([np.linalg.norm(p.x) for p in outer], (1 + root) / 2, rtol=1e-10)
    tops = [np.linalg.norm(p.x) for p in points if p.index == 1]
    np.testing.assert_allclose(tops, abs(root - 1) / 2, rtol=1e-9)


def test_a_monkey_saddle_is_degenerate() -> None:
    landscape = potentials.three_wells_ring(centre=0.0)
    origin = [point for point in landscape.critical_points() if np.linalg.norm(point.x) < 1e-3]
    assert [point.degenerate for point in origin] == [True]
    assert len(landscape.minima()) == 3
    assert all(landscape.saddles(around=minimum) == () for minimum in landscape.minima())


@pytest.mark.parametrize("c", [1.0, 0.5, 0.25, 0.0, -0.5])
def test_curved_valley_points(c: float) -> None:
    landscape = potentials.curved_valley(c)
    points = landscape.critical_points()
    found = sorted((point.index, *np.round(point.x, 10), round(point.energy, 12)) for point in points)
    assert found == [(0, -1.0, 0.0, 0.0), (0, 1.0, 0.0, 0.0), (1, 0.0, c, 0.25)]
    assert landscape.separable == (c == 0.0) or c == 0.0


def test_winding_valley_has_one_minimum_and_a_flat_bent_floor() -> None:
    landscape = potentials.winding_valley(floor=0.05, wall=30.0, bend=0.4, turns=3.0)
    (minimum,) = landscape.critical_points()
    assert np.linalg.norm(minimum.x) < 1e-12
    assert np.linalg.det(minimum.hessian) == pytest.approx(0.05 * 30.0, rel=1e-10)
    x = np.linspace(-3, 3, 13)
    floor = np.stack([x, 0.4 * np.sin(3 * x)], axis=-1)
    np.testing.assert_allclose(landscape.energy(floor), 0.025 * x**2, atol=1e-14)
    np.testing.assert_allclose(landscape.hessian(floor)[:, 1, 1], 30.0)


def test_bulk_and_outliers_spectrum() -> None:
    landscape = potentials.bulk_and_outliers(dim=12, outliers=3, bulk=0.2, outlier=5.0, barrier=0.7)
    minima = landscape.minima()
    assert len(minima) == 2**12
    for minimum in minima[:: 2**9]:
        assert minimum.energy == pytest.approx(0.0, abs=1e-13)
        np.testing.assert_allclose(minimum.eigenvalues[-3:], [5.0, 10.0, 15.0], rtol=1e-12)
        bulk = minimum.eigenvalues[:-3]
        np.testing.assert_allclose([bulk[0], bulk[-1]], [0.002, 0.2], rtol=1e-12)
        np.testing.assert_allclose(np.diff(np.log(bulk)), np.log(100) / 8, rtol=1e-3)
    rim = landscape.saddles(around=landscape.deepest())
    np.testing.assert_allclose([saddle.energy for saddle in rim], 0.7, rtol=1e-12)
    down, up = np.sort(rim[0].eigenvalues)[0], minima[0].eigenvalues
    assert np.min(np.abs(up + 2 * down)) < 1e-12  # curvature at the saddle is minus half that at the minimum


@pytest.mark.parametrize("outliers", [0, 4])
def test_bulk_or_outliers_may_be_missing(outliers: int) -> None:
    landscape = potentials.bulk_and_outliers(dim=4, outliers=outliers)
    assert set(landscape.parameters) == {"barrier", "outlier" if outliers else "bulk"}


@given(alpha=st.floats(0.2, 5.0), pull=st.floats(0.05, 1.0))
def test_rescaling_changes_the_sharpness_and_not_the_function(alpha: float, pull: float) -> None:
    plain = potentials.rescaled_wells(alpha=1.0, pull=pull)
    scaled = plain.with_parameters(alpha=alpha)
    shape = np.diag([1 / alpha, alpha])
    points = np.random.default_rng(0).uniform(-2, 2, (10, 2))
    np.testing.assert_allclose(scaled.energy(points / np.diag(shape)), plain.energy(points), rtol=1e-9)
    hessian = plain.hessian([1.0, 1.0])
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), sorted([2.0, 2 * pull]), rtol=1e-12)
    np.testing.assert_allclose(scaled.hessian([alpha, 1 / alpha]), shape @ hessian @ shape, rtol=1e-9)
    trace = np.trace(scaled.hessian([alpha, 1 / alpha]))
    assert trace == pytest.approx((1 + pull) * (alpha**2 + alpha**-2), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 2.0, 5.0])
def test_rescaled_wells_are_found_at_every_scale(alpha: float) -> None:
    landscape = potentials.rescaled_wells(alpha=alpha)
    found = [(point.index, *point.x, point.energy) for point in landscape.critical_points()]
    expected = [(0, -alpha, -1 / alpha, 0.0), (0, alpha, 1 / alpha, 0.0), (1, 0.0, 0.0, 0.5)]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_maier_stein_is_a_gradient_only_where_alpha_is_mu() -> None:
    for alpha, mu in ((1.0, 1.0), (0.4, 0.4), (10.0, 1.0)):
        field = potentials.maier_stein(alpha=alpha, mu=mu)
        jacobian = field.jacobian(np.random.default_rng(0).uniform(-1, 1, (20, 2)))
        symmetric = np.allclose(jacobian, np.swapaxes(jacobian, 1, 2), atol=1e-12)
        assert symmetric == (alpha == mu)


@pytest.mark.parametrize(("alpha", "mu"), [(1.0, 1.0), (10.0, 1.0), (4.0, 0.05)])
def test_maier_stein_fixed_points(alpha: float, mu: float) -> None:
    field = potentials.maier_stein(alpha=alpha, mu=mu)
    left, right = field.attractors()
    np.testing.assert_allclose([left.x, right.x], [[-1, 0], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(left.eigenvalues, sorted([-2.0, -2 * mu]), rtol=1e-12)
    for attractor in (left, right):
        (saddle,) = field.saddles(around=attractor)
        np.testing.assert_allclose(saddle.x, 0.0, atol=1e-12)
        np.testing.assert_allclose(saddle.eigenvalues, [-mu, 1.0], rtol=1e-12)
