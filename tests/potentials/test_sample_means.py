"""Means over samples: numbers against plain loops, derivatives against differences, formulas, copies."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import potentials.sample_mean as sample_mean
from potentials import (
    FiniteSum,
    InputError,
    LinearisedNetwork,
    Potential,
    QuadraticSum,
    SampleMean,
    two_functions,
)

RNG = np.random.default_rng(5)


def _logistic(n: int = 200) -> FiniteSum:
    data = {"a": RNG.normal(size=n), "b": RNG.normal(size=n), "y": RNG.choice([-1.0, 1.0], n)}
    return FiniteSum(
        "log(1 + exp(-y*(a*u + b*v))) + k*(u**2 + v**2)/2", data, variables="u v", parameters={"k": 0.1}
    )


def _symmetric(n: int, d: int) -> np.ndarray:
    matrices = RNG.normal(size=(n, d, d))
    return matrices + np.swapaxes(matrices, 1, 2)


CASES = {
    "logistic": _logistic(),
    "double wells": FiniteSum("(x - s)**4/4 - (x - s)**2/2", {"s": RNG.normal(size=50)}, variables="x"),
    "kinks": FiniteSum("max(abs(x - s), y**2) + y*s", {"s": [-0.7, 0.2, 1.1]}, variables=["x", "y"]),
    "one sample": FiniteSum("s*x**2", {"s": [2.0]}, variables="x"),
    "quadratics": QuadraticSum(_symmetric(40, 3), RNG.normal(size=(40, 3))),
    "numbers": QuadraticSum([1.0, 2.0, 4.0], [0.0, 1.0, -1.0]),
    "regression": LinearisedNetwork(RNG.normal(size=(90, 5)), RNG.normal(size=90)),
    "network": LinearisedNetwork(RNG.normal(size=(20, 3, 4)), RNG.normal(size=(20, 3))),
    "two_functions": two_functions(),
}


@pytest.fixture(params=CASES)
def landscape(request: pytest.FixtureRequest) -> SampleMean:
    return CASES[request.param]


def _points(landscape: SampleMean, count: int = 7) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, landscape.dim))


def _difference(function: object, x: np.ndarray, i: int) -> np.ndarray:
    assert callable(function)
    h = np.zeros(x.shape[-1])
    h[i] = 1e-3
    return (8 * (function(x + h) - function(x - h)) - (function(x + 2 * h) - function(x - 2 * h))) / 12e-3


def test_derivatives(landscape: SampleMean) -> None:
    x = _points(landscape)
    for lower, upper in ((landscape.energy, landscape.gradient), (landscape.gradient, landscape.hessian)):
        expected = np.stack([_difference(lower, x, i) for i in range(landscape.dim)], axis=-1)
        np.testing.assert_allclose(upper(x), expected, rtol=1e-6, atol=1e-6)


def test_means_are_means_of_the_samples(landscape: SampleMean) -> None:
    for x in _points(landscape, 3):
        energies, gradients = landscape.sample_energies(x), landscape.sample_gradients(x)
        hessians = landscape.sample_hessians(x)
        assert energies.shape == (landscape.size,)
        assert hessians.shape == (landscape.size, landscape.dim, landscape.dim)
        np.testing.assert_allclose(landscape.energy(x), energies.mean(), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(landscape.gradient(x), gradients.mean(0), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(landscape.hessian(x), hessians.mean(0), rtol=1e-11, atol=1e-13)
        expected = np.cov(gradients.T, bias=True).reshape(landscape.dim, landscape.dim)
        if landscape.size > 1:
            np.testing.assert_allclose(landscape.gradient_covariance(x), expected, rtol=1e-10, atol=1e-12)


def test_chunks_do_not_matter(landscape: SampleMean, monkeypatch: pytest.MonkeyPatch) -> None:
    x = _points(landscape).reshape(-1, 1, landscape.dim)
    whole = landscape.energy(x), landscape.gradient(x), landscape.hessian(x), landscape.gradient_covariance(x)
    single = landscape.sample_gradients(x[0, 0])
    monkeypatch.setattr(sample_mean, "_CHUNK", 7)
    parts = landscape.energy(x), landscape.gradient(x), landscape.hessian(x), landscape.gradient_covariance(x)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(landscape.sample_gradients(x[0, 0]), single, rtol=1e-13, atol=1e-14)
    assert whole[0].shape == (7, 1)
    assert whole[3].shape == (7, 1, landscape.dim, landscape.dim)


def test_copies(landscape: SampleMean) -> None:
    again = pickle.loads(pickle.dumps(landscape))
    x = _points(landscape)
    assert again == landscape
    assert hash(again) == hash(landscape)
    assert again.gradient(x).tolist() == landscape.gradient(x).tolist()
    assert again.record() == landscape.record()
    some = landscape.subset([0])
    assert some.size == 1
    np.testing.assert_allclose(some.gradient(x[0]), landscape.sample_gradients(x[0])[0], rtol=1e-12)
    if landscape.size > 1:
        assert some != landscape
    with pytest.raises(InputError, match=f"from 0 to {landscape.size - 1}"):
        landscape.subset([landscape.size])


def test_records(landscape: SampleMean) -> None:
    if landscape.name == CASES["logistic"].name:
        with pytest.raises(InputError, match="does not hold its 200 samples"):
            Potential.from_record(landscape.record())
        assert isinstance(landscape, FiniteSum)
        assert FiniteSum.from_record(landscape.record(), landscape.data) == landscape
        wrong = {**landscape.data, "y": -landscape.data["y"]}
        with pytest.raises(InputError, match="not those of the record"):
            FiniteSum.from_record(landscape.record(), wrong)
    else:
        assert Potential.from_record(landscape.record()) == landscape


def test_small_means_are_formulas_and_large_ones_say_so(landscape: SampleMean) -> None:
    x = _points(landscape, 1)[0]
    if landscape.size > 64:
        with pytest.raises(InputError, match=f"runs over {landscape.size} samples"):
            _ = landscape.expression
        assert not landscape.separable
        return
    values = dict(zip(landscape.variables, x, strict=True))
    assert float(landscape.expression.subs(values)) == pytest.approx(float(landscape.energy(x)), rel=1e-9)
    slopes = [float(e.subs(values)) for e in landscape.gradient_expressions]
    np.testing.assert_allclose(slopes, landscape.gradient(x), rtol=1e-9, atol=1e-9)


def test_parameters_change_without_new_formulas() -> None:
    landscape = CASES["logistic"]
    changed = landscape.with_parameters(k=0.7)
    x = _points(landscape)
    difference = changed.energy(x) - landscape.energy(x)
    np.testing.assert_allclose(difference, 0.3 * (x**2).sum(axis=1), rtol=1e-10)
    assert changed._losses is landscape._losses  # type: ignore[attr-defined]
    assert changed != landscape
    with pytest.raises(InputError, match="no parameter 'q'"):
        landscape.with_parameters(q=1.0)
    for name in ("quadratics", "regression"):
        assert CASES[name].with_parameters() is CASES[name]
        with pytest.raises(InputError, match="no parameter 'k'"):
            CASES[name].with_parameters(k=1.0)


@given(st.lists(st.floats(0.1, 3), min_size=2, max_size=5), st.floats(-2, 2))
def test_quadratics_have_their_minimum_in_closed_form(curvatures: list[float], shift: float) -> None:
    centers = shift + np.arange(len(curvatures))
    landscape = QuadraticSum(curvatures, centers)
    expected = np.average(centers, weights=curvatures)
    assert landscape.minimiser[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    (point,) = landscape.minima()
    assert point.hessian[0, 0] == pytest.approx(np.mean(curvatures))
    assert landscape.valley([100.0]).minimum.x[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_least_squares() -> None:
    landscape = CASES["regression"]
    assert isinstance(landscape, LinearisedNetwork)
    expected = np.linalg.lstsq(landscape.jacobian[:, 0], -landscape.residual[:, 0], rcond=None)[0]
    np.testing.assert_allclose(landscape.deepest().x, expected, rtol=1e-10)
    wide = LinearisedNetwork(RNG.normal(size=(2, 3)), [1.0, -1.0])
    # Two samples leave a line of minima: none of them is a minimum with a definite curvature.
    assert wide.minima() == ()
    np.testing.assert_allclose(wide.sample_energies(wide.minimiser), 0.0, atol=1e-28)


def test_saddles_are_no_minima() -> None:
    landscape = QuadraticSum(np.array([[[1.0, 0.0], [0.0, -2.0]]]))
    (point,) = landscape.critical_points()
    assert point.index == 1
    assert landscape.minima() == ()
    with pytest.raises(InputError, match="no valley"):
        landscape.valley([0.0, 0.1])


def test_a_search_finds_the_minimum_of_many_samples() -> None:
    landscape = CASES["logistic"]
    (point,) = landscape.minima()
    np.testing.assert_allclose(landscape.gradient(point.x), 0.0, atol=1e-12)
    assert point.is_minimum


# --- kinks --------------------------------------------------------------------------------------------------


def test_the_active_branch_gives_the_derivative() -> None:
    landscape = FiniteSum("min(s*x, x**2)", {"s": [1.0, 1.0]}, variables="x")
    x = np.array([[-1.0], [0.5], [0.999], [1.001], [3.0]])
    np.testing.assert_array_equal(landscape.gradient(x)[:, 0], [1.0, 1.0, 1.998, 1.0, 1.0])
    np.testing.assert_array_equal(landscape.hessian(x)[:, 0, 0], [0.0, 2.0, 2.0, 0.0, 0.0])
    # On a tie: the mean of both.
    assert landscape.gradient([1.0])[0] == 1.5


def test_two_functions() -> None:
    landscape = two_functions()
    at_zero, at_one = landscape.sample_hessians([0.0]), landscape.sample_hessians([1.0])
    np.testing.assert_allclose(at_zero[:, 0, 0], [2.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(at_one[:, 0, 0], [0.2, 3.8], rtol=1e-15)
    assert [round(float(point.x[0]), 12) for point in landscape.minima()] in ([0.0, 1.0], [1.0, 0.0])
    # The branch points, roots of x**2 = h (x - 1)**2.
    for h, (low, high) in {0.1: (-0.4625, 0.2403), 1.9: (0.5796, 3.6427)}.items():
        root = np.sqrt(h)
        np.testing.assert_allclose(sorted([root / (1 + root), -root / (1 - root)]), [low, high], atol=5e-5)
    rim = np.sqrt(1.9) / (1 + np.sqrt(1.9))
    assert landscape.valley([1.0]).lower == pytest.approx(rim, abs=1e-12)
    assert landscape.valley([0.0]).upper == pytest.approx(rim, abs=1e-12)
    assert landscape.valley([0.3]).minimum.x[0] == pytest.approx(0.0, abs=1e-12)


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "data", "options", "message"),
    [
        ("a*x + c", {"a": [1.0]}, {}, "'c'.* neither a variable nor a parameter nor a column"),
        ("slop*x", {"slope": [1.0]}, {}, "did you mean slope"),
        ("a*x - b", {"a": [1.0], "b": [1.0, 2.0]}, {}, "1 values in the column 'a' but 2 in 'b'"),
        ("a*x", {"a": [1.0, np.nan]}, {}, "column 'a' holds nan at index 1"),
        ("a*x", {"a": []}, {}, "no samples"),
        ("a*x", {}, {}, "no columns"),
        ("a*x", {"a": ["one"]}, {}, "column 'a' is not an array of real numbers"),
        ("a*x", {"a": [[1.0], [1.0, 2.0]]}, {}, "column 'a' is not an array of real numbers"),
        ("a*x", {"a": [[1.0, 2.0]]}, {}, "column 'a' has 2 dimensions"),
        ("a*x", 7, {}, "The data is int"),
        ("a*x", {"_a": [1.0]}, {}, "columns are _a"),
        ("a*x", {"a": [1.0], "x": [1.0]}, {}, "'x' stands for two things"),
        ("a*a", {"a": [1.0]}, {}, "none of the variables x"),
        ("x*k", {"a": [1.0]}, {"parameters": {"k": 1.0}}, "uses no column"),
        ("a*x", {"a": [1.0]}, {"parameters": {"k": 1.0}}, "no parameter 'k'"),
        ("a*x*k", {"a": [1.0]}, {"parameters": {"k": np.inf}}, "not a finite number"),
        ("log(-a) + x", {"a": [1.0]}, {}, "not a finite real number anywhere"),
        ("a*x;", {"a": [1.0]}, {}, "cannot be read"),
        ("a*x", {"a": [1.0]}, {"domain": (1, 0)}, "search box"),
    ],
)
def test_bad_sums(loss: str, data: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FiniteSum(loss, data, **{"variables": "x", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hessians", "centers", "message"),
    [
        ([[[1.0, 2.0], [0.0, 1.0]]], None, "sample 0 is not symmetric"),
        ([[1.0, 0.0], [0.0, 1.0]], None, "could be one matrix"),
        (np.ones((2, 2, 3)), None, "must be \\(n, d, d\\)"),
        ([], None, "empty"),
        ([1.0, np.inf], None, "holds inf at index 1"),
        ([1.0, 2.0], [1.0], "centers has shape \\(1, 1\\)"),
        ([[1.0, 2.0]], [[1.0]], "must be \\(1, 2\\)"),
        ("many", None, "not an array"),
    ],
)
def test_bad_quadratics(hessians: object, centers: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        QuadraticSum(hessians, centers)


@pytest.mark.parametrize(
    ("jacobian", "residual", "message"),
    [
        ([[1.0, 2.0]], [1.0, 2.0], "residual has shape \\(2, 1\\)"),
        ([1.0, 2.0], None, "must have 3"),
        (np.ones((0, 3)), None, "at least one sample"),
        ([[1.0, np.nan]], None, "holds nan"),
    ],
)
def test_bad_networks(jacobian: object, residual: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LinearisedNetwork(jacobian, residual)


def test_points_of_the_wrong_size() -> None:
    with pytest.raises(InputError, match="last dimension must be 2"):
        CASES["logistic"].gradient([1.0])
    with pytest.raises(InputError, match="one point"):
        CASES["logistic"].sample_gradients([[1.0, 2.0]])


def test_diagonals() -> None:
    short, full = QuadraticSum([[1.0, 2.0, 3.0]]), QuadraticSum([np.diag([1.0, 2.0, 3.0])])
    assert short == full
    assert sp.expand(short.expression - full.expression) == 0
