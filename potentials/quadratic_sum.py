"""A sum of quadratics, each with its own curvature and centre: minibatch noise that is known exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.bowl import Bowl
from potentials.errors import InputError
from potentials.inputs import checked_domain
from potentials.language import symbol
from potentials.sample_mean import SampleMean
from potentials.samples import checksum, finite_array, indices_of

__all__ = ["QuadraticSum"]

Floats = NDArray[np.float64]

_RECORDED = 4096
"""Up to so many numbers are written into a record."""


class QuadraticSum(SampleMean):
    """The mean of f_i = (x - c_i)' H_i (x - c_i) / 2. Immutable.

    Parameters
    ----------
    hessians
        H_i, shape (n, d, d), symmetric. Shape (n, d) stands for diagonal matrices and (n,) for numbers; a
        square array of two dimensions could be either and is refused.
    centers
        c_i, shape (n, d), or (n,) in one dimension; by default all zero, so that every f_i has its minimum
        there.
    name
        How tables and figures call it.

    Raises
    ------
    InputError
        A wrong shape, a value that is not finite, or a Hessian that is not symmetric.
    """

    def __init__(self, hessians: Any, centers: Any = None, *, name: str = "quadratic sum") -> None:
        matrices = _matrices(hessians)
        n, dim = matrices.shape[:2]
        points = np.zeros((n, dim)) if centers is None else _points(centers, n, dim)
        self._hessian_stack, self._centers = matrices, points
        self._pulls = np.einsum("nij,nj->ni", matrices, points)
        self._mean_hessian = matrices.mean(axis=0)
        names = ["x"] if dim == 1 else [f"x{i}" for i in range(1, dim + 1)]
        variables = tuple(symbol(item) for item in names)
        self._describe(variables, {}, str(name), checked_domain(None, dim), n)

    @property
    def hessians(self) -> Floats:
        """H_i, shape (n, d, d), read-only."""
        return self._hessian_stack

    @property
    def centers(self) -> Floats:
        """c_i, shape (n, d), read-only."""
        return self._centers

    @property
    def pulls(self) -> Floats:
        """H_i c_i, shape (n, d): the gradient of f_i is H_i x minus this."""
        return self._pulls

    @cached_property
    def minimiser(self) -> Floats:
        """Where the mean gradient vanishes, shape (d,); of several such points the one nearest to zero."""
        solution, *_ = np.linalg.lstsq(self._mean_hessian, self._pulls.mean(axis=0), rcond=None)
        return np.asarray(solution, dtype=np.float64)

    def hessian(self, x: ArrayLike) -> Floats:
        """Second derivatives at points of shape (..., d), the same everywhere; shape (..., d, d)."""
        shape = self._columns(x)[0].shape
        return np.broadcast_to(self._mean_hessian, (*shape, self.dim, self.dim)).copy()

    def with_parameters(self, **values: float) -> QuadraticSum:
        """A sum of quadratics has no parameters.

        Raises
        ------
        InputError
            If any is given.
        """
        if values:
            raise InputError(f"A quadratic sum has no parameter {next(iter(values))!r}: make another one.")
        return self

    def subset(self, samples: Any) -> QuadraticSum:
        """The mean over some of the samples, given by their numbers or a mask."""
        chosen = indices_of(samples, self.size)
        return QuadraticSum(self._hessian_stack[chosen], self._centers[chosen], name=self._name)

    def _energies(self, x: Floats, samples: slice) -> Floats:
        away = x[:, None, :] - self._centers[samples]
        return 0.5 * np.einsum("mki,kij,mkj->mk", away, self._hessian_stack[samples], away, optimize=True)

    def _gradients(self, x: Floats, samples: slice) -> Floats:
        return np.einsum("kij,mj->mki", self._hessian_stack[samples], x) - self._pulls[samples]

    def _hessians(self, x: Floats, samples: slice) -> Floats:
        stack = self._hessian_stack[samples]
        return np.broadcast_to(stack, (len(x), *stack.shape))

    def _sample_expressions(self) -> Iterable[sp.Expr]:
        for matrix, center in zip(self._hessian_stack, self._centers, strict=True):
            away = [v - _exact(c) for v, c in zip(self.variables, center, strict=True)]
            terms = [
                _exact(matrix[i, j]) * away[i] * away[j] / 2
                for i in range(self.dim)
                for j in range(self.dim)
                if matrix[i, j]
            ]
            yield sp.Add(*terms)

    @cached_property
    def _points(self) -> Bowl:  # type: ignore[override]
        return Bowl(self, self.minimiser)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of Hessians and centres."""
        return checksum([("hessians", self._hessian_stack), ("centers", self._centers)])

    def record(self) -> dict[str, Any]:
        """What this sum is, in JSON types; the numbers themselves only if they are few."""
        record: dict[str, Any] = {
            "kind": "quadratic_sum",
            "name": self._name,
            "size": self.size,
            "dim": self.dim,
            "sha256": self.checksum,
        }
        if self._hessian_stack.size <= _RECORDED:
            record |= {"hessians": self._hessian_stack.tolist(), "centers": self._centers.tolist()}
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> QuadraticSum:
        """The sum that `record` came from, if it holds the numbers.

        Raises
        ------
        InputError
            If it does not.
        """
        if not isinstance(record, Mapping) or "hessians" not in record or "centers" not in record:
            raise InputError("The record does not hold the Hessians and centers of a quadratic sum.")
        return cls(record["hessians"], record["centers"], name=str(record.get("name", "quadratic sum")))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._hessian_stack, self._centers, self._name)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return ("quadratic_sum", self.checksum)


def _rebuilt(hessians: Floats, centers: Floats, name: str) -> QuadraticSum:
    return QuadraticSum(hessians, centers, name=name)


def _exact(value: float) -> sp.Rational:
    return sp.Rational(repr(float(value)))


def _matrices(hessians: Any) -> Floats:
    what = "The array of Hessians"
    try:
        dimensions = np.ndim(hessians)
    except ValueError:
        dimensions = 0
    array = finite_array(what, hessians, dimensions if dimensions in (1, 2, 3) else 3)
    if array.size == 0:
        raise InputError(f"{what} is empty: give at least one.")
    if dimensions == 2 and array.shape[0] == array.shape[1] > 1:
        raise InputError(
            f"{what} has shape {array.shape}, which could be one matrix or {array.shape[0]} diagonals: give "
            "shape (n, d, d)."
        )
    if dimensions == 1:
        array = array[:, None, None]
    elif dimensions == 2:
        array = array[:, :, None] * np.eye(array.shape[1])
    if array.shape[1] != array.shape[2]:
        raise InputError(f"{what} has shape {array.shape}, but it must be (n, d, d).")
    uneven = np.abs(array - np.swapaxes(array, 1, 2)).max(axis=(1, 2)) > 1e-12 * np.abs(array).max()
    if uneven.any():
        raise InputError(
            f"The Hessian of sample {int(np.argmax(uneven))} is not symmetric: give symmetric matrices."
        )
    array = np.ascontiguousarray((array + np.swapaxes(array, 1, 2)) / 2)
    array.flags.writeable = False
    return array


def _points(centers: Any, n: int, dim: int) -> Floats:
    array = finite_array("The array of centers", centers, 1 if np.ndim(centers) == 1 and dim == 1 else 2)
    array = array.reshape(len(array), -1)
    if array.shape != (n, dim):
        raise InputError(f"The array of centers has shape {array.shape}, but it must be ({n}, {dim}).")
    return array
