"""The stationary covariance around a minimum: of the SDE, of SGD with additive noise, of real minibatches."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.dynamics.minibatch import check_sampling
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array, Reason, broadcast, closed_form, matrices, numbers, same_size

UNIT = "x^2"


def ou_covariance(drift: Any, diffusion: Any) -> Prediction:
    """Sigma with A Sigma + Sigma A' = 2 D, for dx = -A x dt + (2 D)^(1/2) dW.

    Parameters
    ----------
    drift
        A, shape (..., d, d); the Hessian for a gradient. Need not be symmetric.
    diffusion
        D, symmetric and not negative, shape (..., d, d).

    Returns
    -------
    Prediction
        Shape (..., d, d); NaN, and not valid, where A does not confine.

    Raises
    ------
    InputError
        Matrices that do not fit.
    """
    a, d = same_size(
        drift=matrices("drift", drift), diffusion=matrices("diffusion", diffusion, symmetric=True, least=0.0)
    )
    slowest = np.linalg.eigvals(a).real.min(-1)
    size = a.shape[-1]
    one = np.eye(size)
    operator = np.einsum("...ij,kl->...ikjl", a, one) + np.einsum("ij,...kl->...ikjl", one, a)
    sigma = _solved(operator.reshape(*a.shape[:-2], size**2, size**2), 2 * d, slowest > 0)
    return closed_form(
        sigma,
        [Reason(slowest <= 0, "the drift has the rate {:.3g}, so nothing confines the path", slowest)],
        name="Ornstein-Uhlenbeck covariance",
        unit=UNIT,
        formula="A Sigma + Sigma A' = 2 D",
        assumptions=("The drift is linear and the noise constant over the width of the law.",),
        source="Gardiner, Stochastic Methods; Mandt, Hoffman & Blei 2017",
        favour=Reason(True, "the slowest rate is {:.3g}", slowest),
        inner=2,
    )


def sgd_covariance(hessian: Any, covariance: Any, learning_rate: Any, *, momentum: Any = 0.0) -> Prediction:
    """Sigma = (I - eta H) Sigma (I - eta H) + eta^2 C of SGD with additive noise, exact on a parabola.

    With heavy-ball momentum m, the block of the positions in the same equation for (x, v). In one dimension
    eta c (1 + m) / (h (1 - m) (2 (1 + m) - eta h)).

    Parameters
    ----------
    hessian
        H, symmetric, shape (..., d, d).
    covariance
        C of the minibatch gradient, shape (..., d, d); it contains 1/B already.
    learning_rate, momentum
        eta > 0 and m in [0, 1), shape (...).

    Returns
    -------
    Prediction
        Shape (..., d, d); NaN, and not valid, where the iteration is not stable.

    Raises
    ------
    InputError
        Matrices that do not fit, or numbers out of range.
    """
    h, c = same_size(
        hessian=matrices("hessian", hessian, symmetric=True),
        covariance=matrices("covariance", covariance, symmetric=True, least=0.0),
    )
    eta, beta = _settings(learning_rate, momentum)
    shape = np.broadcast_shapes(h.shape[:-2], eta.shape)
    size = h.shape[-1]
    h, c = (np.broadcast_to(one, (*shape, size, size)) for one in (h, c))
    eta, beta = (np.broadcast_to(one, shape) for one in (eta, beta))
    step = _block(eta[..., None, None] * h, beta)
    kick = np.tile((eta**2)[..., None, None] * c, (2, 2))
    radius = np.abs(np.linalg.eigvals(step)).max(-1)
    operator = np.eye(4 * size**2) - _kron(step, step)
    sigma = _solved(operator, kick, radius < 1)[..., :size, :size]
    return closed_form(
        sigma,
        [Reason(radius >= 1, "the iteration grows by {:.4g} a step, so there is no stationary law", radius)],
        name="SGD covariance",
        unit=UNIT,
        formula="Sigma = (I - eta H) Sigma (I - eta H) + eta^2 C"
        + (" with momentum, for (x, v)" if np.any(beta) else ""),
        assumptions=("The loss is a parabola and the noise constant over the width of the law.",),
        source="Ziyin, Liu, Mori & Ueda 2022; Liu, Ziyin & Ueda 2021",
        favour=Reason(True, "the iteration contracts by {:.4g} a step", radius),
        inner=2,
    )


def minibatch_covariance(
    hessians: Any,
    offsets: Any,
    learning_rate: Any,
    batch_size: Any,
    *,
    sampling: str = "without_replacement",
    momentum: Any = 0.0,
) -> Prediction:
    """Stationary covariance of SGD on grad f_i = H_i x - b_i with real minibatches, exact.

    Sigma = A Sigma A' + p_B eta^2 [mean(H_i Sigma H_i) - H Sigma H + mean(r_i r_i')], A = I - eta H,
    r_i = H_i x* - b_i, p_B = 1/B with replacement and (n - B) / (B (n - 1)) without.

    Parameters
    ----------
    hessians
        H_i, shape (n, d, d) or (n,) in one dimension.
    offsets
        b_i, shape (n, d) or (n,); H_i c_i for samples centred at c_i.
    learning_rate, batch_size, momentum
        eta > 0, B >= 1 and m in [0, 1), shape (...).
    sampling
        "with_replacement" or "without_replacement".

    Returns
    -------
    Prediction
        Shape (..., d, d); NaN, and not valid, where the second moment is not stable.

    Raises
    ------
    InputError
        Samples that do not fit, numbers out of range, or epoch shuffling (see `epoch_shuffle_variance`).
    """
    check_sampling(sampling)
    if sampling == "epoch_shuffle":
        raise InputError("Epoch shuffling has its own law; use epoch_shuffle_variance.")
    h, b = _samples(hessians, offsets)
    n, size = b.shape
    mean, centre = h.mean(0), b.mean(0)
    solution = np.linalg.lstsq(mean, centre, rcond=None)[0]
    residual = h @ solution - b
    eta, beta = _settings(learning_rate, momentum)
    share = batch_share(batch_size, n, sampling)
    eta, beta, share = broadcast(learning_rate=eta, momentum=beta, batch_size=share)
    step = _block(eta[..., None, None] * mean, beta)
    double = np.zeros((n, 2 * size, 2 * size))
    double[:, :size, :size] = double[:, size:, :size] = h - mean
    spread = _kron(double, double).mean(0)
    weight = (share * eta**2)[..., None, None]
    operator = _kron(step, step) + weight * spread
    radius = np.abs(np.linalg.eigvals(operator)).max(-1)
    kick = np.tile(weight * (residual.T @ residual / n), (2, 2))
    sigma = _solved(np.eye(4 * size**2) - operator, kick, radius < 1)[..., :size, :size]
    return closed_form(
        sigma,
        [
            Reason(
                radius >= 1, "the second moment grows by {:.4g} a step, so the covariance is infinite", radius
            ),
            Reason(
                np.broadcast_to(
                    np.abs(residual).max() <= 1e-12 * max(1.0, float(np.abs(b).max())), eta.shape
                ),
                "all samples have their minimum at the same point, so the noise vanishes there and SGD "
                "settles on it",
            ),
        ],
        name="Minibatch covariance",
        unit=UNIT,
        formula="Sigma = A Sigma A' + p_B eta^2 [mean(H_i Sigma H_i) - H Sigma H + mean(r_i r_i')]",
        assumptions=("The loss of every sample is a parabola.", "A fresh batch is drawn in each step."),
        source="Ziyin, Liu, Mori & Ueda 2022; Mulayoff & Michaeli 2024",
        favour=Reason(True, "the second moment contracts by {:.4g} a step", radius),
        inner=2,
    )


def epoch_shuffle_variance(curvature: Any, centers: Any, learning_rate: Any) -> Prediction:
    """Variance at the end of an epoch for f_i = h (x - c_i)^2 / 2, B = 1 and a fresh permutation each epoch.

    n Var(c) / (n - 1) [sum w_j^2 - (sum w_j)^2 / n] / (1 - r^(2 n)), r = 1 - eta h, w_j = eta h r^(n - j): of
    order eta^3 against eta for independent draws.

    Parameters
    ----------
    curvature, learning_rate
        h and eta, positive, shape (...).
    centers
        c_i, shape (n,), n >= 2.

    Returns
    -------
    Prediction
        NaN, and not valid, where eta h >= 2.

    Raises
    ------
    InputError
        Numbers out of range, or fewer than two centres.
    """
    h, eta = broadcast(
        curvature=numbers("curvature", curvature, above=0),
        learning_rate=numbers("learning_rate", learning_rate, above=0),
    )
    c = numbers("centers", centers)
    if c.ndim != 1 or c.size < 2:
        raise InputError(f"centers has shape {c.shape}, but it must be a list of at least two numbers.")
    n = c.size
    r = 1 - eta * h
    w = (eta * h)[..., None] * r[..., None] ** np.arange(n - 1, -1, -1)
    stable = np.abs(r) < 1
    # sum w^2 - (sum w)^2 / n as a sum of squares, which loses no digits at small learning rates.
    spread = ((w - w.mean(-1, keepdims=True)) ** 2).sum(-1)
    with np.errstate(all="ignore"):
        value = n * c.var() / (n - 1) * spread / -np.expm1(n * np.log(r**2))
    return closed_form(
        np.where(stable, value, np.nan),
        [Reason(~stable, "learning rate times curvature is {:.3g}, and stability ends at 2", eta * h)],
        name="Epoch-shuffled variance",
        unit=UNIT,
        formula="n Var(c) / (n - 1) [sum w_j^2 - (sum w_j)^2 / n] / (1 - r^(2 n))",
        assumptions=(
            "All samples have the same curvature.",
            "One sample a step, and the position is looked at after whole epochs.",
        ),
        source="exact recursion over an epoch of draws without replacement",
        favour=Reason(True, "learning rate times curvature is {:.3g}", eta * h),
    )


def batch_share(batch_size: Any, n: int, sampling: str) -> Array:
    """p_B, the covariance of a batch's gradient over that of one sample."""
    batch = numbers("batch_size", batch_size, least=1)
    if sampling == "with_replacement":
        return 1 / batch
    if np.any(batch > n):
        raise InputError(f"batch_size contains {batch.max():g}, but there are {n} samples.")
    return np.zeros_like(batch) if n == 1 else (n - batch) / (batch * (n - 1))


