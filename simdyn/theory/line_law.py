"""A density on a line from its logarithm or from the slope of it, normalised over any kind of tail."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Function = Callable[[Array], Array]

_NODES = 40_001
_FURTHEST = 1e8
"""How many widths from the middle the integrals reach; powers with an exponent above 3 are gone by then."""

_EDGE = 1e-9


@dataclass(frozen=True)
class LineLaw:
    """A normalised density on a line.

    Attributes
    ----------
    nodes, masses
        Points and the probabilities that they stand for.
    log_density
        At the nodes.
    mean, variance
        Infinite or undefined ones are not told apart here: the ends are cut.
    """

    nodes: Array
    masses: Array
    log_density: Array
    mean: float
    variance: float

    def __call__(self, x: Array) -> Array:
        """Density at points of any shape."""
        from scipy.interpolate import CubicSpline

        seen = np.isfinite(self.log_density) & (self.log_density > self.log_density.max() - 600)
        nodes, logs = self.nodes[seen], self.log_density[seen]
        spline = CubicSpline(nodes, logs)
        inside = (x >= nodes[0]) & (x <= nodes[-1])
        return np.asarray(np.where(inside, np.exp(spline(np.clip(x, nodes[0], nodes[-1]))), 0.0))


def line_law(
    logarithm: Function, slope: Function | None, centres: Sequence[float], widths: Sequence[float]
) -> LineLaw | None:
    """The law of density exp(logarithm + integral of the slope).

    By the trapezoidal rule in u, x = middle + width sinh(u): in equal steps near the centres, and in equal
    ratios in the tails.

    Parameters
    ----------
    logarithm, slope
        Functions of points (n,); no slope counts as zero.
    centres, widths
        Where the law is, and how wide.

    Returns
    -------
    LineLaw or None
        None where what lies at the ends is not negligible.
    """
    middle = 0.5 * (min(centres) + max(centres))
    # A linear part as long as the distance of the centres, so that each is resolved.
    scale = max(0.5 * (max(centres) - min(centres)), max(widths))
    u = np.linspace(-math.asinh(_FURTHEST), math.asinh(_FURTHEST), _NODES)
    x = middle + scale * np.sinh(u)
    jacobian = scale * np.cosh(u)
    with np.errstate(all="ignore"):
        logs = logarithm(x)
        if slope is not None:
            logs = logs + _integral(slope(x) * jacobian, u)
    logs = np.where(np.isnan(logs), -np.inf, logs)
    top = logs[np.abs(x - middle) <= 2 * scale].max()
    if not math.isfinite(top) or logs.max() > top + 50:
        return None
    weight = np.exp(logs - logs.max()) * jacobian
    if max(weight[0], weight[-1]) > _EDGE * weight.max():
        return None
    masses = weight / weight.sum()
    mean = float(masses @ x)
    variance = float(masses @ (x - mean) ** 2)
    norm = math.log(float(weight.sum()) * (u[1] - u[0])) + logs.max()
    return LineLaw(x, masses, logs - norm, mean, variance)


def _integral(values: Array, u: Array) -> Array:
    """Running integral by a spline, from the middle outwards."""
    from scipy.interpolate import CubicSpline

    good = np.isfinite(values)
    if not good.all():
        values = np.where(good, values, 0.0)
    running = CubicSpline(u, values).antiderivative()(u)
    return np.asarray(running - running[len(u) // 2])
