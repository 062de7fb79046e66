"""Square roots of full matrices that change with the point, found anew at each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy

ROUNDING = 1e-9
"""How far below zero, relative to the largest, rounding may push an eigenvalue of a covariance."""


@dataclass(frozen=True)
class MatrixRoot:
    """The symmetric root F(x) of a positive semidefinite function of a symmetric matrix M(x).

    Attributes
    ----------
    matrix
        M: n rows of n expressions of the coordinates.
    places
        Which n of the normals of a step it mixes.
    floor
        With a floor delta, F F^T = (M^2 + delta^2 I)^(1/2), at 0 the absolute value |M|; with None,
        F F^T = M, and where M has a negative eigenvalue F is no number.
    """

    matrix: tuple[tuple[sympy.Expr, ...], ...]
    places: tuple[int, ...]
    floor: sympy.Expr | None

    @property
    def size(self) -> int:
        """n."""
        return len(self.places)

    @property
    def entries(self) -> tuple[sympy.Expr, ...]:
        """The upper triangle of M, row by row."""
        return tuple(self.matrix[i][j] for i in range(self.size) for j in range(i, self.size))

    def at(self, entries: np.ndarray, floor: float) -> np.ndarray:
        """F for the upper triangles `entries`, shape (..., n (n + 1) / 2); shape (..., n, n)."""
        n = self.size
        upper = np.triu_indices(n)
        matrices = np.empty((*entries.shape[:-1], n, n))
        matrices[..., upper[0], upper[1]] = matrices[..., upper[1], upper[0]] = entries
        real = np.isfinite(matrices).all(axis=(-2, -1))
        roots = np.full_like(matrices, np.nan)
        roots[real] = symmetric_root(matrices[real], None if self.floor is None else floor)
        return roots


def symmetric_root(matrices: np.ndarray, floor: float | None) -> np.ndarray:
    """The symmetric root of (M^2 + floor^2 I)^(1/2), or of M itself, for matrices of shape (..., n, n).

    NaN for a matrix without floor that has an eigenvalue below zero by more than rounding.
    """
    eigenvalues, vectors = np.linalg.eigh(matrices)
    if floor is None:
        lowest = -ROUNDING * eigenvalues[..., -1:]
        sizes = np.where(eigenvalues >= lowest, np.sqrt(np.abs(eigenvalues)), np.nan)
    else:
        sizes = np.sqrt(np.hypot(eigenvalues, floor))
    root = (vectors * sizes[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    # Exactly symmetric, so that the two entries of a pair are one number.
    return np.asarray((root + np.swapaxes(root, -1, -2)) / 2)
