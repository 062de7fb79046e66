"""Spectral radius of a map that takes positive semidefinite matrices to such, with certified bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

Array = np.ndarray

_DENSE = 90
"""Up to so many entries of a symmetric matrix the map is written out."""

_WIDTHS = (2e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""Relative distances from the spectral radius at which a bound is tried, nearest first."""

_LARGE_WIDTHS = (1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
"""The same for maps that are only applied, where a trial costs a hundred applications."""


@dataclass(frozen=True)
class PositiveMap:
    """M -> T(M), linear, with T(M) positive semidefinite whenever M is.

    Attributes
    ----------
    size
        Rows of M.
    apply, adjoint
        T and its adjoint for the inner product tr(M N); the same function for a self-adjoint T.
    """

    size: int
    apply: Callable[[Array], Array]
    adjoint: Callable[[Array], Array]

    @property
    def symmetric(self) -> bool:
        """Whether T is its own adjoint."""
        return self.apply is self.adjoint


@dataclass(frozen=True)
class Radius:
    """The spectral radius of a positive map.

    Attributes
    ----------
    value, low, high
        The radius, between bounds that hold up to rounding.
    matrix
        The eigenmatrix, positive semidefinite: where the second moment ends up.
    """

    value: float
    low: float
    high: float
    matrix: Array

    @property
    def error(self) -> float:
        """The larger distance from the value to a bound."""
        return max(self.high - self.value, self.value - self.low)


def spectral_radius(operator: PositiveMap) -> Radius:
    """The largest |eigenvalue| of a positive map, which is an eigenvalue with a semidefinite eigenmatrix.

    Small maps are written out; large ones are only ever applied, by Lanczos or Arnoldi iteration from the
    identity. Bounds come from the resolvent: for X with mu X - T(X) = Q positive definite, the radius is
    below mu if X is positive definite, too, and not below mu if X has a negative eigenvalue. An approximate
    solution of mu X - T(X) = I will do, as its own Q can be looked at. For a self-adjoint map the Rayleigh
    quotient is a lower bound besides.
    """
    if operator.size == 1:
        value = float(operator.apply(np.ones((1, 1)))[0, 0])
        return Radius(value, value, value, np.ones((1, 1)))
    dense = _written_out(operator) if _length(operator.size) <= _DENSE else None
    value, matrix = _dense_leading(dense, operator) if dense is not None else _leading(operator)
    if not value > 0:
        return Radius(0.0, 0.0, 0.0, matrix)
    # To scale, so that all that follows is about a radius near one.
    scale = value
    scaled = _scaled(operator, scale)
    dense = None if dense is None else dense / scale
    widths = _WIDTHS if dense is not None else _LARGE_WIDTHS
    left = matrix
    if dense is None and not operator.symmetric:
        _, left = _leading(replace(scaled, apply=scaled.adjoint, adjoint=scaled.apply))
    above = next((w for w in widths if _compare(scaled, 1 + w, dense, matrix, left) > 0), np.inf)
    if operator.symmetric:
        quotient = float(np.sum(matrix * scaled.apply(matrix)) / np.sum(matrix**2))
        below = max(1 - quotient, 0.0) + 4 * float(np.finfo(float).eps)
    else:
        below = next((w for w in widths if _compare(scaled, 1 - w, dense, matrix, left) < 0), 1.0)
    return Radius(value, value * (1 - below), value * (1 + above), matrix)


def _compare(operator: PositiveMap, mu: float, dense: Array | None, matrix: Array, left: Array) -> int:
    """1 if the radius is surely below mu, -1 if it surely is not, 0 if this attempt does not tell."""
    size = operator.size
    identity = np.eye(size)
    if dense is not None:
        try:
            solution = np.linalg.solve(mu * np.eye(len(dense)) - dense, _packed(identity))
        except np.linalg.LinAlgError:
            return 0
        x = _unpacked(solution, size)
    else:
        x = _resolvent(operator, mu, matrix, left)
    q = mu * x - operator.apply(x)
    lost = 64 * np.finfo(float).eps * size * float(np.abs(x).max())
    if not np.isfinite(x).all() or np.linalg.eigvalsh(_symmetric(q))[0] <= lost:
        return 0
    values = np.linalg.eigvalsh(_symmetric(x))
    if values[0] > 0:
        return 1
    return -1 if values[0] < -lost else 0


def _resolvent(operator: PositiveMap, mu: float, matrix: Array, left: Array) -> Array:
    """About (mu - T)^-1 I, from a first guess that has the part along the leading eigenmatrix right."""
    from scipy.sparse.linalg import LinearOperator, cg, gmres

    size = operator.size
    start = np.eye(size) + matrix * (np.trace(left) / np.sum(left * matrix)) * (1 / (mu - 1) - 1)
    length = _length(size)
    system = LinearOperator(
        (length, length),
        matvec=lambda v: mu * v - _packed(operator.apply(_unpacked(v, size))),
        dtype=np.float64,
    )
    # A residual matrix below one half in norm is enough.
    solve = cg if operator.symmetric else gmres
    solution, _ = solve(system, _packed(np.eye(size)), _packed(start), rtol=0.0, atol=0.3, maxiter=100)
    return _unpacked(np.asarray(solution), size)


def _leading(operator: PositiveMap) -> tuple[float, Array]:
    """The leading eigenvalue and eigenmatrix, by Lanczos or Arnoldi iteration."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, eigsh

    size = operator.size
    length = _length(size)
    system = LinearOperator(
        (length, length), matvec=lambda v: _packed(operator.apply(_unpacked(v, size))), dtype=np.float64
    )
    start = _packed(np.eye(size))
    try:
        if operator.symmetric:
            values, vectors = eigsh(system, k=1, which="LA", v0=start, ncv=min(length - 1, 20), tol=1e-9)
        else:
            values, vectors = eigs(system, k=1, which="LR", v0=start, ncv=min(length - 1, 60), tol=1e-11)
    except ArpackNoConvergence:
        return _by_power_iteration(operator)
    matrix = _unpacked(np.real(vectors[:, 0]), size)
    return float(np.real(values[0])), matrix * np.sign(np.trace(matrix))


def _by_power_iteration(operator: PositiveMap) -> tuple[float, Array]:
    """The same by applying the map 2,000 times, which never fails but need not have settled."""
    matrix, value = np.eye(operator.size) / operator.size, 0.0
    for _ in range(2_000):
        moved = operator.apply(matrix)
        value = float(np.trace(moved))
        if not value > 0:
            break
        matrix = moved / value
    return value, matrix


def _dense_leading(dense: Array, operator: PositiveMap) -> tuple[float, Array]:
    if operator.symmetric:
        values, vectors = np.linalg.eigh(_symmetric(dense))
        best = len(values) - 1
    else:
        values, vectors = np.linalg.eig(dense)
        # The radius of a positive map is itself an eigenvalue: of those as large, the real one.
        best = int(np.argmax(np.real(values)))
    matrix = _unpacked(np.real(vectors[:, best]), operator.size)
    trace = float(np.trace(matrix))
    return float(np.real(values[best])), matrix if trace >= 0 else -matrix


def _written_out(operator: PositiveMap) -> Array:
    length = _length(operator.size)
    columns = (_packed(operator.apply(_unpacked(v, operator.size))) for v in np.eye(length))
    return np.stack(list(columns), axis=1)


def _scaled(operator: PositiveMap, scale: float) -> PositiveMap:
    def apply(matrix: Array) -> Array:
        return operator.apply(matrix) / scale

    def adjoint(matrix: Array) -> Array:
        return operator.adjoint(matrix) / scale

    return PositiveMap(operator.size, apply, apply if operator.symmetric else adjoint)


def _length(size: int) -> int:
    return size * (size + 1) // 2


def _packed(matrix: Array) -> Array:
    """A symmetric matrix as a vector of the same norm."""
    above, below, scales = _triangle(len(matrix))
    entries = matrix.ravel()
    return (entries[above] + entries[below]) * (scales / 2)


def _unpacked(vector: Array, size: int) -> Array:
    above, below, scales = _triangle(size)
    entries = np.empty(size * size)
    entries[above] = entries[below] = vector / scales
    return entries.reshape(size, size)


@lru_cache(maxsize=1)
def _triangle(size: int) -> tuple[Array, Array, Array]:
    """Where the entries of a packed matrix lie in it, above and below the diagonal, and their scales."""
    i, j = np.triu_indices(size)
    return i * size + j, j * size + i, np.where(i == j, 1.0, np.sqrt(2.0))


def _symmetric(matrix: Array) -> Array:
    return np.asarray((matrix + matrix.T) / 2)
