"""The curvature of each sample's loss at one point: what linear stability is decided by."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from potentials.errors import InputError
from potentials.linearised_network import LinearisedNetwork
from potentials.quadratic_sum import QuadraticSum
from potentials.sample_mean import SampleMean
from potentials.samples import finite_array

__all__ = ["SampleCurvatures", "curvatures_at"]

Floats = NDArray[np.float64]

_COMMUTING = 1e-12
"""Commutators up to this size, relative to the matrices, are rounding."""

_AWAY = 1e-6
"""A point this far from the minimum, by a Newton step and relative to its size, still counts as it."""


class SampleCurvatures:
    """Symmetric matrices H_1, ..., H_n, in the directions in which any of them curves. Immutable.

    A direction in which no sample curves is left out: nothing ever moves along it. Matrices of low rank are
    held as factors, H_i = F_i' F_i with F_i of shape (c, D), so that n samples of c outputs cost n c D
    numbers instead of n D^2.

    Made by `from_hessians`, `from_factors` or `from_gram`; see `curvatures_at` for a landscape.
    """

    def __init__(self, stack: Floats | None, factors: Floats | None, flat: int) -> None:
        self._stack, self._factors, self.flat = stack, factors, flat
        held = stack if stack is not None else factors
        assert held is not None
        self.size, self.dim = held.shape[0], held.shape[-1]

    @classmethod
    def from_hessians(cls, hessians: ArrayLike) -> SampleCurvatures:
        """From matrices of shape (n, d, d), or numbers of shape (n,)."""
        stack = QuadraticSum(hessians).hessians
        values, vectors = np.linalg.eigh(np.einsum("nij,njk->ik", stack, stack) / len(stack))
        kept = values > _negligible(values, len(stack))
        if kept.all() or not kept.any():
            return cls(stack, None, 0)
        basis = vectors[:, kept]
        return cls(_symmetric(basis.T @ stack @ basis), None, int(np.sum(~kept)))

    @classmethod
    def from_factors(cls, factors: ArrayLike) -> SampleCurvatures:
        """From F_i of shape (n, c, d), or (n, d) for rank one: for squared losses the Jacobian of a sample.

        Where there are fewer rows n c than parameters d everything goes through the Gram matrix F F', and the
        d x d Hessian is never formed.
        """
        array = np.asarray(factors, dtype=np.float64)
        array = finite_array("The array of factors", array[:, None, :] if array.ndim == 2 else array, 3)
        n, c, d = array.shape
        rows = array.reshape(n * c, d)
        if n * c < d:
            found = cls.from_gram(rows @ rows.T, n)
            return cls(None, found._factors, d - found.dim)
        values, vectors = np.linalg.eigh(rows.T @ rows)
        kept = values > _negligible(values, n * c)
        if kept.all() or not kept.any():
            return cls(None, array, 0)
        return cls(None, (rows @ vectors[:, kept]).reshape(n, c, -1), int(np.sum(~kept)))

    @classmethod
    def from_gram(cls, gram: ArrayLike, samples: int) -> SampleCurvatures:
        """From the Gram matrix G = J J' of the Jacobians of all samples, shape (n c, n c), sample by sample.

        The factors are the rows of G^(1/2) in its eigenbasis, which is as good as J: H_i and all their
        products are the same but for a rotation.

        Raises
        ------
        InputError
            A matrix that is not square, symmetric and positive semidefinite, or no multiple of `samples`.
        """
        matrix = finite_array("The Gram matrix", gram, 2)
        size = len(matrix)
        if matrix.shape != (size, size) or samples < 1 or size % samples:
            raise InputError(
                f"The Gram matrix has shape {matrix.shape}, but it must have as many rows for each of the "
                f"{samples} samples, and as many columns as rows."
            )
        if np.abs(matrix - matrix.T).max() > 1e-10 * np.abs(matrix).max():
            raise InputError("The Gram matrix is not symmetric, but it must be.")
        values, vectors = np.linalg.eigh(_symmetric(matrix))
        if values[0] < -1e-8 * values[-1]:
            raise InputError(
                f"The Gram matrix has the eigenvalue {values[0]:.3g}, but it must not have negative ones."
            )
        kept = values > _negligible(values, size)
        kept[-1] = True
        factors = vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0.0))
        return cls(None, factors.reshape(samples, size // samples, -1), 0)

    # --- numbers ----------------------------------------------------------------------------------------

    @property
    def factors(self) -> Floats | None:
        """F_i, shape (n, c, D), or None where matrices are held."""
        return self._factors

    @cached_property
    def stack(self) -> Floats:
        """H_i, shape (n, D, D)."""
        if self._stack is not None:
            return self._stack
        assert self._factors is not None
        return np.einsum("nci,ncj->nij", self._factors, self._factors, optimize=True)

    @cached_property
    def mean(self) -> Floats:
        """H = mean of H_i, shape (D, D)."""
        if self._stack is not None:
            return np.asarray(self._stack.mean(axis=0))
        assert self._factors is not None
        rows = self._factors.reshape(-1, self.dim)
        return np.asarray(rows.T @ rows / self.size)

    def average(self, matrix: Floats) -> Floats:
        """The mean over samples of H_i M H_i, for M of shape (D, D)."""
        n, dim = self.size, self.dim
        if self._stack is not None:
            rows = self._stack.reshape(n * dim, dim)
            left = (rows @ matrix).reshape(n, dim, dim)
            return np.asarray(left.transpose(1, 0, 2).reshape(dim, n * dim) @ rows / n)
        assert self._factors is not None
        rows = self._factors.reshape(-1, dim)
        turned = (rows @ matrix).reshape(self._factors.shape)
        weighted: Any
        if self._factors.shape[1:2] == (1,):
            weighted = (turned * self._factors).sum(axis=-1, keepdims=True) * self._factors
        else:
            weighted = (turned @ self._factors.transpose(0, 2, 1)) @ self._factors
        return np.asarray(rows.T @ weighted.reshape(-1, dim) / n)

    @cached_property
    def spread(self) -> Floats:
        """Sigma = mean of H_i^2 minus H^2, shape (D, D): of the curvatures, as a covariance."""
        return _symmetric(self.average(np.eye(self.dim)) - self.mean @ self.mean)

    @cached_property
    def sharpness(self) -> float:
        """a, the largest eigenvalue of H (Wu, Ma & E 2018)."""
        return float(np.linalg.eigvalsh(self.mean)[-1])

    @cached_property
    def nonuniformity(self) -> float:
        """s, the root of the largest eigenvalue of Sigma (Wu, Ma & E 2018)."""
        return float(np.sqrt(max(0.0, np.linalg.eigvalsh(self.spread)[-1])))

    @cached_property
    def largest(self) -> float:
        """A bound on the norm of every H_i."""
        if self._stack is not None:
            return float(np.sqrt((self._stack**2).sum(axis=(1, 2)).max()))
        assert self._factors is not None
        return float((self._factors**2).sum(axis=(1, 2)).max())

    @cached_property
    def directions(self) -> Floats | None:
        """Where all H_i commute: their curvatures along the common eigenvectors, shape (n, D); else None."""
        if self.dim == 1:
            return np.asarray(self.stack[:, :, 0])
        if self.dim > 64 or (self._factors is not None and self.size > 4096):
            return None
        # The eigenvectors of a mixture in general position are those of all, if there are common ones.
        weights = np.modf(np.arange(1, self.size + 1) * 0.6180339887498949)[0] + 0.5
        _, basis = np.linalg.eigh(np.einsum("n,nij->ij", weights, self.stack))
        turned = basis.T @ self.stack @ basis
        diagonal = np.einsum("nii->ni", turned)
        rest = np.abs(turned - diagonal[:, :, None] * np.eye(self.dim)).max()
        if rest > _COMMUTING * self.dim * max(np.abs(turned).max(), 1e-300):
            return None
        return np.ascontiguousarray(diagonal)

    def rotated(self, basis: Floats) -> SampleCurvatures:
        """The same in the coordinates y = basis' x, for a basis of shape (D, k) with orthonormal columns."""
        left_out = self.flat + self.dim - basis.shape[1]
        if self._stack is not None:
            return SampleCurvatures(_symmetric(basis.T @ self._stack @ basis), None, left_out)
        assert self._factors is not None
        return SampleCurvatures(None, self._factors @ basis, left_out)

    def __repr__(self) -> str:
        return f"SampleCurvatures(size={self.size}, dim={self.dim}, flat={self.flat})"


