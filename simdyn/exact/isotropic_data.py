"""SGD on one fresh Gaussian input a step, x ~ N(0, I_d): a path's growth by quadrature."""

from __future__ import annotations

import itertools
import math

import numpy as np

from simdyn.errors import InputError
from simdyn.results import Reference

Array = np.ndarray

_NODES = (60, 90)


def isotropic_lyapunov(learning_rate: float, dim: int) -> Reference:
    """E log|(I - eta x x') e| for x ~ N(0, I_d) and any direction e: the growth rate of log|theta|.

    Squared losses with isotropic data and batches of one at interpolation. By symmetry the direction of theta
    does not matter, so a step multiplies |theta|^2 by 1 - 2 eta z^2 + eta^2 z^2 R with z = x . e and
    R = |x|^2.

    Raises
    ------
    InputError
        A learning rate that is not positive, or a dimension that is no whole number of at least 1.
    """
    if isinstance(dim, bool) or int(dim) != dim or dim < 1:
        raise InputError(f"dim is {dim!r}, but it must be a whole number of at least 1.")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning_rate is {learning_rate!r}, but it must be a positive number.")
    coarse, fine = (_mean_log(float(learning_rate), int(dim), nodes) for nodes in _NODES)
    return Reference(
        value=fine,
        error=abs(fine - coarse) + 1e-14,
        unit="1",
        method="quadrature over the length of the input and its angle to the iterate, at two resolutions",
    )


def isotropic_almost_sure_threshold(dim: int) -> Reference:
    """The learning rate beyond which `isotropic_lyapunov` is positive.

    The mean square of the iterate grows beyond 2 / (dim + 2) already.
    """
    from scipy.optimize import brentq

    low = 2.0 / (dim + 2)
    high = 2 * low
    while isotropic_lyapunov(high, dim).value <= 0:
        high *= 2
    value = float(brentq(lambda rate: isotropic_lyapunov(rate, dim).value, low, high, xtol=1e-14, rtol=1e-13))
    slope = (isotropic_lyapunov(value * 1.001, dim).value - isotropic_lyapunov(value, dim).value) / (
        0.001 * value
    )
    return Reference(
        value=value,
        error=isotropic_lyapunov(value, dim).error / abs(slope) + 1e-13,
        unit="learning rate",
        method="the root of the growth rate",
    )


def _mean_log(eta: float, dim: int, nodes: int) -> float:
    """The mean over R ~ chi^2_d and the angle phi, with (z^2 = R cos^2 phi), on panels about R = 1 / eta."""
    if dim == 1:
        return _mean_log_line(eta, nodes)
    # r = |x|; the integrand is singular at eta r^2 = 1, phi = 0 only.
    spread = 12.0 + math.sqrt(dim)
    peak = 1.0 / math.sqrt(eta)
    edges = sorted({0.0, *([peak] if peak < spread else []), spread})
    radii, weights = _panels(edges, nodes)
    law = (dim - 1) * np.log(np.maximum(radii, 1e-300)) - radii**2 / 2
    law -= (dim / 2 - 1) * math.log(2) + math.lgamma(dim / 2)
    # Towards phi = 0 as well.
    angles, shares = _panels([0.0, math.pi / 2], nodes)
    shares = shares * np.sin(angles) ** (dim - 2)
    shares /= shares.sum()
    u = eta * radii[:, None] ** 2
    # 1 - u cos^2 phi (2 - u), written so that it loses no digits where it is small.
    value = np.sin(angles) ** 2 + np.cos(angles) ** 2 * (1.0 - u) ** 2
    return float(0.5 * np.sum(weights * np.exp(law) * (np.log(np.maximum(value, 1e-320)) @ shares)))


def _mean_log_line(eta: float, nodes: int) -> float:
    peak = 1.0 / math.sqrt(eta)
    edges = sorted({0.0, *([peak] if peak < 13.0 else []), 13.0})
    z, weights = _panels(edges, nodes)
    density = math.sqrt(2 / math.pi) * np.exp(-(z**2) / 2)
    return float(np.sum(weights * density * np.log(np.maximum(np.abs(1 - eta * z**2), 1e-320))))


def _panels(edges: list[float], nodes: int) -> tuple[Array, Array]:
    """Double-exponential quadrature on each interval, for integrands that are singular at its ends."""
    t, step = np.linspace(-3.4, 3.4, 2 * nodes + 1, retstep=True)
    inner = np.pi / 2 * np.sinh(t)
    place, density = np.tanh(inner), np.pi / 2 * np.cosh(t) / np.cosh(inner) ** 2
    points, weights = [], []
    for low, high in itertools.pairwise(edges):
        half = (high - low) / 2
        # Measured from the nearer end, so that a distance from it is not lost.
        from_end = half * np.exp(-np.abs(inner)) / np.cosh(inner)
        points.append(np.where(place < 0, low + from_end, high - from_end))
        weights.append(half * step * density)
    return np.concatenate(points), np.concatenate(weights)
