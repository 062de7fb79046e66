"""Operation trees and their printed text against SymPy's own evaluation of the same expressions."""

from __future__ import annotations

import math
from types import SimpleNamespace

import mpmath as mp
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simdyn.dynamics import Update
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.lowering.numba_printer import NumbaPrinter
from simdyn.lowering.symbolic import Constants, Lowering
from simdyn.lowering.tree import Builder

X, Y = sympy.symbols("x y", real=True)
A, B = sympy.symbols("a b", real=True)
VALUES = {"a": 0.75, "b": -1.5}


def lines_of(expression, prefix="t"):
    """Printed statements for one expression of x and y, and its run-time constants."""
    builder, constants = Builder(), Constants()
    node = Lowering(builder, constants).convert(expression, {X: builder.name("x"), Y: builder.name("y")})
    lines = NumbaPrinter("float64").statements([("out", node)], {}, prefix)
    return lines, constants.evaluate(VALUES)


def printed_value(expression, x, y):
    """What the printed statements compute, run by Python itself with NumPy's functions."""
    lines, constants = lines_of(expression)
    scalars = {f"c{k}": np.float64(v) for k, v in enumerate(constants)}
    functions = SimpleNamespace(sqrt=np.sqrt, fabs=np.abs, inf=math.inf, nan=math.nan)
    names = {
        "math": functions, "fma": lambda p, q, r: p * q + r,
        "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos,
        "x": np.float64(x), "y": np.float64(y), **scalars,
    }  # fmt: skip
    with np.errstate(all="ignore"):
        exec("\n".join(lines), names)
    return float(names["out"])


def exact_value(expression, x, y):
    known = {X: sympy.Float(x, 40), Y: sympy.Float(y, 40), A: sympy.Float(0.75, 40), B: sympy.Float(-1.5, 40)}
    return complex(expression.xreplace(known).evalf(30))


def scale_of(expression, x, y):
    """Sum of the sizes of everything that is computed on the way: what rounding errors are relative to."""
    total = 1.0
    for part in sympy.preorder_traversal(expression):
        if isinstance(part, sympy.Expr):
            total += abs(exact_value(part, x, y))
    return total


def compare(expression, x, y):
    try:
        expected, scale = exact_value(expression, x, y), scale_of(expression, x, y)
    except (TypeError, ValueError):
        # SymPy could not say, as at a jump.
        assume(False)
    assume(math.isfinite(scale) and scale < 1e12 and not expected.imag)
    assert printed_value(expression, x, y) == pytest.approx(expected.real, abs=1e-12 * scale)


leaves = st.one_of(
    st.sampled_from([X, Y, A, B]),
    st.integers(-4, 4).map(sympy.Integer),
    st.fractions(-2, 2, max_denominator=7).map(lambda f: sympy.Rational(f.numerator, f.denominator)),
)


def combined(children):
    return st.one_of(
        st.lists(children, min_size=2, max_size=4).map(lambda c: sympy.Add(*c)),
        st.lists(children, min_size=2, max_size=3).map(lambda c: sympy.Mul(*c)),
        st.tuples(children, st.integers(2, 5)).map(lambda c: c[0] ** c[1]),
        children.map(lambda c: sympy.exp(sympy.sin(c))),
        children.map(lambda c: sympy.cos(c)),
        children.map(lambda c: sympy.tanh(c)),
        children.map(lambda c: sympy.log(1 + c**2)),
        children.map(lambda c: sympy.sqrt(c**2 + sympy.Rational(1, 3))),
        children.map(lambda c: (c**2 + 1) ** sympy.Rational(-5, 2)),
        children.map(lambda c: 1 / (2 + sympy.cos(c))),
        children.map(sympy.Abs),
        st.tuples(children, children).map(lambda c: sympy.Max(*c)),
        st.tuples(children, children).map(lambda c: sympy.Min(*c)),
        st.tuples(children, children).map(lambda c: sympy.Piecewise((c[0], X > Y), (c[1], True))),
    )


expressions = st.recursive(leaves, combined, max_leaves=8)
coordinates = st.floats(-2, 2).map(lambda v: round(v, 6))


@settings(max_examples=200)
@given(expression=expressions, x=coordinates, y=coordinates)
def test_printed_trees_compute_what_sympy_does(expression, x, y):
    compare(expression, x, y)


@settings(max_examples=200)
@given(expression=expressions, x=coordinates, y=coordinates)
def test_derivatives_lower_too(expression, x, y):
    slope = sympy.diff(expression, X)
    assume(not slope.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta))
    compare(slope, x, y)


def test_a_wrong_tree_would_be_seen():
    assert printed_value(X**3 - X, 1.3, 0.0) != pytest.approx(
        exact_value(X**3 - 1.000001 * X, 1.3, 0.0).real, abs=1e-9
    )


