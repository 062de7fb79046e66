"""Critical points: complete where possible, verified where searched, composed where separable."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from potentials import CriticalPoint, InputError, Potential, separable, styblinski_tang, symbol
from potentials.search import Search

x = symbol("x")


def _positions(potential: Potential) -> list[float]:
    return [float(point.x[0]) for point in potential.critical_points()]


roots = st.lists(st.integers(-40, 40).map(lambda n: sp.Rational(n, 8)), min_size=1, max_size=7)


@settings(deadline=None, derandomize=True)
@given(roots)
def test_polynomials_with_chosen_roots(chosen: list[sp.Rational]) -> None:
    slope = sp.expand(sp.Mul(*(x - root for root in chosen)))
    potential = Potential(sp.integrate(slope, x))
    distinct = sorted(set(chosen))
    assert _positions(potential) == [float(root) for root in distinct]
    for point, root in zip(potential.critical_points(), distinct, strict=True):
        assert point.degenerate == (chosen.count(root) > 1)
        if not point.degenerate:
            above = sum(bool(other > root) for other in chosen)
            assert point.index == above % 2  # the sign of the slope alternates, upwards at the right end


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.lists(st.floats(-10, 10), min_size=4, max_size=6))
@example([7.628069136592067e-152, 2.934964836211102e-31, 1.0, 0.0])  # roots near -1e-121 and -2e-31
def test_real_roots_of_random_polynomials_are_all_found(coefficients: list[float]) -> None:
    terms = (sp.Rational(repr(c)) * x ** (i + 1) for i, c in enumerate(coefficients))
    energy = sp.Add(*terms) + x**8
    potential = Potential(energy)
    exact = sp.Poly(sp.diff(energy, x), x).count_roots()
    assert len(potential.critical_points()) == exact
    for point in potential.critical_points():
        if point.degenerate:
            continue
        slope = sp.diff(energy, x)
        here, above, below = (
            slope.subs(x, sp.Rational(float(v)))
            for v in (point.x[0], *np.nextafter(point.x[0], [np.inf, -np.inf]))
        )
        assert abs(here) <= abs(above - below)  # within two units in the last place of the exact root


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1 - cos(x)", [n * np.pi for n in range(-3, 4)]),
        ("cosh(x)", [0.0]),
        ("exp(x) - 2*x", [np.log(2.0)]),
        ("x**2/2 + 0.5*cos(2*x)", [-0.94774713, 0.0, 0.94774713]),
        ("x + 1/x", [-1.0, 1.0]),
        ("-exp(-x**2)", [0.0]),
        ("abs(x)", []),
        ("abs(x - 0.3)", []),
        ("abs(x)**3 - abs(x)**2", [-2 / 3, 0.0, 2 / 3]),
        ("max(x, -x)", []),
        ("exp(x)", []),
        ("max(x, 0)", []),
        ("exp(-x**2) - exp(-(x - 1)**2)/2", [-0.15569778, 1.43965657]),
    ],
)
def test_other_functions_are_scanned(formula: str, expected: list[float]) -> None:
    np.testing.assert_allclose(_positions(Potential(formula)), expected, atol=1e-8)


@pytest.mark.parametrize("formula", ["x**4", "x**3", "cosh(x) - 1 - x**2/2", "x**3*exp(-x**2/100)"])
def test_degenerate_points_are_no_minima(formula: str) -> None:
    potential = Potential(formula, domain=(-2, 2))
    (point,) = potential.critical_points()
    assert point.degenerate
    assert abs(point.x[0]) < 1e-3
    assert potential.minima() == ()
    with pytest.raises(InputError, match="no non-degenerate minimum"):
        potential.deepest()


def test_flat_inflections_are_seen_without_a_sign_change() -> None:
    points = Potential("x + sin(x)").critical_points()
    np.testing.assert_allclose([p.x[0] for p in points], np.pi * np.array([-3, -1, 1, 3]), atol=1e-6)
    assert all(point.degenerate for point in points)


def test_rims_just_outside_the_domain_are_found() -> None:
    valley = Potential("1 - cos(x)", domain=(-1, 1)).valley([0.5])
    np.testing.assert_allclose([valley.lower, valley.upper], [[-np.pi], [np.pi]])


def test_deepest_valley_of_ten_dimensions_without_listing_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    class Counted(CriticalPoint):
        def __post_init__(self) -> None:
            nonlocal made
            made += 1
            super().__post_init__()

    def forbidden(*_: object) -> None:
        raise AssertionError("critical points were enumerated")

    monkeypatch.setattr(separable, "product", forbidden)
    monkeypatch.setattr(separable, "CriticalPoint", Counted)
    potential = styblinski_tang(dim=10)
    deepest = potential.deepest()
    saddles = potential.saddles(around=deepest)
    np.testing.assert_allclose(deepest.x, np.full(10, -2.903534027771), atol=1e-11)
    assert len(saddles) == 10
    assert made <= 30
    for saddle in saddles:
        assert saddle.index == 1
        assert saddle.energy - deepest.energy == pytest.approx(39.361778062827, abs=1e-9)
        assert np.sum(np.abs(saddle.x - 0.156731256780) < 1e-11) == 1
    valley = potential.valley(deepest)
    assert valley.kind == "box"
    np.testing.assert_allclose(valley.upper, np.full(10, 0.156731256780), atol=1e-11)
    assert np.all(np.isneginf(valley.lower))
    with pytest.raises(AssertionError, match="enumerated"):
        potential.minima()  # the forbidden listing would have been noticed


def test_long_lists_are_refused() -> None:
    potential = styblinski_tang(dim=13)
    with pytest.raises(InputError, match=r"8192 minima.*deepest"):
        potential.minima()
    with pytest.raises(InputError, match="1594323 critical points"):
        potential.critical_points()
    assert len(styblinski_tang(dim=12).minima()) == 4096


def test_small_separable_lists_are_complete() -> None:
    points = styblinski_tang(dim=3).critical_points()
    assert len(points) == 27
    assert [sum(point.index == i for point in points) for i in range(4)] == [8, 12, 6, 1]
    assert len(styblinski_tang(dim=3).minima()) == 8


quartics = st.tuples(st.integers(-12, 12), st.integers(-8, 8)).map(
    lambda c: f"(z**4 + {c[0]}*z**2 + {c[1]}*z)"
)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.lists(quartics, min_size=2, max_size=3), st.randoms(use_true_random=False))
def test_order_of_coordinates_does_not_matter(terms: list[str], random: object) -> None:
    order = list(range(len(terms)))
    random.shuffle(order)  # type: ignore[attr-defined]
    first = Potential("+".join(t.replace("z", f"x{i}") for i, t in enumerate(terms)))
    second = Potential("+".join(terms[j].replace("z", f"x{i}") for i, j in enumerate(order)))
    assert {(*p.x[order], p.index, p.degenerate) for p in first.critical_points()} == {
        (*p.x, p.index, p.degenerate) for p in second.critical_points()
    }


def test_search_finds_what_composition_knows() -> None:
    """A rotated separable landscape is coupled; its critical points are the rotated ones."""
    c, s = sp.Rational(3, 5), sp.Rational(4, 5)
    u, v = symbol("u"), symbol("v")
    plain = styblinski_tang(dim=2)
    turned = plain.expression.xreplace(
        dict(zip(plain.variables, (c * u + s * v, -s * u + c * v), strict=True))
    )
    coupled = Potential(turned, parameters={"k": 1.0}, domain=(-6, 6))
    assert not coupled.separable
    rotation = np.array([[0.6, 0.8], [-0.8, 0.6]])
    found = {(*np.round(rotation @ p.x, 9), p.index) for p in coupled.critical_points()}
    assert found == {(*np.round(p.x, 9), p.index) for p in plain.critical_points()}
    rims = {tuple(np.round(rotation @ p.x, 9)) for p in coupled.saddles(around=coupled.deepest())}
    assert rims == {tuple(np.round(p.x, 9)) for p in plain.saddles(around=plain.deepest())}
    valley = coupled.valley(coupled.deepest())
    assert valley.kind == "planes"  # exact here, because the rims of a separable landscape are planes
    points = np.random.default_rng(3).uniform(-4, 4, (500, 2))
    box = plain.valley(plain.deepest()).contains(points @ rotation.T)
    np.testing.assert_array_equal(valley.contains(points), box)
    assert 0.1 < box.mean() < 0.9


def test_search_classifies_all_of_himmelblau() -> None:
    potential = Potential("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", domain=(-6, 6))
    points = potential.critical_points()
    assert [sum(p.index == i for p in points) for i in range(3)] == [4, 4, 1]
    assert [len(potential.saddles(around=m)) for m in potential.minima()] == [2, 2, 2, 2]
    for given_minimum, rim in itertools.product(
        potential.minima()[:1], potential.saddles(potential.minima()[0])
    ):
        assert rim.energy > given_minimum.energy


def test_a_ring_of_minima_is_degenerate() -> None:
    potential = Potential("(x**2 + y**2 - 1)**2", domain=(-2, 2))
    points = potential.critical_points()
    assert all(p.degenerate for p in points if np.linalg.norm(p.x) > 0.5)
    assert [p.index for p in points if np.linalg.norm(p.x) < 0.5] == [2]
    assert potential.minima() == ()


def test_saddles_that_lead_elsewhere_are_left_out() -> None:
    """Three wells in a row, coupled to a second variable: the middle has two saddles, the ends one each."""
    potential = Potential("x**2*(x**2 - 4)**2/10 + (y - x**2/4)**2", domain=(-4, 4))
    left, middle, right = sorted(potential.minima(), key=lambda p: p.x[0])
    assert [len(potential.saddles(around=m)) for m in (left, middle, right)] == [1, 2, 1]
    assert potential.saddles(around=left)[0].x[0] < 0 < potential.saddles(around=right)[0].x[0]


def test_one_dimensional_search_agrees_with_the_scan() -> None:
    potential = Potential("x**2/2 + 2*cos(3*x)", domain=(-4, 4))
    searched = sorted(float(p.x[0]) for p in Search(potential).all())
    scanned = [position for position in _positions(potential) if abs(position) <= 4]
    np.testing.assert_allclose(searched, scanned, atol=1e-9)


@pytest.mark.parametrize(
    ("formula", "at"),
    [
        ("x**4/4 - x**2/2", [0.0]),
        ("-x**2", [1.0]),
        ("x**3/3 - x", [-2.0]),
        ("x**4/4 - x**2/2 + y**2 + x*y/10", [0.0, 0.0]),
        ("x**2 - y**2 + x*y", [1.0, 1.0]),
        ("1 - cos(x)", [50.0]),
        ("x**2", [np.nan]),
    ],
)
def test_points_in_no_valley(formula: str, at: list[float]) -> None:
    with pytest.raises(InputError, match="lies in no valley"):
        Potential(formula).valley(at)


def test_valley_of_a_point_is_that_of_the_minimum_below_it() -> None:
    potential = Potential("x**4/4 - x**2/2")
    assert potential.valley([-1e-9]).minimum.x[0] == -1.0
    assert potential.valley([1e-9]).minimum.x[0] == 1.0
    valley = potential.valley([-7.0])
    np.testing.assert_array_equal(
        valley.contains([[-8.0], [-1e-12], [0.0], [1.0]]), [True, True, False, False]
    )
    with pytest.raises(InputError, match="last dimension must be 1"):
        valley.contains([1.0, 2.0])


def test_rims_in_very_many_dimensions_are_refused_before_memory_runs_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hill = styblinski_tang(dim=400)
    assert len(hill.saddles(around=hill.deepest())) == 400
    monkeypatch.setattr("potentials.separable._MOST_RIMMED", 399)
    with pytest.raises(InputError, match="rim of a valley in 400 dimensions"):
        hill.valley(hill.deepest())
