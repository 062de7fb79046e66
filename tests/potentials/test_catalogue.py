"""What every landscape of the catalogue must satisfy, and the numbers of those that are known."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import potentials
from potentials import InputError, Potential, lookup, names, parse_expression
from potentials.catalogue import describe, shifted_styblinski_tang_covariance


def _options(name: str) -> list[dict[str, float]]:
    """The default, and a version with other values of everything that can be chosen."""
    known = inspect.signature(getattr(potentials, name)).parameters
    others = {"dim": 3, "k": 2.5, "tilt": -0.2, "h": 0.7, "a": 1.5, "q": 0.8}
    chosen = {key: value for key, value in others.items() if key in known}
    return [{}, chosen] if chosen else [{}]


CASES = [(name, options) for name in names() for options in _options(name)]


LABELS = [f"{name}-{'other' if options else 'default'}" for name, options in CASES]


@pytest.fixture(params=CASES, ids=LABELS, scope="module")
def landscape(request: pytest.FixtureRequest) -> Potential:
    name, options = request.param
    return lookup(name, **options)


def _points(landscape: Potential, count: int = 20) -> np.ndarray:
    low, high = np.clip(np.array(landscape.domain).T, -3.0, 3.0)
    return low + np.random.default_rng(1).random((count, landscape.dim)) * (high - low)


def _difference(function: object, x: np.ndarray, i: int) -> np.ndarray:
    """Fourth-order central difference by coordinate i; error about 1e-10 of the function's scale."""
    assert callable(function)
    h = np.zeros(x.shape[-1])
    h[i] = 1e-3
    return (8 * (function(x + h) - function(x - h)) - (function(x + 2 * h) - function(x - 2 * h))) / 12e-3


def test_gradient_is_the_derivative_of_the_energy(landscape: Potential) -> None:
    x = _points(landscape)
    expected = np.stack([_difference(landscape.energy, x, i) for i in range(landscape.dim)], axis=-1)
    np.testing.assert_allclose(landscape.gradient(x), expected, rtol=1e-6, atol=1e-6)


