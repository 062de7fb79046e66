"""Square roots of noise covariances, in symbols: constant, Hessian-shaped, or given by an expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
import sympy

from potentials import DriftField, Potential
from potentials.formula import parse_expression
from simdyn.dynamics.matrix_root import ROUNDING, MatrixRoot, symmetric_root
from simdyn.dynamics.update import Factor
from simdyn.errors import InputError


@dataclass(frozen=True)
class CovarianceRoot:
    """A square root of a covariance: `factor` R, where R is the identity but for `roots`.

    Attributes
    ----------
    factor
        d rows of expressions.
    roots
        Blocks of R that have to be found anew at each point; see `simdyn.dynamics.update.Update`.
    values
        Run-time values of symbols in `factor`.
    """

    factor: Factor
    roots: tuple[MatrixRoot, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)


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


def constant_root(matrix: Any, dim: int, what: str) -> CovarianceRoot:
    """Symmetric root of a constant covariance: a number, d variances, or a d x d matrix.

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
    eigenvalues = np.linalg.eigvalsh(array)
    if eigenvalues[0] < -1e-12 * abs(eigenvalues).max():
        raise InputError(
            f"{what} is not positive semidefinite (lowest eigenvalue {eigenvalues[0]:.6g}); "
            "a covariance cannot have negative eigenvalues."
        )
    if np.count_nonzero(array - np.diag(np.diag(array))) == 0:
        sizes = [sympy.Float(float(np.sqrt(max(v, 0.0)))) for v in np.diag(array)]
        return CovarianceRoot(diagonal_factor(sizes))
    factor, values = _numbered(symmetric_root(array, None), range(dim))
    return CovarianceRoot(factor, (), values)


def hessian_root(potential: Potential | DriftField, floor: sympy.Expr, delta: float) -> CovarianceRoot:
    """Square root of |H|_floor = (H^2 + floor^2 I)^(1/2), with H the Hessian of the potential.

    The Hessian falls into blocks of coordinates that it couples. Those of one or two have closed forms,
    larger ones that are the same everywhere are factored here, and the others at each point.

    Parameters
    ----------
    potential
        The landscape.
    floor, delta
        The symbol of the floor (0 for none) and its value.
    """
    potential = _with_energy(potential, "hessian")
    hessian = potential.hessian_expressions
    variables = set(potential.variables)
    factor = [[sympy.S.Zero] * potential.dim for _ in range(potential.dim)]
    roots: list[MatrixRoot] = []
    values: dict[str, float] = {}
    for block in blocks_of(hessian):
        rows = tuple(tuple(hessian[i, j] for j in block) for i in block)
        own: Factor
        if len(block) == 1:
            own = ((_root_of_eigenvalue(rows[0][0], floor),),)
        elif len(block) == 2:
            own = _root_of_pair(rows, floor)
        elif any(entry.free_symbols & variables for row in rows for entry in row):
            own = scalar_factor(sympy.S.One, len(block))
            roots.append(MatrixRoot(rows, block, floor))
        else:
            there = potential.hessian(np.zeros(potential.dim))[np.ix_(block, block)]
            own, numbers = _numbered(symmetric_root(there, delta), block)
            values |= numbers
        for i, row in zip(block, own, strict=True):
            for j, entry in zip(block, row, strict=True):
                factor[i][j] = entry
    return CovarianceRoot(tuple(map(tuple, factor)), tuple(roots), values)


