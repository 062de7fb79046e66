"""A network that is linear in its parameters, with squared loss; least-squares regression is the simplest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.bowl import Bowl
from potentials.errors import InputError
from potentials.function_space import FunctionSpace
from potentials.inputs import checked_domain
from potentials.language import symbol
from potentials.sample_mean import SampleMean
from potentials.samples import checksum, finite_array, indices_of

__all__ = ["LinearisedNetwork"]

Floats = NDArray[np.float64]

_RECORDED = 4096
"""Up to so many numbers are written into a record."""

DENSE_LIMIT = 4 * 10**9
"""Bytes that the Jacobian of a PyTorch network may take."""


class LinearisedNetwork(SampleMean):
    """The mean of f_i = |r_i + J_i x|^2 / 2, one J_i of c outputs by d parameters a sample. Immutable.

    Parameters
    ----------
    jacobian
        J, shape (n, c, d), or (n, d) for one output. The parameters x are counted from where the network was
        linearised.
    residual
        r, shape (n, c) or (n,): output minus target at x = 0; by default zero, which is interpolation. For
        the regression of y on rows a_i, the residual is -y.
    curvature
        Q_i, the second derivatives of each sample's loss in its c outputs, shape (n, c, c), symmetric and
        positive semidefinite, or (n, c) for diagonal ones. Then f_i = (r_i + J_i x)' Q_i (r_i + J_i x) / 2,
        and the Hessian of the mean is that of Gauss and Newton. `jacobian` and `residual` are afterwards
        Q_i^(1/2) J_i and Q_i^(1/2) r_i, in which the same loss is half a square.
    name
        How tables and figures call it.

    Raises
    ------
    InputError
        A wrong shape or a value that is not finite.
    """

    def __init__(
        self,
        jacobian: Any,
        residual: Any = None,
        *,
        curvature: Any = None,
        name: str = "linearised network",
    ) -> None:
        try:
            dimensions = np.ndim(jacobian)
        except ValueError:
            dimensions = 3
        rows = finite_array("The Jacobian", jacobian, 2 if dimensions == 2 else 3)
        rows = rows if rows.ndim == 3 else rows[:, None, :]
        if rows.size == 0:
            raise InputError(f"The Jacobian has shape {rows.shape}: give at least one sample and parameter.")
        offset = np.zeros(rows.shape[:2]) if residual is None else _residual(residual, rows.shape[:2])
        if curvature is not None:
            root = _curvature_root(curvature, rows.shape[:2])
            rows, offset = root @ rows, np.einsum("nab,nb->na", root, offset)
            for array in (rows, offset):
                array.flags.writeable = False
        self._jacobian, self._residual = rows, offset
        n, _, dim = rows.shape
        names = ["x"] if dim == 1 else [f"x{i}" for i in range(1, dim + 1)]
        variables = tuple(symbol(item) for item in names)
        self._describe(variables, {}, str(name), checked_domain(None, dim), n)

    @property
    def jacobian(self) -> Floats:
        """J, shape (n, c, d), read-only."""
        return self._jacobian

    @property
    def residual(self) -> Floats:
        """r, shape (n, c), read-only."""
        return self._residual

    @property
    def outputs(self) -> int:
        """Outputs c a sample."""
        return self._jacobian.shape[1]

    def function_space(self) -> FunctionSpace:
        """The same network as its outputs see it: Gram matrix and errors, without anything of size d."""
        stacked = self._jacobian.reshape(-1, self.dim)
        return FunctionSpace(
            stacked @ stacked.T,
            self._residual.ravel(),
            outputs=self.outputs,
            network_dim=self.dim,
            name=self._name,
        )

    @classmethod
    def from_torch(
        cls, module: Any, inputs: Any, targets: Any, loss: str = "squared", *, name: str | None = None
    ) -> LinearisedNetwork:
        """A network of PyTorch, linearised where its parameters stand.

        Each sample's loss is taken to second order in the outputs, and the outputs to first order in the
        parameters; the curvature is that of Gauss and Newton, and exact where the residuals vanish.

        Parameters
        ----------
        module
            A `torch.nn.Module` that gives a vector of outputs for each sample. Parameters with requires_grad
            are the coordinates, in the order of `named_parameters`. It works as in evaluation (no dropout,
            running averages in batch norm).
        inputs
            Tensor or array, samples along the first dimension.
        targets
            For "squared" the target of each output, for "cross_entropy" the number of each sample's class.
        loss
            "squared", |z - y|^2 / 2 summed over outputs; or "cross_entropy", of the softmax of the outputs:
            then a sample has c - 1 rows, since a shift of all c outputs changes nothing.
        name
            How tables and figures call it.

        Raises
        ------
        InputError
            No PyTorch, inputs and targets that do not fit, or a Jacobian of more than 4 GB.
        """
        from potentials.torch_jacobian import TorchJacobian

        jacobian = TorchJacobian(module, inputs, targets, loss)
        size = 8 * jacobian.size * jacobian.outputs * jacobian.dim
        if size > DENSE_LIMIT:
            raise InputError(
                f"The Jacobian of {jacobian.size:,} samples, {jacobian.outputs} rows each, by "
                f"{jacobian.dim:,} parameters would take {size / 1e9:.3g} GB, more than "
                f"{DENSE_LIMIT / 1e9:.3g} GB; use FunctionSpace.from_torch, which never holds it."
            )
        return cls(jacobian.dense(), jacobian.errors(), name=jacobian.name if name is None else name)

    @cached_property
    def minimiser(self) -> Floats:
        """The least-squares solution, shape (d,); of several the one nearest to zero."""
        stacked = self._jacobian.reshape(-1, self.dim)
        solution, *_ = np.linalg.lstsq(stacked, -self._residual.ravel(), rcond=None)
        return np.asarray(solution, dtype=np.float64)

    @cached_property
    def _mean_hessian(self) -> Floats:
        stacked = self._jacobian.reshape(-1, self.dim)
        return np.asarray(stacked.T @ stacked / self.size, dtype=np.float64)

    def hessian(self, x: ArrayLike) -> Floats:
        """Second derivatives at points of shape (..., d), the same everywhere; shape (..., d, d)."""
        shape = self._columns(x)[0].shape
        return np.broadcast_to(self._mean_hessian, (*shape, self.dim, self.dim)).copy()

    def with_parameters(self, **values: float) -> LinearisedNetwork:
        """A linearised network has no named parameters.

        Raises
        ------
        InputError
            If any is given.
        """
        if values:
            raise InputError(
                f"A linearised network has no parameter {next(iter(values))!r}: make another one."
            )
        return self

    def subset(self, samples: Any) -> LinearisedNetwork:
        """The mean over some of the samples, given by their numbers or a mask."""
        chosen = indices_of(samples, self.size)
        return LinearisedNetwork(self._jacobian[chosen], self._residual[chosen], name=self._name)

    def _errors(self, x: Floats, samples: slice) -> Floats:
        """r_i + J_i x, shape (m, k, c)."""
        return np.einsum("kcd,md->mkc", self._jacobian[samples], x, optimize=True) + self._residual[samples]

    def _energies(self, x: Floats, samples: slice) -> Floats:
        return 0.5 * (self._errors(x, samples) ** 2).sum(axis=-1)

    def _gradients(self, x: Floats, samples: slice) -> Floats:
        return np.einsum("mkc,kcd->mkd", self._errors(x, samples), self._jacobian[samples])

    def _hessians(self, x: Floats, samples: slice) -> Floats:
        rows = self._jacobian[samples]
        each = np.einsum("kci,kcj->kij", rows, rows)
        return np.broadcast_to(each, (len(x), *each.shape))

    def _sample_expressions(self) -> Iterable[sp.Expr]:
        for rows, residual in zip(self._jacobian, self._residual, strict=True):
            yield sp.Add(
                *(
                    sp.Add(_exact(r), *(_exact(j) * v for j, v in zip(row, self.variables, strict=True))) ** 2
                    / 2
                    for row, r in zip(rows, residual, strict=True)
                )
            )

    @cached_property
    def _points(self) -> Bowl:  # type: ignore[override]
        return Bowl(self, self.minimiser)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of Jacobian and residual."""
        return checksum([("jacobian", self._jacobian), ("residual", self._residual)])

    def record(self) -> dict[str, Any]:
        """What this network is, in JSON types; the numbers themselves only if they are few."""
        record: dict[str, Any] = {
            "kind": "linearised_network",
            "name": self._name,
            "size": self.size,
            "outputs": self.outputs,
            "dim": self.dim,
            "sha256": self.checksum,
        }
        if self._jacobian.size <= _RECORDED:
            record |= {"jacobian": self._jacobian.tolist(), "residual": self._residual.tolist()}
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> LinearisedNetwork:
        """The network that `record` came from, if it holds the numbers.

        Raises
        ------
        InputError
            If it does not.
        """
        if not isinstance(record, Mapping) or "jacobian" not in record or "residual" not in record:
            raise InputError("The record does not hold the Jacobian and residual of a linearised network.")
        return cls(record["jacobian"], record["residual"], name=str(record.get("name", "linearised network")))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._jacobian, self._residual, self._name)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return ("linearised_network", self.checksum)


