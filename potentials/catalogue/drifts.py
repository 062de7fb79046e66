"""Drift fields: dynamics that descend no energy."""

from __future__ import annotations

from potentials.catalogue.checks import positive
from potentials.drift_field import DriftField

__all__ = ["maier_stein"]


def maier_stein(alpha: float = 1.0, mu: float = 1.0) -> DriftField:
    """The standard escape without an energy: for strong coupling the best way out leaves the axis.

    b = (x - x**3 - alpha*x*y**2, -mu*(1 + x**2)*y): attractors at (+-1, 0), the saddle between them at the
    origin. The drift is minus a gradient only if alpha = mu. With mu = 1 and noise sqrt(eps) dW the mean
    escape time grows like exp(W/eps) with W = 1/2 for alpha up to 4 and a smaller W beyond, because there the
    most probable path splits into two, off the axis.

    Maier & Stein, Journal of Statistical Physics 83 (1996) 291.

    Parameters
    ----------
    alpha
        How strongly y lowers the outward push in x.
    mu
        Decay rate of y at x = 0.
    """
    return DriftField(
        ["x - x**3 - alpha*x*y**2", "-mu*(1 + x**2)*y"],
        variables=("x", "y"),
        parameters={"alpha": alpha, "mu": positive("maier_stein", "mu", mu)},
        name="maier_stein",
        domain=((-2.0, 2.0), (-1.5, 1.5)),
    )
