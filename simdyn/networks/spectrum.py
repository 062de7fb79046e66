"""Eigenvalues of the Hessian of a network's loss, through products with it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.errors import InputError

if TYPE_CHECKING:
    from simdyn.networks.loss_surface import LossSurface

Array = np.ndarray


def top_eigenvalues(
    surface: LossSurface,
    at: Array,
    count: int = 1,
    *,
    tolerance: float = 1e-6,
    start: Array | None = None,
    seed: int = 0,
) -> tuple[Array, Array]:
    """The largest eigenvalues of the Hessian and their eigenvectors, by Lanczos iteration.

    Parameters
    ----------
    surface, at
        The loss and where, shape (d,).
    count
        How many, fewer than d.
    tolerance
        Relative error of the eigenvalues.
    start
        What the iteration begins with, shape (d,), such as the sum of eigenvectors found nearby; None for a
        random vector.
    seed
        Of the random vector.

    Returns
    -------
    tuple
        Eigenvalues in descending order, shape (count,), and eigenvectors as columns, shape (d, count).

    Raises
    ------
    InputError
        A count out of range.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    d = surface.dim
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < d:
        raise InputError(f"count is {count!r}; give a whole number from 1 to {d - 1}, less than d = {d}.")
    operator = LinearOperator((d, d), matvec=lambda v: surface.hessian_product(at, v.ravel()), dtype=float)
    begin = np.random.default_rng(seed).normal(size=d) if start is None else np.asarray(start, dtype=float)
    values, vectors = eigsh(operator, k=count, which="LA", v0=begin, tol=tolerance)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]


def hessian_trace(
    surface: LossSurface,
    at: Array,
    *,
    known: tuple[Array, Array] | None = None,
    probes: int = 30,
    seed: int = 0,
) -> tuple[float, float]:
    """Trace of the Hessian and its standard error, by Hutchinson's random signs.

    Parameters
    ----------
    surface, at
        The loss and where, shape (d,).
    known
        Some eigenvalues and eigenvectors, as `top_eigenvalues` gives them; random is then only what is left.
    probes
        Random vectors, at least 2.
    seed
        Of those.
    """
    if isinstance(probes, bool) or not isinstance(probes, int) or probes < 2:
        raise InputError(f"probes is {probes!r}; give a whole number of at least 2.")
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(probes):
        z = rng.choice([-1.0, 1.0], size=surface.dim)
        if known is not None:
            z -= known[1] @ (known[1].T @ z)
        found.append(z @ surface.hessian_product(at, z))
    rest = 0.0 if known is None else float(known[0].sum())
    return rest + float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(probes))