def _settings(learning_rate: Any, momentum: Any) -> tuple[Array, ...]:
    beta = numbers("momentum", momentum, least=0)
    if np.any(beta >= 1):
        raise InputError(f"momentum contains {beta.max():g}, but it must be below 1.")
    return broadcast(learning_rate=numbers("learning_rate", learning_rate, above=0), momentum=beta)


def _samples(hessians: Any, offsets: Any) -> tuple[Array, Array]:
    h, b = numbers("hessians", hessians), numbers("offsets", offsets)
    if h.ndim == 1 and b.ndim == 1:
        h, b = h[:, None, None], b[:, None]
    if h.ndim != 3 or b.ndim != 2 or h.shape != (*b.shape, b.shape[1]):
        raise InputError(
            f"hessians of shape {h.shape} and offsets of shape {b.shape} do not fit: (n, d, d) and (n, d)."
        )
    matrices("hessians", h, symmetric=True)
    return h, b


def _block(step: Array, momentum: Array) -> Array:
    """The matrix of (x, v) -> (x + v', v'), v' = m v - step x."""
    size = step.shape[-1]
    one = np.eye(size)
    m = np.broadcast_to(momentum[..., None, None] * one, step.shape)
    return np.concatenate(
        [np.concatenate([one - step, m], axis=-1), np.concatenate([-step, m], axis=-1)], axis=-2
    )


def _kron(a: Array, b: Array) -> Array:
    """M -> a M b' for row-major M, over leading axes."""
    size = a.shape[-1] * b.shape[-1]
    product = np.einsum("...ij,...kl->...ikjl", a, b)
    return product.reshape(*product.shape[:-4], size, size)


def _solved(operator: Array, right: Array, sound: Array) -> Array:
    """Symmetric solutions of operator vec(M) = vec(right); NaN where it is not sound."""
    right = np.broadcast_to(right, (*sound.shape, *right.shape[-2:]))
    found = np.full(right.shape, np.nan)
    for index in np.ndindex(sound.shape):
        if sound[index]:
            solution = np.linalg.solve(operator[index], right[index].ravel()).reshape(right.shape[-2:])
            found[index] = 0.5 * (solution + solution.T)
    return found
