"""Drift fields: symbols, numbers, fixed points, identity, and bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import DriftField, InputError, Potential, lookup, maier_stein, names, three_wells_ring

MAIER_STEIN = ["x - x**3 - alpha*x*y**2", "-mu*(1+x**2)*y"]
VALUES = {"alpha": 2.0, "mu": 0.5}


def test_formulas_give_drift_and_jacobian() -> None:
    field = DriftField(MAIER_STEIN, parameters=VALUES)
    assert [item.name for item in field.variables] == ["x", "y"]
    assert field.dim == 2
    x, y = 0.3, -0.7
    np.testing.assert_allclose(field.drift([x, y]), [x - x**3 - 2 * x * y**2, -0.5 * (1 + x**2) * y])
    np.testing.assert_allclose(
        field.jacobian([x, y]), [[1 - 3 * x**2 - 2 * y**2, -4 * x * y], [-x * y, -0.5 * (1 + x**2)]]
    )
    assert field.force_expressions == field.drift_expressions
    assert field.jacobian_expressions.shape == (2, 2)


def test_shapes_follow_the_points() -> None:
    field = DriftField(["y", "0", "2"], variables=("x", "y", "z"))
    for shape in ((3,), (5, 3), (4, 2, 3), (0, 3)):
        assert field.drift(np.ones(shape)).shape == shape
        assert field.jacobian(np.ones(shape)).shape == (*shape, 3)
    np.testing.assert_array_equal(field.drift([7, 8, 9]), [8, 0, 2])
    np.testing.assert_array_equal(field.jacobian([7, 8, 9]), [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert field.fixed_points() == ()


def test_expressions_are_as_good_as_formulas() -> None:
    x, y, alpha, mu = sp.symbols("x y alpha mu")
    drift = [x - x**3 - alpha * x * y**2, -mu * (1 + x**2) * y]
    assert DriftField(drift, parameters=VALUES) == DriftField(MAIER_STEIN, parameters=VALUES)


POTENTIALS = [name for name in names() if isinstance(lookup(name), Potential) and lookup(name).dim == 2]


@pytest.mark.parametrize("name", POTENTIALS)
def test_the_force_of_a_potential_has_its_critical_points(name: str) -> None:
    """A search that knows nothing of the energy finds the same minima and the same saddles on their rims."""
    potential = lookup(name)
    field = DriftField(
        potential.force_expressions,
        variables=potential.variables,
        parameters={item: potential.parameters[item] for item in potential.parameters},
        domain=potential.domain,
    )
    x = np.random.default_rng(0).uniform(-1, 1, (10, 2))
    np.testing.assert_allclose(field.drift(x), -potential.gradient(x), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(field.jacobian(x), -potential.hessian(x), rtol=1e-10, atol=1e-9)

    def places(points: object) -> list[tuple[float, ...]]:
        return sorted(tuple(np.round(point.x, 7) + 0.0) for point in points)

    assert places(field.attractors()) == places(potential.minima())
    for attractor in field.attractors():
        assert places(field.saddles(around=attractor)) == places(potential.saddles(around=attractor.x))


def test_rotation_turns_eigenvalues_complex_and_moves_no_fixed_point() -> None:
    """b = -grad V + a rotation of grad V: a drift with V as its quasi-potential."""
    plain = three_wells_ring()
    (a, b), omega = plain.gradient_expressions, sp.Integer(3)
    field = DriftField(
        (-a + omega * b, -b - omega * a),
        variables=plain.variables,
        parameters=dict(plain.parameters),
        domain=plain.domain,
    )
    assert len(field.attractors()) == 3
    for attractor in field.attractors():
        assert np.max(np.abs(attractor.eigenvalues.imag)) > 1.0
        for saddle in field.saddles(around=attractor):
            # Bouchet & Reygner 2016: a rotation that does not diverge speeds the escape up.
            still = np.linalg.eigvalsh(plain.hessian(saddle.x))[0]
            assert saddle.eigenvalues[-1].real > abs(still)
    tops = [tuple(np.round(point.x, 8) + 0.0) for point in plain.critical_points() if point.index == 1]
    found = [tuple(np.round(point.x, 8) + 0.0) for point in field.fixed_points() if point.index == 1]
    assert sorted(found) == sorted(tops)


def test_attractor_of_a_point_is_that_of_its_basin() -> None:
    field = maier_stein(alpha=10.0)
    for x in ([0.01, 1.2], [1.9, -1.4], [0.3, 0.0]):
        np.testing.assert_allclose(field.attractor(x).x, [1.0, 0.0], atol=1e-9)
        np.testing.assert_allclose(field.attractor([-x[0], x[1]]).x, [-1.0, 0.0], atol=1e-9)


@pytest.mark.parametrize(
    ("drift", "at"),
    [
        (["y", "-x"], [1.0, 0.0]),  # a centre: goes round
        (["y", "(1 - x**2)*y - x"], [0.5, 0.5]),  # van der Pol: a limit cycle
        (["x", "-y"], [0.5, 0.5]),  # runs off
        (["x**3", "-y"], [0.5, 0.5]),  # runs off in finite time
        (["-x**3", "-y"], [0.5, 0.5]),  # comes to rest where the linear part says nothing
        (["-x", "log(y)"], [0.5, -0.5]),  # has no drift there
        (["x - x**3", "-y"], [0.0, 0.3]),  # the border itself
    ],
)
def test_points_in_no_basin(drift: list[str], at: list[float]) -> None:
    field = DriftField(drift, domain=(-3, 3))
    with pytest.raises(InputError, match="in the basin of no fixed point"):
        field.attractor(at)
    with pytest.raises(InputError, match="in the basin of no fixed point"):
        field.saddles(around=at)


@pytest.mark.parametrize("drift", [["y", "-x"], ["-x**3", "-y"]])
def test_fixed_points_without_a_verdict_are_degenerate(drift: list[str]) -> None:
    points = DriftField(drift, domain=(-2, 2)).fixed_points()
    assert points
    assert all(point.degenerate for point in points)
    assert DriftField(drift, domain=(-2, 2)).attractors() == ()


def test_an_unstable_focus_has_index_two() -> None:
    (point,) = DriftField(["y", "(1 - x**2)*y - x"], domain=(-3, 3)).fixed_points()
    assert (point.index, point.is_attractor, point.is_saddle) == (2, False, False)


@settings(max_examples=20)
@given(st.floats(-3, 3), st.floats(0.1, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_linear_fields_are_classified_by_their_matrix(a: float, b: float, c: float, d: float) -> None:
    matrix = np.array([[a, b], [c, d]])
    values = np.linalg.eigvals(matrix)
    if np.min(np.abs(values.real)) < 1e-3 or abs(np.linalg.det(matrix)) < 1e-3:
        return
    field = DriftField(
        ["a*x + b*y", "c*x + d*y"], variables=("x", "y"), parameters=dict(a=a, b=b, c=c, d=d), domain=(-2, 2)
    )
    (point,) = field.fixed_points()
    np.testing.assert_allclose(point.x, 0.0, atol=1e-9)
    assert point.index == np.sum(values.real > 0)
    assert not point.degenerate
    np.testing.assert_allclose(point.eigenvalues, np.sort_complex(values.astype(complex)), atol=1e-9)


def test_equality_is_that_of_formulas_variables_and_values() -> None:
    field = DriftField(MAIER_STEIN, parameters=VALUES, name="one")
    same = DriftField(MAIER_STEIN, parameters=VALUES, name="two")
    assert field == same
    assert hash(field) == hash(same)
    assert field != field.with_parameters(alpha=3.0)
    assert field != DriftField(MAIER_STEIN[::-1], parameters=VALUES)
    assert DriftField(["x"]) != Potential("x")
    assert Potential("x") != DriftField(["x"])


def test_records_and_pickles_keep_everything() -> None:
    field = DriftField(MAIER_STEIN, parameters=VALUES, name="n", domain=((-2, 3), (-1, 1)))
    for again in (DriftField.from_record(field.record()), pickle.loads(pickle.dumps(field))):
        assert again == field
        assert (again.name, again.domain) == ("n", ((-2.0, 3.0), (-1.0, 1.0)))
    assert repr(field) == "DriftField('n', dim=2, alpha=2, mu=0.5)"


@pytest.mark.parametrize("record", [{}, [], {"drift": "x"}, Potential("x**2").record()])
def test_foreign_records(record: object) -> None:
    with pytest.raises(InputError, match="not that of a drift field"):
        DriftField.from_record(record)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("drift", "options", "reason"),
    [
        ("x - x**3", {}, "no list of formulas"),
        (3.0, {}, "no list of formulas"),
        ([], {}, "0 formulas and 0 variables"),
        (["x*y"], {}, "1 formulas and 2 variables"),
        (["x", "y"], {"variables": ("x",)}, "no variable"),
        (["1"], {}, "1 formulas and 0 variables"),
        (["-k*x"], {"parameters": {"kk": 1.0}}, "did you mean k"),
        (["-k*x"], {"parameters": {"k": float("inf")}}, "not a finite number"),
        (["log(-1 - x**2)"], {}, "The drift .* not a finite real number anywhere"),
        (["x +"], {}, "formula"),
        ([None], {}, "neither a formula nor"),
        (["x", "y"], {"domain": (1, 0)}, "no search box"),
    ],
)
def test_bad_fields(drift: object, options: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        DriftField(drift, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [1.0, [1.0], np.ones((2, 3)), ["a", "b"]])
def test_points_of_the_wrong_shape_or_kind(bad: object) -> None:
    for function in (maier_stein().drift, maier_stein().jacobian, maier_stein().attractor):
        with pytest.raises(InputError, match=r"last dimension|real numbers"):
            function(bad)  # type: ignore[arg-type]


def test_nothing_can_be_assigned() -> None:
    field = maier_stein()
    with pytest.raises(TypeError):
        field.parameters["mu"] = 2.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        field.name = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        field.attractors()[0].x[0] = 1.0
