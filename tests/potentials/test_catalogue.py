"""What every landscape of the catalogue must satisfy, each at its defaults and at other values.

A new entry is tested here without being told: all that is used of it are its name and its options.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import potentials
from potentials import CriticalPoint, DriftField, FixedPoint, InputError, Potential, Valley, lookup, names
from potentials.catalogue import describe, options

Landscape = Potential | DriftField
Function = Callable[[np.ndarray], np.ndarray]


def _others(name: str) -> dict[str, Any]:
    """Another value of everything that can be chosen."""
    return {
        key: 3 if key == "dim" else default if isinstance(default, int) else 1.25 * default + 0.1
        for key, default in options(name).items()
    }


MADE = {
    f"{name}-{'other' if chosen else 'default'}": lookup(name, **chosen)
    for name in names()
    for chosen in ({}, _others(name))
}


def over(kind: type) -> Any:
    """A test for each landscape of one kind."""
    chosen = {label: made for label, made in MADE.items() if isinstance(made, kind)}
    return pytest.mark.parametrize("landscape", chosen.values(), ids=chosen)


every_landscape = over(object)
every_potential = over(Potential)
every_drift_field = over(DriftField)


def _points(landscape: Landscape, count: int = 20) -> np.ndarray:
    low, high = np.clip(np.array(landscape.domain).T, -3.0, 3.0)
    return low + np.random.default_rng(1).random((count, landscape.dim)) * (high - low)


def _difference(function: Function, x: np.ndarray, i: int, step: float) -> np.ndarray:
    """Sixth-order central difference by coordinate i."""
    h = np.zeros(x.shape[-1])
    h[i] = step
    one, two, three = (function(x + n * h) - function(x - n * h) for n in (1, 2, 3))
    return (45 * one - 9 * two + three) / (60 * step)


def _check_derivative(derivative: Function, function: Function, x: np.ndarray) -> None:
    """Every partial derivative lies where differences of two steps say that it must.

    Their distance is 63 times the truncation error of the finer one; to it comes the rounding of the
    function's values, 100 units in the last place, over the step.
    """
    step = 4e-3
    for i in range(x.shape[-1]):
        coarse, fine = (_difference(function, x, i, size) for size in (step, step / 2))
        around = np.abs([function(x + n * step * np.eye(x.shape[-1])[i]) for n in (-3, 0, 3)]).max(axis=0)
        rounding = 100 * 2.2e-16 * (1.0 + around) / (step / 2)
        error = np.abs(derivative(x)[..., i] - fine)
        assert np.all(error <= np.abs(coarse - fine) + rounding)
        assert np.all(np.abs(coarse - fine) + rounding <= 1e-5 * (1.0 + np.abs(derivative(x)).max()))


@every_potential
def test_gradient_and_hessian_are_the_derivatives_of_the_energy(landscape: Potential) -> None:
    x = _points(landscape)
    _check_derivative(landscape.gradient, landscape.energy, x)
    _check_derivative(landscape.hessian, landscape.gradient, x)
    np.testing.assert_array_equal(landscape.hessian(x), np.swapaxes(landscape.hessian(x), -1, -2))


@every_drift_field
def test_jacobian_is_the_derivative_of_the_drift(landscape: DriftField) -> None:
    x = _points(landscape)
    _check_derivative(landscape.jacobian, landscape.drift, x)


def test_a_wrong_derivative_is_noticed() -> None:
    x = np.array([[0.3, 0.7]])
    for wrong in (1.0 + 1e-8, -1.0):
        with pytest.raises(AssertionError):
            _check_derivative(lambda x, w=wrong: 2 * w * x, lambda x: (x**2).sum(axis=-1), x)


def _numbers(landscape: Landscape, x: np.ndarray) -> dict[Any, float]:
    values = dict(zip(landscape.variables, map(float, x), strict=True))
    symbols = {item for expression in landscape.force_expressions for item in expression.free_symbols}
    return values | {item: landscape.parameters[item.name] for item in symbols - set(values)}


@every_landscape
def test_symbolic_derivatives_agree_with_the_numeric_ones(landscape: Landscape) -> None:
    x = _points(landscape, 1)[0]
    numbers = _numbers(landscape, x)
    force = [float(entry.subs(numbers)) for entry in landscape.force_expressions]
    if isinstance(landscape, Potential):
        drift, symbolic, numeric = (
            -landscape.gradient(x),
            landscape.hessian_expressions,
            landscape.hessian(x),
        )
        opposite = [-float(entry.subs(numbers)) for entry in landscape.gradient_expressions]
        np.testing.assert_allclose(force, opposite, rtol=1e-12)
    else:
        drift, symbolic, numeric = landscape.drift(x), landscape.jacobian_expressions, landscape.jacobian(x)
    np.testing.assert_allclose(drift, force, rtol=1e-10, atol=1e-9)
    matrix = np.array(symbolic.subs(numbers).tolist(), dtype=float)
    np.testing.assert_allclose(numeric, matrix, rtol=1e-10, atol=1e-9)


def _critical_points(landscape: Potential) -> tuple[CriticalPoint, ...]:
    """All of them, or, where they are too many to list, the deepest minimum and its rim."""
    if not (landscape.separable and landscape.dim > 6):
        return landscape.critical_points()
    with pytest.raises(InputError, match="too many to list"):
        landscape.critical_points()
    deepest = landscape.deepest()
    return (deepest, *landscape.saddles(around=deepest))


@every_potential
def test_critical_points_have_no_gradient_and_the_right_index(landscape: Potential) -> None:
    points = _critical_points(landscape)
    assert points
    for point in points:
        slope = landscape.gradient(point.x)
        rounding = 1e-14 * (1.0 + np.abs(point.x)) * np.max(np.abs(point.hessian))
        assert np.all(np.abs(slope) <= 50 * rounding + 1e-12)
        assert point.energy == pytest.approx(float(landscape.energy(point.x)), rel=1e-13, abs=1e-13)
        measured = np.stack([_difference(landscape.gradient, point.x, i, 1e-3) for i in range(landscape.dim)])
        assert point.index == np.sum(np.linalg.eigvalsh(0.5 * (measured + measured.T)) < 0)
        assert not point.degenerate


@every_drift_field
def test_fixed_points_have_no_drift_and_the_right_index(landscape: DriftField) -> None:
    assert landscape.attractors()
    for point in landscape.fixed_points():
        assert np.all(np.abs(landscape.drift(point.x)) <= 1e-12 * (1.0 + np.max(np.abs(point.jacobian))))
        measured = np.stack(
            [_difference(landscape.drift, point.x, i, 1e-3) for i in range(landscape.dim)], axis=-1
        )
        assert point.index == np.sum(np.linalg.eigvals(measured).real > 0)
        assert not point.degenerate


@every_potential
def test_minima_come_lowest_first(landscape: Potential) -> None:
    minima = [point for point in _critical_points(landscape) if point.is_minimum]
    assert all(np.all(point.eigenvalues > 0) for point in minima)
    assert landscape.deepest().energy == min(point.energy for point in minima)
    if len(minima) > 1:
        listed = landscape.minima()
        energies = [point.energy for point in listed]
        assert energies == sorted(energies)
        assert np.array_equal(landscape.deepest().x, listed[0].x)
        assert len(listed) == len(minima)


def _flow_end(landscape: Landscape, start: np.ndarray, slowest: float) -> np.ndarray:
    """Where an ordinary stiff integrator takes dx/dt = force(x) in 40 relaxation times."""
    if isinstance(landscape, Potential):
        force, derivative, sign = landscape.gradient, landscape.hessian, -1.0
    else:
        force, derivative, sign = landscape.drift, landscape.jacobian, 1.0
    solution = solve_ivp(
        lambda _, x: sign * force(x),
        (0.0, 40.0 / slowest),
        start,
        method="LSODA",
        jac=lambda _, x: sign * derivative(x),
        rtol=1e-8,
        atol=1e-10,
    )
    return solution.y[:, -1]


def _check_parting(
    landscape: Landscape, saddle: CriticalPoint | FixedPoint, home: CriticalPoint | FixedPoint
) -> np.ndarray:
    """Of the two ways down from the saddle one ends in `home` and one elsewhere; the step on the first."""
    assert saddle.index == 1
    if isinstance(saddle, CriticalPoint):
        way = np.linalg.eigh(saddle.hessian)[1][:, 0]
    else:
        values, vectors = np.linalg.eig(saddle.jacobian)
        way = vectors[:, np.argmax(values.real)].real
    way = 1e-3 * way / np.linalg.norm(way)
    slowest = min(np.min(np.abs(np.real(point.eigenvalues))) for point in (saddle, home))
    ends = [_flow_end(landscape, saddle.x + side * way, slowest) for side in (1, -1)]
    inside = [bool(np.linalg.norm(end - home.x) < 1e-3) for end in ends]
    assert inside.count(True) == 1
    return way if inside[0] else -way


@every_potential
def test_rims_are_where_two_ways_down_part(landscape: Potential) -> None:
    for minimum in [point for point in _critical_points(landscape) if point.is_minimum][:3]:
        valley = landscape.valley(minimum)
        assert valley.contains(minimum.x)
        for saddle in valley.saddles[:3]:
            inward = _check_parting(landscape, saddle, minimum)
            assert _inside_own_rim(valley, saddle, saddle.x + inward)
            assert not _inside_own_rim(valley, saddle, saddle.x - inward)
            assert not valley.contains(saddle.x - inward)


def _inside_own_rim(valley: Valley, saddle: CriticalPoint, x: np.ndarray) -> bool:
    """In a box, inside; of planes, which may cut a corner at another saddle, on the inner side of its own."""
    if valley.points is None or valley.normals is None:
        return bool(valley.contains(x))
    own = int(np.argmin(np.linalg.norm(valley.points - saddle.x, axis=1)))
    return bool((x - valley.points[own]) @ valley.normals[own] < 0)


@every_drift_field
def test_borders_are_where_two_ways_out_part(landscape: DriftField) -> None:
    for attractor in landscape.attractors():
        for saddle in landscape.saddles(around=attractor):
            inward = _check_parting(landscape, saddle, attractor)
            assert np.linalg.norm(landscape.attractor(saddle.x + inward).x - attractor.x) < 1e-6


@every_landscape
def test_landscape_survives_its_record_and_its_pickle(landscape: Landscape) -> None:
    kind = type(landscape)
    for again in (kind.from_record(landscape.record()), pickle.loads(pickle.dumps(landscape))):
        assert again == landscape
        assert hash(again) == hash(landscape)
        assert (again.name, again.domain) == (landscape.name, landscape.domain)
        assert again.record() == landscape.record()


@pytest.mark.parametrize("name", names())
def test_parameters_change_without_new_derivation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The formulas built with other values are those of the defaults with the values put in."""
    landscape = lookup(name)
    x = _points(landscape)
    kinds = ("energy", "gradient", "hessian") if isinstance(landscape, Potential) else ("drift", "jacobian")
    for kind in kinds:
        getattr(landscape, kind)(x)
    values = {key: value for key, value in _others(name).items() if key in landscape.parameters}
    built = lookup(name, **values)
    expected = {kind: getattr(built, kind)(x) for kind in kinds}

    def forbidden(*_: object) -> None:
        raise AssertionError("derived again")

    for place in ("landscape", "drift_field"):
        monkeypatch.setattr(f"potentials.{place}.Tape", forbidden)
        monkeypatch.setattr(f"potentials.{place}.differentiate", forbidden)
    changed = landscape.with_parameters(**values)
    for kind in kinds:
        np.testing.assert_allclose(getattr(changed, kind)(x), expected[kind], rtol=1e-12, atol=1e-12)
    assert (changed == landscape) == (not values)


