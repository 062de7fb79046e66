"""Sharpness, non-uniformity and stable learning rates of a linearised network, through its Gram matrix.

A step in parameters keeps x in the span of the rows of J, x = J' b, so that H, H_i and Sigma act on the n c
numbers b: H x = J' (G b / n) and Sigma x = J' (M G b) with M = blockdiag(G_ii) / n - G / n^2. These are
symmetric in the inner product b' G c, in which Lanczos iteration finds their largest eigenvalues with one or
two products with G a step: nothing of size p is formed, nor a root of G.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from potentials import FunctionSpace
from potentials.sample_curvatures import SampleCurvatures
from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.exact.errors import NoReference
from simdyn.exact.mean_square import mean_square_threshold
from simdyn.results import Bounds, Reference

Array = np.ndarray

MOST_EXACT_ROWS = 1000
"""Up to so many rows (samples times outputs) the operator of second moments is dealt with exactly."""

_STEPS = 600
"""Lanczos steps at most."""

_PRECISION = 1e-10
"""Relative error at which Lanczos iteration ends."""


def gram_sharpness(space: FunctionSpace) -> Reference:
    """a, the largest eigenvalue of H: that of G / n."""
    value, error = _largest(space, lambda b, g: g / space.size)
    return Reference(
        value=value,
        error=error,
        unit="1",
        method="Lanczos iteration with the Gram matrix: a = lambda_max(G) / n",
    )


def gram_nonuniformity(space: FunctionSpace) -> Reference:
    """s, the root of the largest eigenvalue of Sigma = mean of H_i^2 - H^2."""
    value, error = _largest(space, lambda b, g: _spread(space, g))
    # Sigma is the difference of two matrices, of which either may be far larger.
    curved = np.einsum("iaa->i", space.blocks)
    error += 16 * float(np.finfo(float).eps * curved.max() * curved.mean())
    root = float(np.sqrt(max(value, 0.0)))
    return Reference(
        value=root,
        error=float(np.sqrt(max(value, 0.0) + error) - root),
        unit="1",
        method="Lanczos iteration for Sigma with the Gram matrix (Wu, Ma & E 2018)",
    )


def gram_theorem1_multiplier(
    space: FunctionSpace,
    learning_rate: float,
    batch_size: int | None = 1,
    *,
    sampling: str = "without_replacement",
) -> Reference:
    """lambda_max of (I - eta H)^2 + eta^2 p_B Sigma on the range of H: at most 1 suffices for stability."""
    eta, share = learning_rate, _share(space, batch_size, sampling)

    def apply(b: Array, g: Array) -> Array:
        once = b - eta * g / space.size
        twice = once - eta * (space.gram @ once) / space.size
        return twice + eta**2 * share * _spread(space, g)

    value, error = _largest(space, apply)
    return Reference(
        value=value,
        error=error,
        unit="1",
        method="Lanczos iteration for E[A^2] with the Gram matrix (Theorem 1)",
    )


def gram_theorem1_threshold(
    space: FunctionSpace, batch_size: int | None = 1, *, sampling: str = "without_replacement"
) -> Reference:
    """The learning rate up to which Theorem 1 of Wu, Ma & E 2018 promises stability.

    2 / lambda_max((1 - p_B) G / n + p_B blockdiag(G_ii)) on the range of G, which is that of
    H^(-1/2) (H^2 + p_B Sigma) H^(-1/2). Where G is singular the range is found from its eigenvectors.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    share, n = _share(space, batch_size, sampling), space.size
    basis = _range(space)

    def apply(v: Array) -> Array:
        v = v if basis is None else basis @ v
        moved = (1 - share) * (space.gram @ v) / n + share * _by_sample(space, v)
        return np.asarray(moved if basis is None else basis.T @ moved)

    size = space.dim if basis is None else basis.shape[1]
    if size == 0:
        largest = 0.0
    elif size < 32:
        largest = float(np.linalg.eigvalsh(np.stack([apply(one) for one in np.eye(size)]))[-1])
    else:
        operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
        start = np.cos(np.arange(size) * 2.399963229728653)
        (largest,) = eigsh(operator, 1, which="LA", v0=start, tol=1e-12, return_eigenvectors=False)
    value = 2.0 / float(largest) if largest > 0 else float("inf")
    return Reference(
        value=value,
        error=1e-9 * value,
        unit="learning rate",
        method="Lanczos iteration for Theorem 1 on the range of the Gram matrix",
    )