FUNCTIONS = [
    sympy.exp(X), sympy.log(Y), sympy.sin(X), sympy.cos(X), sympy.tan(X),
    sympy.sqrt(Y), sympy.Abs(X), sympy.sign(X),
    sympy.sinh(X), sympy.cosh(X), sympy.tanh(X), sympy.Min(X, Y), sympy.Max(X, Y, A), sympy.Heaviside(X),
    sympy.Piecewise((X**2, X > A), (Y, sympy.And(X > B, sympy.Not(Y > 2))), (-1, True)),
    X**-3, Y ** sympy.Rational(3, 2), Y ** sympy.Rational(1, 3), Y**A, 2**X,
    A * X**4 / 4 - B * X**2 / 2 + X - 1,
    X / Y, -(X * Y), sympy.pi * X,
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_kernels_compute_every_function(dtype):
    """One step of d + 2 coordinates: x and y stand still, each other one starts at 0 and gains one value."""
    out = sympy.symbols(f"o:{len(FUNCTIONS)}", real=True)
    zero = sympy.Integer(0)
    variables, drift = (X, Y, *out), (zero, zero, *FUNCTIONS)
    # Four idle normals make a group of one step, so that the kernel is compiled once and not unrolled.
    update = Update(variables, drift, ((zero,) * 4,) * len(variables), VALUES, "steps", 1.0)
    rng = np.random.default_rng(3)
    start = np.zeros((200, len(variables)), dtype=dtype)
    start[:, 0] = rng.uniform(-3, 3, 200)
    start[:, 1] = rng.uniform(0.1, 3, 200)
    found = CpuEngine(update, dtype=dtype, threads=1).integrate(start, steps=1, seed=0)
    eps = np.finfo(dtype).eps
    for k, expression in enumerate(FUNCTIONS):
        function = sympy.lambdify([X, Y, A, B], expression, "numpy")
        x, y = start[:, 0].astype(float), start[:, 1].astype(float)
        expected = function(x, y, 0.75, -1.5)
        # tan is as ill-conditioned as it is steep; nothing else here amplifies an ulp by more than about ten.
        allowed = (
            40 * eps * (1 + np.abs(expected) + (x * (1 + expected**2) if expression == sympy.tan(X) else 0))
        )
        assert (np.abs(found[:, 2 + k] - expected) <= np.abs(allowed)).all(), expression


@pytest.mark.parametrize("power", [0, 1, 2, 3, 4, -1, -2, 2.5, 0.5])
def test_powers_with_a_parameter_for_exponent_have_the_sign_that_they_should(power):
    builder, constants = Builder(), Constants()
    node = Lowering(builder, constants).convert(X**A, {X: builder.name("x")})
    lines = NumbaPrinter("float64").statements([("out", node)], {}, "t")
    values = constants.evaluate({"a": power})
    functions = SimpleNamespace(sqrt=np.sqrt, fabs=np.abs, inf=math.inf, nan=math.nan)
    for x in (-1.7, -1.0, 0.3, 2.0):
        names = {"math": functions, "exp": np.exp, "log": np.log, "x": np.float64(x)}
        names |= {f"c{k}": np.float64(v) for k, v in enumerate(values)}
        with np.errstate(all="ignore"):
            exec("\n".join(lines), names)
            expected = np.float64(x) ** power
        np.testing.assert_allclose(names["out"], expected, rtol=1e-14)


def test_whole_powers_given_as_floats_are_whole_powers():
    assert printed_value(X ** sympy.Float(2.0), -1.5, 0.0) == 2.25
    assert printed_value(Y ** sympy.Float(1.5), 0.0, 4.0) == 8.0


def test_shifted_polynomials_keep_their_digits():
    x = 1000.3
    with mp.workdps(40):
        expected = float(-mp.mpf("0.01") * (mp.mpf(x) - 1000) ** 3)
    assert printed_value(-sympy.Rational(1, 100) * (X - 1000) ** 3, x, 0.0) == pytest.approx(
        expected, rel=1e-14
    )
    expanded = sympy.expand(-sympy.Rational(1, 100) * (X - 1000) ** 3)
    assert printed_value(expanded, x, 0.0) != pytest.approx(expected, rel=1e-10)


def test_expanded_polynomials_use_horner_with_fused_multiply_adds():
    lines, _ = lines_of(-A * (X**3 - X))
    assert "\n".join(lines).count("fma") == 1
    assert "exp" not in "\n".join(lines)


def test_a_piecewise_without_a_last_resort_is_undefined_there():
    assert math.isnan(printed_value(sympy.Piecewise((X, X > 1)), 0.5, 0.0))


def test_long_sums_and_high_polynomials_stay_within_the_limits_of_the_parser():
    many = sympy.Add(*(sympy.cos(k * X) for k in range(1, 300)))
    assert printed_value(many, 0.3, 0.0) == pytest.approx(
        sum(math.cos(k * 0.3) for k in range(1, 300)), abs=1e-11
    )
    high = sum(X**k for k in range(150))
    assert printed_value(high, 0.5, 0.0) == pytest.approx(2.0, abs=1e-14)
    lines, _ = lines_of(many)
    assert max(line.count("(") for line in lines) < 150


@pytest.mark.parametrize(
    "expression",
    [
        sympy.erf(X),
        sympy.besselj(0, X),
        sympy.Function("f")(X),
        sympy.floor(X),
        sympy.atan(X),
        sympy.gamma(Y),
    ],
)
def test_functions_that_kernels_do_not_have_are_refused(expression):
    with pytest.raises(InputError, match="is not available in compiled kernels"):
        lines_of(expression)


@pytest.mark.parametrize(
    ("expression", "values"),
    [(X / A, {"a": 0.0}), (X * sympy.log(A), {"a": -1.0}), (X * sympy.exp(A), {"a": 1e4})],
)
def test_coefficients_that_are_not_finite_numbers_are_refused(expression, values):
    builder, constants = Builder(), Constants()
    Lowering(builder, constants).convert(expression, {X: builder.name("x")})
    with pytest.raises(InputError, match="must be finite"):
        constants.evaluate(values)


def test_constants_are_correctly_rounded():
    builder, constants = Builder(), Constants()
    Lowering(builder, constants).convert(X * (A / 3 + sympy.sqrt(2)), {X: builder.name("x")})
    with mp.workdps(40):
        assert constants.evaluate({"a": 0.1}) == [float(mp.mpf(0.1) / 3 + mp.sqrt(2))]
