"""Noise of minibatch gradients beside the Hessian: how alike they are, and when the noise is small."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simdyn.errors import InputError
from simdyn.networks.spectrum import top_eigenvalues

if TYPE_CHECKING:
    from simdyn.networks.loss_surface import LossSurface

Array = np.ndarray

_ROUNDING = 1e-10
"""Eigenvalues below this share of the largest are no different from zero."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Per-sample covariance C_1 of gradients beside the Hessian H (theory of Xie et al.: proportional).

    Attributes
    ----------
    cosine
        tr(C_1 H) / (|C_1| |H|) with Frobenius norms: 1 if proportional.
    slope
        Of log u' C_1 u against log lambda by least squares, over the eigenvectors u that were looked at: 1 if
        proportional.
    eigenvalues, variances
        lambda in descending order and u' C_1 u, shape (count,).
    """

    cosine: float
    slope: float
    eigenvalues: Array
    variances: Array


@dataclass(frozen=True)
class NoiseScale:
    """From which batch size on the gradient outweighs its noise (McCandlish et al. 2018).

    Attributes
    ----------
    simple
        tr C_1 / |g|^2.
    curved
        tr(H C_1) / g' H g: at this batch size the best learning rate is half of the largest. NaN where the
        loss curves down along g, as it may early in training: there no learning rate is the best.
    largest_rate
        |g|^2 / g' H g, the best learning rate of the full gradient; NaN in the same places.
    """

    simple: float
    curved: float
    largest_rate: float

    def best_rate(self, batch_size: float) -> float:
        """The learning rate that lowers the loss most in one step, to second order."""
        return self.largest_rate / (1.0 + self.curved / batch_size)


def alignment(surface: LossSurface, at: Array, count: int = 10, *, seed: int = 0) -> Alignment:
    """How far the covariance of single-sample gradients is proportional to the Hessian.

    The whole Hessian is formed, column by column, for its norm; d may be some thousands.

    Parameters
    ----------
    surface, at
        The loss and where, shape (d,).
    count
        Eigenvectors of the largest eigenvalues that the slope is taken over, at least 2; the eigenvalues must
        be positive.
    seed
        Of the iteration for them.

    Raises
    ------
    InputError
        Eigenvalues that are not positive, or too few of them.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise InputError(f"count is {count!r}; a slope needs a whole number of at least 2.")
    centred = _centred(surface.sample_gradients(at))
    n = len(centred)
    values, vectors = top_eigenvalues(surface, at, count, seed=seed)
    # Zero comes out of the iteration as rounding of either sign.
    if values[-1] <= _ROUNDING * values[0]:
        raise InputError(
            f"The eigenvalue number {count} is {values[-1]:.3g}, which has no logarithm or is rounding; look "
            f"at fewer than {count}."
        )
    variances = ((centred @ vectors) ** 2).mean(axis=0)
    hessian = surface.hessian(at)
    product = float(((centred @ hessian) * centred).sum()) / n
    # C_1 and the Gram matrix of the samples have the same nonzero eigenvalues.
    norm = float(np.linalg.norm(centred @ centred.T)) / n
    x = np.log(values) - np.log(values).mean()
    return Alignment(
        product / (norm * float(np.linalg.norm(hessian))),
        float((x * np.log(variances)).sum() / (x**2).sum()),
        values,
        variances,
    )


def noise_scale(surface: LossSurface, at: Array) -> NoiseScale:
    """Noise scales of minibatches drawn from the samples, exact for them.

    Parameters
    ----------
    surface, at
        The loss and where, shape (d,).

    Raises
    ------
    InputError
        No gradient.
    """
    gradients = surface.sample_gradients(at)
    centred, g = _centred(gradients), gradients.mean(axis=0)
    length, bend = float(g @ g), float(g @ surface.hessian_product(at, g))
    if length == 0:
        raise InputError("The gradient is zero here, and so any noise is infinitely large beside it.")
    n = len(centred)
    simple = float((centred**2).sum()) / n / length
    if bend <= 0:
        return NoiseScale(simple, math.nan, math.nan)
    weighted = float((centred * surface.hessian_products(at, centred)).sum())
    return NoiseScale(simple, weighted / n / bend, length / bend)


def top_space_share(surface: LossSurface, at: Array, count: int, *, seed: int = 0) -> float:
    """Share |P g|^2 / |g|^2 of the gradient in the space of the largest Hessian eigenvalues.

    A random vector has count / d there (Gur-Ari, Roberts & Dyer 2018).

    Parameters
    ----------
    surface, at
        The loss and where, shape (d,).
    count
        Dimensions of the space.
    seed
        Of the iteration for it.

    Raises
    ------
    InputError
        No gradient.
    """
    g = surface.gradient(at)
    length = float(g @ g)
    if length == 0:
        raise InputError("The gradient is zero here, so it lies nowhere; look where training has not ended.")
    _, vectors = top_eigenvalues(surface, at, count, seed=seed)
    return float(((vectors.T @ g) ** 2).sum()) / length


def outliers(eigenvalues: Array) -> int:
    """How many eigenvalues stand out of the bulk: those above the largest gap on a logarithmic scale.

    Parameters
    ----------
    eigenvalues
        The largest ones, positive, at least 2, in any order.

    Raises
    ------
    InputError
        Fewer, or some that are not positive.
    """
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64))[::-1]
    if values.ndim != 1 or len(values) < 2 or values[-1] <= 0:
        raise InputError("Outliers are looked for among at least two eigenvalues, all of them positive.")
    return int(np.argmax(values[:-1] / values[1:])) + 1


def _centred(gradients: Array) -> Array:
    return np.asarray(gradients - gradients.mean(axis=0))
