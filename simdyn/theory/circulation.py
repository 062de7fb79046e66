"""Non-equilibrium of linear dynamics: probability current and entropy production."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.results import Prediction
from simdyn.theory.closed_form import Reason, closed_form, matrices, same_size
from simdyn.theory.covariance import ou_covariance

BALANCED = 1e-10
ASSUMPTIONS = ("The drift is linear and the noise constant and positive definite over the width of the law.",)
SOURCE = "Gardiner, Stochastic Methods; Kunin et al. 2021 (arXiv 2107.09133)"


def circulation(drift: Any, diffusion: Any) -> Prediction:
    """Q = A Sigma - D, antisymmetric: the current is P v with the mean velocity v = -Q Sigma^(-1) x.

    The mean angular momentum E[x_i v_j - x_j v_i] is 2 Q_ij. Q vanishes exactly in detailed balance, which
    for a Hessian A means A D = D A.

    Parameters
    ----------
    drift, diffusion
        As in `ou_covariance`.

    Returns
    -------
    Prediction
        Shape (..., d, d).

    Raises
    ------
    InputError
        Matrices that do not fit.
    """
    q, valid, size = _circulation(drift, diffusion)
    return closed_form(
        q,
        [Reason(~valid, "nothing confines the path, so there is no stationary law")],
        name="Circulation",
        unit="x^2/t",
        formula="Q = A Sigma - D, A Sigma + Sigma A' = 2 D",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(True, "the largest entry is {:.3g}", size),
        inner=2,
    )


def entropy_production(drift: Any, diffusion: Any) -> Prediction:
    """-tr(D^(-1) Q Sigma^(-1) Q) >= 0 per time, zero exactly in detailed balance.

    Parameters
    ----------
    drift, diffusion
        As in `ou_covariance`; the noise must act in every direction.

    Returns
    -------
    Prediction
        Shape (...); per unit of time, in nats.

    Raises
    ------
    InputError
        Matrices that do not fit, or noise that misses a direction.
    """
    matrices("diffusion", diffusion, symmetric=True, least=0.0)
    q, valid, _ = _circulation(drift, diffusion)
    sigma = ou_covariance(drift, diffusion).value
    d = np.broadcast_to(matrices("diffusion", diffusion), q.shape)
    smallest = np.linalg.eigvalsh(d)[..., 0]
    singular = smallest <= 1e-14 * np.linalg.eigvalsh(d)[..., -1]
    sound = valid & ~singular
    value = np.full(sound.shape, np.nan)
    for index in np.ndindex(sound.shape):
        if sound[index]:
            left, right = np.linalg.solve(d[index], q[index]), np.linalg.solve(sigma[index], q[index])
            value[index] = -np.trace(left @ right)
    value = np.where(valid & singular, np.inf, value)
    return closed_form(
        value,
        [
            Reason(~valid, "nothing confines the path, so there is no stationary law"),
            Reason(
                valid & singular, "the noise misses a direction, so the entropy production is not defined"
            ),
        ],
        name="Entropy production",
        unit="nats/t",
        formula="-tr(D^(-1) Q Sigma^(-1) Q), Q = A Sigma - D",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(True, "the noise is positive definite and the path confined"),
    )


def _circulation(drift: Any, diffusion: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, d = same_size(drift=matrices("drift", drift), diffusion=matrices("diffusion", diffusion))
    covariance = ou_covariance(drift, diffusion)
    q = a @ covariance.value - d
    # The symmetric part vanishes by the Lyapunov equation; what is left of it is rounding.
    q = 0.5 * (q - np.swapaxes(q, -1, -2))
    return q, np.asarray(covariance.valid), np.abs(q).max((-1, -2))
