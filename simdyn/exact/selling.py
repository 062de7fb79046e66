"""Selling's decomposition of 2 x 2 diffusion matrices into non-negative rates along grid directions."""

from __future__ import annotations

import numpy as np

from simdyn.exact.panels import Array

MAX_REDUCTIONS = 200
SINGULAR = 1e-12


def selling(matrices: Array) -> tuple[Array, Array]:
    """D = sum of three weight_k v_k v_k^T with integer vectors v_k and weights that are not negative.

    The superbase of the lattice is reduced until all its products are obtuse (Selling 1874; Fehrenbach &
    Mirebeau 2014), so that a difference scheme along the v_k is monotone however anisotropic D is.

    Parameters
    ----------
    matrices
        Positive definite, in units of grid cells, shape (n, 2, 2).

    Returns
    -------
    vectors, weights
        Shapes (n, 3, 2), whole numbers, and (n, 3).

    Raises
    ------
    ValueError
        Matrices that are singular to double precision.
    """
    count = len(matrices)
    trace = np.trace(matrices, axis1=1, axis2=2)
    if not (np.linalg.det(matrices) > SINGULAR * trace**2).all():
        raise ValueError("a diffusion matrix is singular")
    base = np.zeros((count, 3, 2))
    base[:, 0, 0] = base[:, 1, 1] = 1.0
    base[:, 2] = -1.0
    tolerance = 1e-14 * trace
    for _ in range(MAX_REDUCTIONS):
        done = True
        for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
            product = np.einsum("ni,nij,nj->n", base[:, i], matrices, base[:, j])
            acute = product > tolerance
            if acute.any():
                done = False
                one, two = base[acute, i], base[acute, j]
                base[acute, i], base[acute, k] = -one, one - two
        if done:
            break
    else:
        raise ValueError("a diffusion matrix could not be reduced")
    weights = np.empty((count, 3))
    for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
        weights[:, k] = -np.einsum("ni,nij,nj->n", base[:, i], matrices, base[:, j])
    vectors = np.stack([-base[:, :, 1], base[:, :, 0]], axis=2)
    return vectors, np.maximum(weights, 0.0)