def gram_mean_square_threshold(
    space: FunctionSpace, batch_size: int | None = 1, *, sampling: str = "without_replacement"
) -> Reference | Bounds:
    """The largest learning rate up to which E|x|^2 does not grow.

    Up to 1,000 rows exactly. Beyond, between rigorous bounds: below by Theorem 1; above by second moments M
    that surely grow, since 2 <M, C M> / <M, D M> is never less than the threshold for any M, with C and D as
    in `mean_square_threshold`. Tried are M = v v' with v an eigenvector of H (up to 50) or along the gradient
    of a sample, and the projection onto the range of H.
    """
    if space.dim <= MOST_EXACT_ROWS:
        values, vectors = space.modes
        factors = (vectors * np.sqrt(values)).reshape(space.size, space.outputs, -1)
        curvatures = SampleCurvatures.from_factors(factors)
        return mean_square_threshold(LinearisedSGD(curvatures, 1.0, batch_size, sampling))
    share = _share(space, batch_size, sampling)
    low = gram_theorem1_threshold(space, batch_size, sampling=sampling)
    high = min(_along_eigenvectors(space, share), _along_samples(space, share), _isotropic(space, share))
    return Bounds(
        low=low.value - low.error,
        high=high * (1 + 1e-9),
        unit="learning rate",
        method="below by Theorem 1, above by the second moment along single directions or all alike",
    )


def _share(space: FunctionSpace, batch_size: int | None, sampling: str) -> float:
    """p_B; the settings are checked where all of linearised SGD's are."""
    ones = SampleCurvatures.from_hessians(np.ones(space.size))
    linear = LinearisedSGD(ones, 1.0, batch_size, sampling)
    if linear.shuffled:
        raise NoReference("The steps of a shuffled epoch depend on one another; choose another sampling.")
    return linear.share


def _by_sample(space: FunctionSpace, v: Array) -> Array:
    """blockdiag(G_ii) v."""
    return np.asarray(np.einsum("iab,ib->ia", space.blocks, v.reshape(space.size, space.outputs)).ravel())


def _spread(space: FunctionSpace, g: Array) -> Array:
    """M g."""
    return _by_sample(space, g) / space.size - space.gram @ g / space.size**2


def _range(space: FunctionSpace) -> Array | None:
    """An orthonormal basis of the range of G, or None if that is everything."""
    from scipy.linalg import LinAlgError, cholesky

    tolerance = space.dim * np.finfo(float).eps * float(space.gram.trace())
    shifted = space.gram.copy()
    shifted[np.diag_indices(space.dim)] -= tolerance
    try:
        cholesky(shifted, overwrite_a=True, check_finite=False)
        return None
    except LinAlgError:
        values, vectors = space.modes
        return np.asarray(vectors[:, values > tolerance])