def blocks_of(matrix: sympy.ImmutableMatrix) -> list[tuple[int, ...]]:
    """The indices of a symmetric matrix in groups without entries between them."""
    size = matrix.rows
    pairs = [(i, j) for i in range(size) for j in range(i, size) if matrix[i, j] != 0]
    if len(pairs) == size * (size + 1) // 2:
        return [tuple(range(size))]
    if all(i == j for i, j in pairs):
        return [(i,) for i in range(size)]
    # They take as long to import as a short run takes.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = zip(*pairs, strict=True)
    graph = csr_array((np.ones(len(pairs)), (rows, columns)), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    return [tuple(int(i) for i in np.flatnonzero(label == k)) for k in range(count)]


def _numbered(matrix: np.ndarray, block: Sequence[int]) -> tuple[Factor, dict[str, float]]:
    """Symbols for the entries of a symmetric matrix, and their values: kernels are the same whatever these
    are."""
    names = [[f"_root{min(i, j)}_{max(i, j)}" for j in block] for i in block]
    values = {
        name: float(v) for row, vs in zip(names, matrix, strict=True) for name, v in zip(row, vs, strict=True)
    }
    return tuple(tuple(sympy.Symbol(name, real=True) for name in row) for row in names), values


def _root_of_eigenvalue(eigenvalue: sympy.Expr, floor: sympy.Expr) -> sympy.Expr:
    if floor == 0:
        return sympy.sqrt(sympy.Abs(eigenvalue))
    return sympy.sqrt(sympy.sqrt(eigenvalue**2 + floor**2))


def _root_of_pair(matrix: Factor, floor: sympy.Expr) -> Factor:
    """Of a symmetric 2 x 2 matrix, through the spectral form f(H) = f_mean I + f_slope (H - trace/2 I)."""
    (first, corner), (_, last) = matrix
    mean, half_gap = (first + last) / 2, (first - last) / 2
    radius = sympy.sqrt(half_gap**2 + corner**2)
    upper, lower = (_root_of_eigenvalue(value, floor) for value in (mean + radius, mean - radius))
    # Where the eigenvalues meet the slope multiplies a zero matrix: any finite value will do. The bound has
    # to be a normal number in single precision, too.
    slope = (upper - lower) / sympy.Max(2 * radius, sympy.Float(1e-30))
    middle, across = (upper + lower) / 2, slope * corner
    return ((middle + slope * half_gap, across), (across, middle - slope * half_gap))


def loss_root(potential: Potential | DriftField, start: np.ndarray | None) -> CovarianceRoot:
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
    minimum = potential.minimum_below(start)
    if minimum.energy < 0:
        raise InputError(
            f'noise="loss" needs a loss of at least zero, but {potential.name!r} is {minimum.energy:.6g} at '
            f"its minimum {minimum.x.tolist()}; add a constant to the formula."
        )
    root = constant_root(minimum.hessian, potential.dim, "the Hessian at the start's minimum")
    return replace(root, factor=scaled(sympy.sqrt(2 * potential.expression), root.factor))


def expression_root(covariance: Any, potential: Potential | DriftField, what: str) -> CovarianceRoot:
    """Square root of a covariance given by expressions of the variables.

    One expression stands for a multiple of the identity, d expressions for the diagonal, a d x d nested list
    for a full matrix, whose root is lower triangular for d = 2 and symmetric beyond.

    Raises
    ------
    InputError
        Wrong shape, names that are neither variables nor parameters, or a matrix that is not symmetric.
    """
    dim = potential.dim
    if is_entry(covariance):
        return CovarianceRoot(scalar_factor(_root_of(covariance, potential, what), dim))
    entries = list(covariance) if isinstance(covariance, list | tuple) or hasattr(covariance, "shape") else []
    if len(entries) == dim and all(is_entry(entry) for entry in entries):
        return CovarianceRoot(diagonal_factor([_root_of(entry, potential, what) for entry in entries]))
    given = [list(row) for row in entries if isinstance(row, list | tuple) or hasattr(row, "shape")]
    if len(entries) != dim or [len(row) for row in given] != [dim] * dim:
        raise InputError(
            f"{what} has the wrong shape for {dim} coordinates: give one expression, {dim} of them for the "
            f"diagonal, or a {dim} x {dim} list."
        )
    rows = tuple(tuple(expression_of(entry, potential, what) for entry in row) for row in given)
    for i in range(dim):
        if rows[i][i].is_negative:
            raise InputError(f"{what} has {rows[i][i]} on its diagonal; a variance cannot be negative.")
        for j in range(i):
            if rows[i][j] != rows[j][i] and sympy.simplify(rows[i][j] - rows[j][i]) != 0:
                raise InputError(
                    f"{what} is not symmetric: {rows[i][j]} against {rows[j][i]}; give a symmetric matrix."
                )
    if dim == 2:
        return CovarianceRoot(_cholesky_of_pair(rows, what))
    return _root_of_matrix(rows, potential, what)


def _root_of_matrix(rows: Factor, potential: Potential | DriftField, what: str) -> CovarianceRoot:
    """Of a matrix that is the same everywhere here, of others at each point."""
    entries = [entry for row in rows for entry in row]
    if any(entry.free_symbols & set(potential.variables) for entry in entries):
        identity = scalar_factor(sympy.S.One, len(rows))
        return CovarianceRoot(identity, (MatrixRoot(rows, tuple(range(len(rows))), None),))
    known = {symbol: potential.parameters[symbol.name] for entry in entries for symbol in entry.free_symbols}
    numbers = [[float(entry.subs(known)) for entry in row] for row in rows]
    return constant_root(numbers, potential.dim, what)


def _cholesky_of_pair(rows: Factor, what: str) -> Factor:
    (c00, c01), (_, c11) = rows
    if sympy.expand(c00 * c11 - c01**2).is_negative:
        raise InputError(f"{what} is [[{c00}, {c01}], [{c01}, {c11}]], which is not positive semidefinite.")
    first = sympy.sqrt(c00)
    rest = sympy.cancel(c11 - c01**2 / c00)
    # Rounding may push what is left of a singular matrix a hair below zero, and its root has to be real;
    # further below, the matrix is no covariance and its root no number.
    second = sympy.sqrt(sympy.Piecewise((sympy.Abs(rest), rest > -ROUNDING * c11), (rest, True)))
    return ((first, sympy.Integer(0)), (c01 / first, second))


def _with_energy(potential: Potential | DriftField, noise: str) -> Potential:
    if not isinstance(potential, Potential):
        raise InputError(
            f"noise={noise!r} needs an energy, which the drift field {potential.name!r} does not have; give "
            "the covariance as an expression."
        )
    return potential


def is_entry(entry: Any) -> bool:
    """Whether something is one number or formula."""
    return isinstance(entry, str | sympy.Expr | Real) and not isinstance(entry, bool)


def _root_of(entry: Any, potential: Potential | DriftField, what: str) -> sympy.Expr:
    expression = expression_of(entry, potential, what)
    if expression.is_negative:
        raise InputError(
            f"{what} is {expression}, which is always negative; a covariance must be positive semidefinite."
        )
    return sympy.sqrt(expression)


def expression_of(entry: Any, potential: Potential | DriftField, what: str) -> sympy.Expr:
    """A number or formula in the variables and parameters of a landscape.

    Raises
    ------
    InputError
        Something else, or an unknown name; `what` says of what it is an entry.
    """
    if not is_entry(entry):
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