SCALED = [name for name in names() if "k" in options(name)]


@pytest.mark.parametrize("name", SCALED)
@given(k=st.floats(0.05, 50.0))
def test_curvature_scale_moves_points_and_multiplies_hessians(name: str, k: float) -> None:
    original = lookup(name)
    for scaled in (lookup(name, k=k), original.with_parameters(k=k)):
        # Mirror images have equal energies, and rounding decides which comes first.
        here = sorted(original.critical_points(), key=lambda point: tuple(np.round(point.x, 6)))
        there = sorted(scaled.critical_points(), key=lambda point: tuple(np.round(point.x * np.sqrt(k), 6)))
        for before, after in zip(here, there, strict=True):
            np.testing.assert_allclose(after.x * np.sqrt(k), before.x, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(after.hessian, k * before.hessian, rtol=1e-11)
            assert after.energy == pytest.approx(before.energy, rel=1e-11, abs=1e-12)


def test_scaled_landscapes_are_there_and_stay_polynomial() -> None:
    assert {"double_well", "styblinski_tang"} <= set(SCALED)
    for name in SCALED:
        landscape = lookup(name, dim=2, k=2.0)
        assert landscape.expression.is_polynomial(*landscape.variables)
        assert landscape.expression.is_Add


@pytest.mark.parametrize("name", names())
def test_names_and_reasons(name: str) -> None:
    assert describe(name).endswith(".")
    assert 30 <= len(describe(name)) <= 105
    assert getattr(potentials, name)().name == name
    assert name in potentials.__all__


def test_the_catalogue_is_complete() -> None:
    assert {
        "double_well", "tilted_well", "styblinski_tang", "shifted_styblinski_tang", "muller_brown",
        "curved_valley", "winding_valley", "three_wells", "three_wells_ring", "sharp_and_flat",
        "rescaled_wells", "bulk_and_outliers", "maier_stein", "quadratic", "cosine",
    } <= set(names())  # fmt: skip


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
        ("sharp_and_flat", {"flat": 0.0}, "not positive"),
        ("sharp_and_flat", {"sharp_at": 1.0}, "give two places"),
        ("three_wells", {"spacing": -1.0}, "not positive"),
        ("three_wells_ring", {"centre": 0.25}, "has one well"),
        ("curved_valley", {"c": "much"}, "not a finite number"),
        ("winding_valley", {"floor": 0.0}, "not positive"),
        ("rescaled_wells", {"alpha": 0.0}, "not positive"),
        ("bulk_and_outliers", {"outliers": 2.5}, "whole number from 0 to 20"),
        ("bulk_and_outliers", {"dim": 3, "outliers": 4}, "whole number from 0 to 3"),
        ("bulk_and_outliers", {"barrier": "high"}, "not a finite number"),
        ("maier_stein", {"mu": -1.0}, "not positive"),
    ],
)
def test_bad_lookups(name: str, options: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        lookup(name, **options)