def _largest(space: FunctionSpace, apply: Callable[[Array, Array], Array]) -> tuple[float, float]:
    """The largest eigenvalue of a map (b, G b) -> c that is symmetric in b' G c, and a bound on its error.

    Lanczos iteration, kept orthogonal to all before, until no part is left in the range of G. The error
    is the residual |c - theta b|, or its square over the gap to the next Ritz value where that is less.
    """
    gram = space.gram
    b = gram @ (np.cos(np.arange(space.dim) * 2.399963229728653) + 1.5)
    g = gram @ b
    length = np.sqrt(max(float(b @ g), 0.0))
    if length == 0:
        return 0.0, 0.0
    basis, images = [b / length], [g / length]
    diagonal: list[float] = []
    off: list[float] = []
    theta, error, norm = 0.0, np.inf, 0.0
    rounding = 32 * space.dim * float(np.finfo(float).eps)
    for step in range(1, min(_STEPS, space.dim) + 1):
        c = apply(basis[-1], images[-1])
        diagonal.append(float(c @ images[-1]))
        kept, seen = np.stack(basis), np.stack(images)
        for _ in range(2):
            c = c - kept.T @ (seen @ c)
        g = gram @ c
        square, size = float(c @ g), float(c @ c)
        norm = max(norm, float(np.sqrt(g @ g / size))) if size > 0 else norm
        # What is left is a multiple of rounding errors, or outside of the range of G.
        beta = float(np.sqrt(max(square, 0.0)))
        exhausted = square <= rounding * norm * size or beta <= rounding * max(map(abs, diagonal))
        if step % 5 == 0 or step == space.dim or exhausted:
            matrix = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
            values, vectors = np.linalg.eigh(matrix)
            theta = float(values[-1])
            residual = beta * abs(float(vectors[-1, -1]))
            gap = theta - float(values[-2]) if len(values) > 1 else 0.0
            error = 0.0 if exhausted else min(residual, residual**2 / gap if gap > 0 else np.inf)
            if error <= _PRECISION * abs(theta):
                break
        off.append(beta)
        basis.append(c / beta)
        images.append(g / beta)
    return theta, float(error + 1e-12 * abs(theta))


def _along_eigenvectors(space: FunctionSpace, share: float) -> float:
    """The bound of M = v v' for the leading eigenvectors of H."""
    from scipy.sparse.linalg import eigsh

    count = min(50, space.dim - 1)
    start = np.cos(np.arange(space.dim) * 2.399963229728653)
    _, vectors = eigsh(space.gram, count, which="LA", v0=start)
    # The quotients hold for any vectors, so that these need not be exact.
    moved = space.gram @ vectors
    return _quotient(space, share, np.einsum("ka,ka->a", vectors, moved), moved)


def _along_samples(space: FunctionSpace, share: float) -> float:
    """The bound of M = v v' for v along the gradient of each sample's strongest output."""
    _, vectors = np.linalg.eigh(space.blocks)
    n, c = space.size, space.outputs
    best = np.inf
    for begin in range(0, n, 256):
        some = np.arange(begin, min(begin + 256, n))
        b = np.zeros((space.dim, len(some)))
        b[some[:, None] * c + np.arange(c), np.arange(len(some))[:, None]] = vectors[some, :, -1]
        moved = space.gram @ b
        best = min(best, _quotient(space, share, np.einsum("ka,ka->a", b, moved), moved))
    return best


def _quotient(space: FunctionSpace, share: float, lengths: Array, moved: Array) -> float:
    """The least 2 <M, C M> / <M, D M> of M = v v', from |v|^2 and J v in columns."""
    used = lengths > 1e-12 * max(float(lengths.max()), 1e-300)
    if not used.any():
        return np.inf
    parts = (moved[:, used] ** 2).reshape(space.size, space.outputs, -1).sum(axis=1) / lengths[used]
    mean = parts.mean(axis=0)
    slope = (1 - share) * mean**2 + share * (parts**2).mean(axis=0)
    return float(np.min(2 * mean / slope))


def _isotropic(space: FunctionSpace, share: float) -> float:
    """The bound of M = the projection onto the range of H."""
    n = space.size
    trace = float(space.gram.trace()) / n
    square = float(np.vdot(space.gram, space.gram)) / n**2
    blocks = float(np.vdot(space.blocks, space.blocks)) / n
    return 2 * trace / ((1 - share) * square + share * blocks)