def test_hessian_is_symmetric_and_the_derivative_of_the_gradient(landscape: Potential) -> None:
    x = _points(landscape)
    expected = np.stack([_difference(landscape.gradient, x, i) for i in range(landscape.dim)], axis=-1)
    hessian = landscape.hessian(x)
    np.testing.assert_allclose(hessian, expected, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(hessian, np.swapaxes(hessian, -1, -2))


def test_symbolic_derivatives_agree_with_the_numeric_ones(landscape: Potential) -> None:
    x = _points(landscape, 1)[0]
    numbers = {s: v for s, v in zip(landscape.variables, x, strict=True)}
    numbers |= {s: landscape.parameters[s.name] for s in landscape.expression.free_symbols - set(numbers)}
    gradient = [float(entry.subs(numbers)) for entry in landscape.gradient_expressions]
    hessian = np.array(landscape.hessian_expressions.subs(numbers).tolist(), dtype=float)
    np.testing.assert_allclose(landscape.gradient(x), gradient, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(landscape.hessian(x), hessian, rtol=1e-10, atol=1e-9)


def test_critical_points_have_no_gradient_and_the_right_index(landscape: Potential) -> None:
    points = landscape.critical_points()
    assert points
    for point in points:
        slope = landscape.gradient(point.x)
        rounding = 1e-14 * (1.0 + np.abs(point.x)) * np.max(np.abs(point.hessian))
        assert np.all(np.abs(slope) <= 50 * rounding + 1e-12)
        assert point.energy == pytest.approx(float(landscape.energy(point.x)), rel=1e-13, abs=1e-13)
        measured = np.stack([_difference(landscape.gradient, point.x, i) for i in range(landscape.dim)])
        assert point.index == np.sum(np.linalg.eigvalsh(0.5 * (measured + measured.T)) < 0)
        assert not point.degenerate


def test_minima_are_sorted_and_are_minima(landscape: Potential) -> None:
    minima = landscape.minima()
    energies = [point.energy for point in minima]
    assert energies == sorted(energies)
    assert all(np.all(point.eigenvalues > 0) for point in minima)
    assert np.array_equal(landscape.deepest().x, minima[0].x)


def _flow_end(landscape: Potential, start: np.ndarray) -> np.ndarray:
    """Where an ordinary stiff integrator takes dx/dt = -grad L."""
    solution = solve_ivp(
        lambda _, x: -landscape.gradient(x),
        (0.0, 200.0),
        start,
        method="LSODA",
        jac=lambda _, x: -landscape.hessian(x),
        rtol=1e-8,
        atol=1e-10,
    )
    return solution.y[:, -1]


def test_rims_are_where_two_ways_down_part(landscape: Potential) -> None:
    for minimum in landscape.minima()[:3]:
        valley = landscape.valley(minimum)
        assert valley.contains(minimum.x)
        for saddle in valley.saddles[:3]:
            assert saddle.index == 1
            way = 1e-3 * np.linalg.eigh(saddle.hessian)[1][:, 0]
            ends = [_flow_end(landscape, saddle.x + side * way) for side in (1, -1)]
            inside = [bool(np.linalg.norm(end - minimum.x) < 1e-3) for end in ends]
            assert inside.count(True) == 1
            assert valley.contains(saddle.x + (1 if inside[0] else -1) * way)
            assert not valley.contains(saddle.x - (1 if inside[0] else -1) * way)


def test_landscape_survives_its_record(landscape: Potential) -> None:
    again = Potential.from_record(landscape.record())
    assert again == landscape
    assert again.domain == landscape.domain
    assert again.record() == landscape.record()


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


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.sampled_from(["double_well", "tilted_well", "styblinski_tang", "shifted_styblinski_tang"]),
    st.floats(0.05, 50.0),
)
def test_curvature_scale_moves_points_and_multiplies_hessians(name: str, k: float) -> None:
    original = lookup(name)
    for scaled in (lookup(name, k=k), original.with_parameters(k=k)):
        for before, after in zip(original.critical_points(), scaled.critical_points(), strict=True):
            np.testing.assert_allclose(after.x * np.sqrt(k), before.x, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(after.hessian, k * before.hessian, rtol=1e-11)
            assert after.energy == pytest.approx(before.energy, rel=1e-11, abs=1e-12)


def test_scaled_landscapes_stay_polynomial() -> None:
    for name in ("double_well", "tilted_well", "styblinski_tang", "shifted_styblinski_tang"):
        landscape = lookup(name, dim=2, k=2.0)
        assert landscape.expression.is_polynomial(*landscape.variables)
        assert landscape.expression.is_Add


def test_names_and_reasons() -> None:
    assert {"double_well", "styblinski_tang", "muller_brown", "quadratic", "cosine"} <= set(names())
    for name in names():
        assert describe(name).endswith(".")
        assert getattr(potentials, name)().name == name


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("styblinsky_tang", {}, "did you mean styblinski_tang"),
        ("Double-Well", {}, "did you mean double_well"),
        ("nothing_like_it_at_all", {}, "the catalogue has"),
        ("double_well", {"dmi": 2}, "did you mean dim"),
        ("muller_brown", {"k": 2}, "its options are none"),
        ("double_well", {"dim": 0}, "whole number"),
        ("double_well", {"dim": 2.5}, "whole number"),
        ("double_well", {"k": -1.0}, "not positive"),
        ("double_well", {"k": float("nan")}, "not positive"),
        ("double_well", {"k": "two"}, "not a finite number"),
        ("quadratic", {"dim": 3, "h": (1.0, 2.0)}, "2 curvatures"),
        ("cosine", {"q": float("inf")}, "not a finite number"),
    ],
)
def test_bad_lookups(name: str, options: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        lookup(name, **options)


def test_quadratic_takes_one_curvature_per_coordinate() -> None:
    landscape = potentials.quadratic(dim=3, h=(1.0, 2.0, 3.0))
    np.testing.assert_array_equal(landscape.hessian(np.zeros(3)), np.diag([1.0, 2.0, 3.0]))
    assert dict(landscape.parameters) == {"h1": 1.0, "h2": 2.0, "h3": 3.0}