def _rebuilt(jacobian: Floats, residual: Floats, name: str) -> LinearisedNetwork:
    return LinearisedNetwork(jacobian, residual, name=name)


def _exact(value: float) -> sp.Rational:
    return sp.Rational(repr(float(value)))


def _residual(residual: Any, shape: tuple[int, int]) -> Floats:
    array = finite_array("The residual", residual, 1 if np.ndim(residual) == 1 else 2)
    array = array[:, None] if array.ndim == 1 else array
    if array.shape != shape:
        raise InputError(f"The residual has shape {array.shape}, but the Jacobian asks for {shape}.")
    return array


def _curvature_root(curvature: Any, shape: tuple[int, int]) -> Floats:
    """Symmetric roots of the curvatures, shape (n, c, c)."""
    n, c = shape
    what = "The curvature"
    array = finite_array(what, curvature, 2 if np.ndim(curvature) == 2 else 3)
    if array.shape == (n, c):
        array = array[:, :, None] * np.eye(c)
    if array.shape != (n, c, c):
        raise InputError(
            f"{what} has shape {array.shape}, but the Jacobian asks for {(n, c, c)} or {(n, c)}."
        )
    scale = np.abs(array).max()
    if np.abs(array - np.swapaxes(array, 1, 2)).max() > 1e-12 * scale:
        raise InputError(f"{what} is not symmetric: give second derivatives of the loss in the outputs.")
    values, vectors = np.linalg.eigh(array)
    if values.min() < -1e-12 * scale:
        sample = int(np.argmin(values.min(axis=1)))
        raise InputError(
            f"{what} of sample {sample} has the eigenvalue {values.min():.6g}, but the loss must be convex "
            "in the outputs: leave out or repair such samples."
        )
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    return np.asarray(root)
