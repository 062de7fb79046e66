"""Square roots of noise covariances, in symbols: constant, Hessian-shaped, or given by an expression."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import sympy

from potentials import DriftField, Potential
from potentials.formula import parse_expression
from simdyn.dynamics.update import Factor
from simdyn.errors import InputError

_ROUNDING = 1e-9
"""How far below zero, relative to a variance, rounding may push what is left of it."""


def scalar_factor(amplitude: sympy.Expr, dim: int) -> Factor:
    """`amplitude` times the identity."""
    return diagonal_factor([amplitude] * dim)


def diagonal_factor(entries: Sequence[sympy.Expr]) -> Factor:
    """A diagonal matrix of expressions."""
    size = len(entries)
    zero = sympy.Integer(0)
    return tuple(tuple(entries[i] if i == j else zero for j in range(size)) for i in range(size))


def is_diagonal(factor: Factor) -> bool:
    """Whether all entries off the diagonal of a square factor are zero."""
    return all(entry == 0 for i, row in enumerate(factor) for j, entry in enumerate(row) if i != j)


def scaled(amplitude: sympy.Expr, factor: Factor) -> Factor:
    """`amplitude` times a factor."""
    return tuple(tuple(amplitude * entry if entry != 0 else entry for entry in row) for row in factor)


def constant_factor(matrix: Any, dim: int, what: str) -> Factor:
    """Lower-triangular or symmetric root of a constant covariance: a number, d variances, or a d x d matrix.

    Raises
    ------
    InputError
        Wrong shape, not symmetric, not finite, or not positive semidefinite (names the lowest eigenvalue).
    """
    try:
        array = np.asarray(matrix, dtype=float)
    except (TypeError, ValueError):
        raise InputError(
            f"{what} is {matrix!r}, but it must be a number or a {dim} x {dim} matrix."
        ) from None
    if array.ndim == 0:
        array = np.eye(dim) * float(array)
    elif array.ndim == 1 and array.shape == (dim,):
        array = np.diag(array)
    if array.shape != (dim, dim) or not np.isfinite(array).all():
        raise InputError(f"{what} is {matrix!r}, but it must be a number or a finite {dim} x {dim} matrix.")
    if not np.allclose(array, array.T, rtol=1e-12, atol=0):
        raise InputError(f"{what} is not symmetric: {array.tolist()}; give a symmetric matrix.")
    eigenvalues, vectors = np.linalg.eigh(array)
    if eigenvalues[0] < -1e-12 * abs(eigenvalues).max():
        raise InputError(
            f"{what} is not positive semidefinite (lowest eigenvalue {eigenvalues[0]:.6g}); "
            "a covariance cannot have negative eigenvalues."
        )
    if np.count_nonzero(array - np.diag(np.diag(array))) == 0:
        return diagonal_factor([sympy.Float(float(np.sqrt(max(v, 0.0)))) for v in np.diag(array)])
    root = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T
    return tuple(tuple(sympy.Float(float(root[i, j])) for j in range(dim)) for i in range(dim))


def hessian_factor(potential: Potential | DriftField, floor: sympy.Expr) -> Factor:
    """Square root of |H|_floor = (H^2 + floor^2 I)^(1/2), with H the Hessian of the potential.

    Diagonal Hessians in any dimension; full Hessians in two, through the spectral form
    f(H) = f_mean I + f_slope (H - trace/2 I) of a function of a symmetric 2 x 2 matrix.

    Raises
    ------
    InputError
        A Hessian that is neither diagonal nor 2 x 2.
    """
    potential = _with_energy(potential, "hessian")
    hessian = potential.hessian_expressions
    dim = potential.dim

    def root(eigenvalue: sympy.Expr) -> sympy.Expr:
        if floor == 0:
            return sympy.sqrt(sympy.Abs(eigenvalue))
        return sympy.sqrt(sympy.sqrt(eigenvalue**2 + floor**2))

    if potential.separable:
        return diagonal_factor([root(hessian[i, i]) for i in range(dim)])
    if dim != 2:
        raise InputError(
            f"Hessian-shaped noise on {potential.name!r} needs the square root of a full {dim} x {dim} "
            "Hessian at "
            "each step, which is available for separable potentials and in two dimensions; "
            "give the covariance by noise= instead."
        )
    mean = (hessian[0, 0] + hessian[1, 1]) / 2
    half_gap = (hessian[0, 0] - hessian[1, 1]) / 2
    radius = sympy.sqrt(half_gap**2 + hessian[0, 1] ** 2)
    upper, lower = root(mean + radius), root(mean - radius)
    # Where the eigenvalues meet the slope multiplies a zero matrix: any finite value will do. The bound has
    # to be
    # a normal number in single precision, too.
    slope = (upper - lower) / sympy.Max(2 * radius, sympy.Float(1e-30))
    middle = (upper + lower) / 2
    corner = slope * hessian[0, 1]
    return ((middle + slope * half_gap, corner), (corner, middle - slope * half_gap))


def loss_factor(potential: Potential | DriftField, start: np.ndarray | None) -> Factor:
    """Square root of 2 L(x) H_a, with H_a the Hessian at the minimum of the start's valley.

    The gradient covariance of a squared loss near that minimum (Mori et al. 2022); the loss must not be
    negative, and where it is zero there is no noise.

    Raises
    ------
    InputError
        No start, a start in no valley, or a loss that is negative at the bottom of that valley.
    """
    potential = _with_energy(potential, "loss")
    if start is None:
        raise InputError('noise="loss" takes its curvature from the start\'s valley; give a start.')
    minimum = potential.valley(start).minimum
    if minimum.energy < 0:
        raise InputError(
            f'noise="loss" needs a loss of at least zero, but {potential.name!r} is {minimum.energy:.6g} at '
            f"its minimum {minimum.x.tolist()}; add a constant to the formula."
        )
    root = constant_factor(minimum.hessian, potential.dim, "the Hessian at the start's minimum")
    return scaled(sympy.sqrt(2 * potential.expression), root)


def expression_factor(covariance: Any, potential: Potential | DriftField, what: str) -> Factor:
    """Square root of a covariance given by expressions of the variables.

    One expression stands for a multiple of the identity, d expressions for the diagonal, a 2 x 2 nested
    list for a full matrix (Cholesky factor).

    Raises
    ------
    InputError
        Wrong shape, names that are neither variables nor parameters, or a matrix beyond 2 x 2.
    """
    dim = potential.dim
    if _is_entry(covariance):
        return scalar_factor(_root_of(covariance, potential, what), dim)
    entries = list(covariance) if isinstance(covariance, list | tuple) or hasattr(covariance, "shape") else []
    if len(entries) == dim and all(_is_entry(entry) for entry in entries):
        return diagonal_factor([_root_of(entry, potential, what) for entry in entries])
    rows = [list(row) for row in entries if isinstance(row, list | tuple) or hasattr(row, "shape")]
    if dim == len(entries) == 2 and [len(row) for row in rows] == [2, 2]:
        (c00, c01), (c10, c11) = [[_expression(entry, potential, what) for entry in row] for row in rows]
        if sympy.simplify(c01 - c10) != 0:
            raise InputError(f"{what} is not symmetric: {c01} against {c10}; give a symmetric matrix.")
        if c00.is_negative or c11.is_negative or sympy.expand(c00 * c11 - c01**2).is_negative:
            raise InputError(
                f"{what} is [[{c00}, {c01}], [{c01}, {c11}]], which is not positive semidefinite."
            )
        first = sympy.sqrt(c00)
        rest = sympy.cancel(c11 - c01**2 / c00)
        # Rounding may push what is left of a singular matrix a hair below zero, and its root has to be real;
        # further below, the matrix is no covariance and its root no number.
        second = sympy.sqrt(sympy.Piecewise((sympy.Abs(rest), rest > -_ROUNDING * c11), (rest, True)))
        return ((first, sympy.Integer(0)), (c01 / first, second))
    raise InputError(
        f"{what} has the wrong shape for {dim} coordinates: give one expression, {dim} of them for the "
        "diagonal, or in two dimensions a 2 x 2 list."
    )


def _with_energy(potential: Potential | DriftField, noise: str) -> Potential:
    if not isinstance(potential, Potential):
        raise InputError(
            f"noise={noise!r} needs an energy, which the drift field {potential.name!r} does not have; give "
            "the covariance as an expression."
        )
    return potential


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, str | sympy.Expr | Real) and not isinstance(entry, bool)


def _root_of(entry: Any, potential: Potential | DriftField, what: str) -> sympy.Expr:
    expression = _expression(entry, potential, what)
    if expression.is_negative:
        raise InputError(
            f"{what} is {expression}, which is always negative; a covariance must be positive semidefinite."
        )
    return sympy.sqrt(expression)


def _expression(entry: Any, potential: Potential | DriftField, what: str) -> sympy.Expr:
    if not _is_entry(entry):
        raise InputError(f"{what} contains {entry!r}, but it must be made of numbers and formulas.")
    known = {*(v.name for v in potential.variables), *potential.parameters}
    expression = parse_expression(entry) if isinstance(entry, str) else sympy.sympify(entry)
    unknown = sorted(symbol.name for symbol in expression.free_symbols if symbol.name not in known)
    if unknown:
        raise InputError(
            f"{what} uses {', '.join(unknown)}, which {potential.name!r} does not have; "
            f"its names are {', '.join(sorted(known))}."
        )
    return expression
