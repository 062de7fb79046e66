"""A linearised network as its outputs see it: the Gram matrix of its Jacobian, and nothing of size p."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.errors import InputError
from potentials.inputs import columns_of
from potentials.language import symbol
from potentials.samples import checksum, finite_array

__all__ = ["FunctionSpace"]

Floats = NDArray[np.float64]

_RECORDED = 4096
"""Up to so many numbers are written into a record."""

_CHUNK = 1 << 21
"""Numbers that one intermediate array may hold; 16 MiB."""


class FunctionSpace:
    """Errors e = r + J x of a network that is linear in its p parameters x, and how they move. Immutable.

    The losses are f_i = |e_i|^2 / 2, as in `LinearisedNetwork`. A step x' = x - eta J_i' e_i moves the errors
    by -eta G[:, i] e_i with the Gram matrix G = J J', so that whatever depends on errors alone can be had
    from G, whose size is that of the data.

    Dynamics run on it as on a landscape: a path is then the vector of the n c errors, those of the first
    sample first. Kicks in the parameters become kicks with covariance G.

    Parameters
    ----------
    gram
        G, shape (n c, n c), symmetric and positive semidefinite.
    errors
        r, the errors at x = 0, shape (n, c), (n,) or (n c,); by default zero, which is interpolation.
    outputs
        Outputs c a sample.
    network_dim
        Number of parameters p, if it is known.
    name
        How tables and figures call it.

    Raises
    ------
    InputError
        A wrong shape, a value that is not finite, or a matrix that is not a Gram matrix.
    """

    def __init__(
        self,
        gram: Any,
        errors: Any = None,
        *,
        outputs: int = 1,
        network_dim: int | None = None,
        name: str = "function space",
    ) -> None:
        matrix = finite_array("The Gram matrix", gram, 2)
        rows = len(matrix)
        if rows == 0 or matrix.shape[1] != rows:
            raise InputError(
                f"The Gram matrix has shape {matrix.shape}, but it must be square and not empty."
            )
        if isinstance(outputs, bool) or not isinstance(outputs, int | np.integer) or outputs < 1:
            raise InputError(f"outputs is {outputs!r}, but it must be a whole number of at least 1.")
        if rows % outputs:
            raise InputError(f"The Gram matrix has {rows} rows, which do not fit {outputs} outputs a sample.")
        if not np.allclose(matrix, matrix.T, rtol=0.0, atol=1e-6 * np.abs(matrix).max()):
            raise InputError("The Gram matrix is not symmetric: give J J'.")
        if not np.array_equal(matrix, matrix.T):
            matrix = (matrix + matrix.T) / 2
            matrix.flags.writeable = False
        if matrix.diagonal().min() < 0:
            raise InputError(
                f"The Gram matrix has {matrix.diagonal().min():.6g} on its diagonal, but squares are never "
                "negative: give J J'."
            )
        self._gram, self._outputs, self._size = matrix, int(outputs), rows // int(outputs)
        self._errors = np.zeros(rows) if errors is None else _errors(errors, self._size, self._outputs)
        self._errors.flags.writeable = False
        self._network_dim = network_dim
        self._name = str(name)

    @property
    def name(self) -> str:
        """How tables and figures call it."""
        return self._name

    @property
    def gram(self) -> Floats:
        """G, shape (n c, n c), read-only."""
        return self._gram

    @property
    def errors(self) -> Floats:
        """The errors r where the network was linearised, shape (n c,), read-only: where paths start."""
        return self._errors

    @property
    def size(self) -> int:
        """Number of samples n."""
        return self._size

    @property
    def outputs(self) -> int:
        """Outputs c a sample."""
        return self._outputs

    @property
    def dim(self) -> int:
        """Number of errors, n c."""
        return self._size * self._outputs

    @property
    def network_dim(self) -> int | None:
        """Number of parameters p, if it is known."""
        return self._network_dim

    @cached_property
    def variables(self) -> tuple[sp.Symbol, ...]:
        """A symbol for each error: e1, e2, ..."""
        return tuple(symbol(f"e{k}") for k in range(1, self.dim + 1))

    @property
    def parameters(self) -> Mapping[str, float]:
        """None."""
        return MappingProxyType({})

    @cached_property
    def blocks(self) -> Floats:
        """G_ii, the blocks of single samples on the diagonal, shape (n, c, c)."""
        n, c = self._size, self._outputs
        return np.ascontiguousarray(np.einsum("iaib->iab", self._gram.reshape(n, c, n, c)))

    @cached_property
    def modes(self) -> tuple[Floats, Floats]:
        """Eigenvalues of G in ascending order, of which none is below zero, and eigenvectors as columns."""
        from scipy.linalg import eigh

        values, vectors = eigh(self._gram, check_finite=False)
        tolerance = 1e-6 * max(values[-1], 0.0)
        if values[0] < -tolerance:
            raise InputError(
                f"The Gram matrix has the eigenvalue {values[0]:.6g}, but a Gram matrix has none below zero: "
                "give J J'."
            )
        return np.maximum(values, 0.0), vectors

    def loss(self, errors: ArrayLike) -> Floats:
        """Mean loss at errors of shape (..., n c); shape (...)."""
        e = self._points(errors)
        return np.asarray(0.5 * np.einsum("...k,...k->...", e, e) / self._size)

    def gradient(self, errors: ArrayLike) -> Floats:
        """J times the gradient of the mean loss, which is G e / n, at errors (..., n c); the same shape."""
        return np.asarray(self._points(errors) @ self._gram / self._size)

    def gradient_covariance(self, errors: ArrayLike) -> Floats:
        """J C_1 J' with the per-sample covariance C_1 of gradients, at (..., n c); shape (..., n c, n c)."""
        e = self._points(errors)
        points = e.reshape(-1, self._size, self._outputs)
        result = np.empty((len(points), self.dim, self.dim))
        columns = self._gram.reshape(self.dim, self._size, self._outputs)
        for p, point in enumerate(points):
            moves = np.einsum("kic,ic->ki", columns, point)
            moves -= moves.mean(axis=1, keepdims=True)
            result[p] = moves @ moves.T / self._size
        return result.reshape(*e.shape, self.dim)

    def _points(self, errors: ArrayLike) -> Floats:
        e = np.asarray(errors, dtype=np.float64)
        if e.ndim == 0 or e.shape[-1] != self.dim:
            columns_of(e, self.dim, self._name)
        return e

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of Gram matrix and errors."""
        return checksum([("gram", self._gram), ("errors", self._errors)])

    def record(self) -> dict[str, Any]:
        """What this is, in JSON types; the numbers themselves only if they are few."""
        record: dict[str, Any] = {
            "kind": "function_space",
            "name": self._name,
            "size": self._size,
            "outputs": self._outputs,
            "network_dim": self._network_dim,
            "sha256": self.checksum,
        }
        if self._gram.size <= _RECORDED:
            record |= {"gram": self._gram.tolist(), "errors": self._errors.tolist()}
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FunctionSpace:
        """The function space that `record` came from, if it holds the numbers.

        Raises
        ------
        InputError
            If it does not.
        """
        if not isinstance(record, Mapping) or "gram" not in record or "errors" not in record:
            raise InputError("The record does not hold the Gram matrix and errors of a function space.")
        return cls(
            record["gram"],
            record["errors"],
            outputs=record.get("outputs", 1),
            network_dim=record.get("network_dim"),
            name=str(record.get("name", "function space")),
        )

    @classmethod
    def from_torch(
        cls,
        module: Any,
        inputs: Any,
        targets: Any,
        loss: str = "squared",
        *,
        memory: float = 2e9,
        name: str | None = None,
    ) -> FunctionSpace:
        """A network of PyTorch linearised where it stands, of whose Jacobian only parts are ever held.

        Jacobians of groups of samples are made again and again, as many at a time as `memory` allows, and
        multiplied with one another. See `LinearisedNetwork.from_torch` for what is linearised.

        Parameters
        ----------
        module, inputs, targets, loss, name
            As in `LinearisedNetwork.from_torch`.
        memory
            Bytes that Jacobians may take at once.

        Raises
        ------
        InputError
            As in `LinearisedNetwork.from_torch`.
        """
        from potentials.torch_jacobian import TorchJacobian

        jacobian = TorchJacobian(module, inputs, targets, loss)
        gram, errors = jacobian.gram(memory)
        return cls(
            gram,
            errors,
            outputs=errors.shape[1],
            network_dim=jacobian.dim,
            name=jacobian.name if name is None else name,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._gram, self._errors, self._outputs, self._network_dim, self._name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FunctionSpace)
            and self._outputs == other._outputs
            and self.checksum == other.checksum
        )

    def __hash__(self) -> int:
        return hash(("function_space", self._outputs, self.checksum))

    def __repr__(self) -> str:
        p = "" if self._network_dim is None else f", network_dim={self._network_dim}"
        return f"FunctionSpace({self._name!r}, size={self._size}, outputs={self._outputs}{p})"


def _rebuilt(gram: Floats, errors: Floats, outputs: int, dim: int | None, name: str) -> FunctionSpace:
    return FunctionSpace(gram, errors, outputs=outputs, network_dim=dim, name=name)


def _errors(errors: Any, n: int, c: int) -> Floats:
    array = finite_array("The array of errors", errors, 1 if np.ndim(errors) == 1 else 2)
    if array.shape not in ((n, c), (n * c,)):
        raise InputError(f"The errors have shape {array.shape}, but the Gram matrix asks for {(n, c)}.")
    return array.reshape(-1)
