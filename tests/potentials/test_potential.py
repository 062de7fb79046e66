"""The Potential class: symbols, numbers, parameters, identity, and bad input."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import InputError, Potential, double_well, styblinski_tang, symbol


def test_variables_come_in_natural_order() -> None:
    potential = Potential("x10*x2 + x1**2 + a*b", parameters={"b": 1.0})
    assert [v.name for v in potential.variables] == ["a", "x1", "x2", "x10"]
    assert [v.name for v in Potential("x*y", variables=("y", "x")).variables] == ["y", "x"]
    assert Potential("x**2", variables=("x", "y")).dim == 2


def test_shapes_follow_the_points() -> None:
    potential = Potential("x**2*y + 3*y")
    for shape in ((2,), (5, 2), (4, 3, 2), (0, 2)):
        x = np.ones(shape)
        assert potential.energy(x).shape == shape[:-1]
        assert potential.gradient(x).shape == shape
        assert potential.hessian(x).shape == (*shape, 2)
    np.testing.assert_array_equal(potential.gradient([2, 1]), [4.0, 7.0])
    np.testing.assert_array_equal(potential.hessian([2, 1]), [[2.0, 4.0], [4.0, 0.0]])


@pytest.mark.parametrize("bad", [1.0, [1.0], np.ones((2, 3)), ["a", "b"], [[1.0], [2.0, 3.0]], [1j, 2j]])
def test_points_of_the_wrong_shape_or_kind(bad: object) -> None:
    potential = Potential("x*y")
    for function in (potential.energy, potential.gradient, potential.hessian):
        with pytest.raises(InputError, match=r"last dimension|real numbers"):
            function(bad)  # type: ignore[arg-type]


def test_kinks_are_differentiated_almost_everywhere() -> None:
    potential = Potential("abs(x) + max(x, 2*x) + sign(x) + abs(log(x**2))", domain=(-3, 3))
    np.testing.assert_allclose(potential.gradient([[2.0], [-2.0]])[:, 0], [1 + 2 + 1, -1 + 1 - 1])
    np.testing.assert_allclose(potential.hessian([[2.0], [-2.0]])[:, 0, 0], [-0.5, -0.5])
    np.testing.assert_array_equal(Potential("x**k", parameters={"k": 2.0}).gradient([0.0]), [0.0])


def test_parameters_change_without_new_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    potential = Potential("k*(x**4/4 - x**2/2)", parameters={"k": 1.0})
    potential.hessian([0.0])
    potential.gradient([0.0])

    def forbidden(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr("potentials.landscape.Tape", forbidden)
    changed = potential.with_parameters(k=3.0)
    assert changed.hessian([0.0])[0, 0] == -3.0
    assert changed.gradient([2.0])[0] == 18.0
    assert (potential.parameters["k"], changed.parameters["k"]) == (1.0, 3.0)
    assert potential.energy([2.0]) == 2.0
    with pytest.raises(AssertionError, match="compiled again"):
        Potential("x**2")  # the forbidden step would have been noticed


def test_equality_is_that_of_formula_variables_and_values() -> None:
    potential = Potential("k*x**2", parameters={"k": 2.0}, name="one")
    same = Potential(sp.Symbol("k") * sp.Symbol("x") ** 2, parameters={"k": 2}, name="two")
    assert potential == same
    assert hash(potential) == hash(same)
    assert potential != potential.with_parameters(k=3.0)
    assert potential != Potential("2*x**2")
    assert potential != "k*x**2"


def test_coordinates_are_equal_when_they_are_the_same_function() -> None:
    parts = Potential("x1**4 + a*x2**2 + x3**4 + a*x4**2 + 8", parameters={"a": 2.0}).coordinates()
    assert parts[0] == parts[2] == Potential("x**4 + 2")
    assert parts[1] == parts[3] == Potential("a*x**2 + 2", parameters={"a": 2.0})
    assert dict(parts[0].parameters) == {}
    assert [v.name for v in Potential("t**2").coordinates()[0].variables] == ["x"]
    assert [v.name for v in Potential("x*t**2", parameters={"x": 1.0}).coordinates()[0].variables] == ["y"]
    assert len(set(styblinski_tang(dim=10, k=2.0).coordinates())) == 1


@pytest.mark.parametrize(
    ("formula", "separable"),
    [
        ("x**2 + y**2", True),
        ("k*(x**2 + y**2)", True),
        ("(x + y)**2 + (x - y)**2", True),
        ("x*y + (x - y)**2/2", True),
        ("exp(x) + log(y**2 + 1) + 3", True),
        ("x*y", False),
        ("x**2 + y**2 + 1e-3*x*y", False),
        ("exp(x + y)", False),
        ("(x + y)**200", False),
        ("sin(x)*cos(y) - cos(x)*sin(y) + x", False),
    ],
)
def test_separability(formula: str, separable: bool) -> None:
    parameters = {"k": 2.0} if "k" in formula else None
    potential = Potential(formula, parameters=parameters)
    assert potential.separable == separable
    if separable:
        points = np.random.default_rng(0).uniform(0.5, 2.0, (20, 2))
        total = sum(part.energy(points[:, [i]]) for i, part in enumerate(potential.coordinates()))
        np.testing.assert_allclose(total, potential.energy(points), rtol=1e-12)
    else:
        with pytest.raises(InputError, match="coupled"):
            potential.coordinates()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5),
    st.floats(-2, 2),
    st.floats(-2, 2),
)
def test_numbers_agree_with_sympy(terms: list[tuple[int, int, int]], a: float, b: float) -> None:
    x, y = symbol("x"), symbol("y")
    expression = sp.Add(*(c * x**i * y**j for c, i, j in terms)) + x
    potential = Potential(expression, variables=("x", "y"))
    exact = {x: sp.Rational(a), y: sp.Rational(b)}
    size = 1.0 + sum(abs(c) * 2.0 ** (i + j) for c, i, j in terms)
    assert abs(float(expression.subs(exact)) - potential.energy([a, b])) <= 1e-14 * size
    hessian = sp.hessian(expression, (x, y)).subs(exact)
    np.testing.assert_allclose(
        potential.hessian([a, b]), np.array(hessian.tolist(), dtype=float), atol=1e-12 * size
    )


def test_records_and_pickles_keep_everything() -> None:
    potential = Potential(
        "k*abs(y2)**3 + 0.1*x10 + max(x10, 0)", parameters={"k": 0.3}, name="n", domain=(-2, 3)
    )
    for again in (Potential.from_record(potential.record()), pickle.loads(pickle.dumps(potential))):
        assert again == potential
        assert (again.name, again.domain) == ("n", ((-2.0, 3.0), (-2.0, 3.0)))


@pytest.mark.parametrize("record", [{}, [], {"formula": 3}, {**double_well().record(), "parameters": 3}])
def test_foreign_records(record: object) -> None:
    with pytest.raises(InputError, match="not that of a potential"):
        Potential.from_record(record)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("3", {}, "no variable"),
        ("k", {"parameters": {"k": 1.0}}, "no variable"),
        ("x**2", {"parameters": {"k": 1.0}}, "no parameter 'k'"),
        ("kappa*x**2", {"parameters": {"kapa": 1.0}}, "did you mean kappa"),
        ("k*x**2", {"parameters": {"k": float("nan")}}, "not a finite number"),
        ("k*x**2", {"parameters": {"k": float("inf")}}, "not a finite number"),
        ("k*x**2", {"parameters": {"k": "a"}}, "not a finite number"),
        ("k*x**2", {"parameters": {"k": True}}, "not a finite number"),
        ("k*x**2", {"variables": ("x",)}, "give it as a parameter"),
        ("x*y", {"variables": ("x", "x", "y")}, "named twice"),
        ("log(-1 - x**2)", {}, "not a finite real number anywhere"),
        ("sqrt(-exp(x))", {}, "not a finite real number"),
        ("x**2", {"domain": (1, 0)}, "no search box"),
        ("x**2", {"domain": (0, float("inf"))}, "no search box"),
        ("x**2", {"domain": "wide"}, "no search box"),
        ("x*y", {"domain": ((0, 1), (0, 1), (0, 1))}, "no search box"),
        (sp.zeta(sp.Symbol("x")), {}, "cannot express"),
        (sp.I * sp.Symbol("x"), {}, "not a finite real number"),
        (["x"], {}, "neither a formula nor"),
        (None, {}, "neither a formula nor"),
    ],
)
def test_bad_potentials(formula: object, options: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Potential(formula, **options)  # type: ignore[arg-type]


def test_bad_parameter_changes() -> None:
    potential = double_well()
    with pytest.raises(InputError, match="the parameters are k"):
        potential.with_parameters(q=1.0)
    with pytest.raises(InputError, match="not a finite number"):
        potential.with_parameters(k=float("nan"))
    with pytest.raises(InputError, match="not a finite real number anywhere"):
        styblinski_tang().with_parameters(k=-1.0)


def test_nothing_can_be_assigned() -> None:
    potential = double_well()
    with pytest.raises(TypeError):
        potential.parameters["k"] = 2.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        potential.name = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        potential.deepest().x[0] = 1.0


def test_import_is_light() -> None:
    code = "import sys, potentials; print({'scipy', 'matplotlib', 'numba', 'pandas'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