def curvatures_at(potential: SampleMean, at: Floats) -> SampleCurvatures:
    """The curvatures of all samples at a minimum of their mean.

    Parameters
    ----------
    potential
        The mean over samples.
    at
        The minimum, shape (d,).

    Raises
    ------
    InputError
        A point that is not a minimum: the mean gradient does not vanish there, or the mean curves downward.
    """
    if isinstance(potential, LinearisedNetwork):
        _refuse_slope(potential, at, np.zeros(0))
        return SampleCurvatures.from_factors(potential.jacobian)
    stack = potential.hessians if isinstance(potential, QuadraticSum) else potential.sample_hessians(at)
    if not np.isfinite(stack).all():
        raise InputError(
            f"{potential.name[:60]!r} has a sample whose curvature is not finite at {_shown(at)}: choose "
            "another minimum."
        )
    curvatures = SampleCurvatures.from_hessians(stack)
    values = np.asarray(np.linalg.eigvalsh(curvatures.mean), dtype=np.float64)
    if values[0] < -1e-9 * max(np.abs(values).max(), curvatures.nonuniformity):
        raise InputError(
            f"{_shown(at)} is no minimum of {potential.name[:60]!r}: the mean curvature is {values[0]:.4g} "
            "along one direction; give a minimum."
        )
    _refuse_slope(potential, at, values)
    return curvatures


def _refuse_slope(potential: SampleMean, at: Floats, values: Floats) -> None:
    """Refuse a point from which a Newton step leads away."""
    gradient = potential.gradient(at)
    if values.size:
        step = np.linalg.lstsq(potential.hessian(at), gradient, rcond=1e-12)[0]
        away = float(np.linalg.norm(step)) if np.linalg.norm(step) or not gradient.any() else np.inf
        scale = 1.0 + float(np.linalg.norm(at))
    else:
        # At least squares the gradient is measured against those of the samples: no d x d matrix.
        away = float(np.linalg.norm(gradient))
        sizes = np.linalg.norm(potential.sample_gradients(at), axis=1)
        scale = float(sizes.mean()) + 1e-6
    if not away <= _AWAY * scale:
        raise InputError(
            f"{_shown(at)} is no minimum of {potential.name[:60]!r}: the mean gradient there is "
            f"{float(np.linalg.norm(gradient)):.4g}; give a point where it vanishes, such as one of "
            "potential.minima()."
        )


def _shown(at: Floats) -> str:
    listed = ", ".join(f"{v:.6g}" for v in at[:4]) + (", ..." if len(at) > 4 else "")
    return f"The point ({listed})"


def _negligible(values: Floats, rows: int) -> float:
    """Eigenvalues up to this size, of a matrix that was summed over so many rows, are rounding."""
    return float(8 * np.finfo(float).eps * max(rows, len(values)) * max(values[-1], 0.0))


def _symmetric(matrix: Floats) -> Floats:
    return np.asarray((matrix + np.swapaxes(matrix, -1, -2)) / 2)
