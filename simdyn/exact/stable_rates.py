"""The first learning rate at which a growth rate reaches zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.exact.errors import NoReference
from simdyn.results import Reference

Array = np.ndarray

MOST_PIECES = 1 << 11
_SCANNED = 64


def first_exit(linear: LinearisedSGD, growth: Callable[[LinearisedSGD], float], what: str) -> Reference:
    """The first zero of `growth` as a function of the learning rate, by a scan and then bisection.

    A region of instability narrower than a 64th of what is scanned could be missed.

    Raises
    ------
    NoReference
        No learning rate found that is unstable.
    """
    from scipy.optimize import brentq

    a = linear.curvatures.sharpness
    unit = 2.0 * (1.0 + linear.momentum) / a
    before, end = 1e-3 * unit, unit
    with np.errstate(divide="ignore"):
        if growth(linear.at(before)) > 1e-12:
            return Reference(value=0.0, error=before, unit="learning rate", method=f"{what}: never stable")
        for _ in range(8):
            for rate in np.linspace(before, end, _SCANNED + 1)[1:]:
                if growth(linear.at(rate)) > 0:
                    root = brentq(
                        lambda r: max(growth(linear.at(r)), -1e3), before, rate, xtol=1e-15, rtol=1e-14
                    )
                    return Reference(
                        value=float(root),
                        error=1e-12 * float(root),
                        unit="learning rate",
                        method=f"the first learning rate at which {what} grows, by a scan and bisection",
                    )
                before = rate
            end *= 4
    raise NoReference(f"No unstable learning rate was found for {what} up to {end / 4:.3g}.")


def first_exit_of_power(means: Array, probabilities: Array, order: float) -> float:
    """The first eta > 0 at which E|1 - eta h|^p reaches 1, or E log|1 - eta h| reaches 0 for p = 0.

    Exact: for p >= 1 the mean is convex in eta and has value 1 at 0. For p < 1 it is concave between any two
    of the points 1/h, so that in each such interval it exceeds the level if its maximum does.

    Raises
    ------
    NoReference
        More than 2,048 different values for p < 1, or none of them on average.
    """
    from scipy.optimize import brentq

    used = means != 0
    h, w = means[used], probabilities[used]
    if not h.size or np.sum(w * h) <= 1e-14 * np.sum(w * np.abs(h)):
        if not h.size:
            return np.inf
        if order >= 1:
            return 0.0
        raise NoReference("The mean curvature vanishes along a direction in which samples curve.")

    def growth(eta: float) -> float:
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(1.0 - eta * h))
        if order == 0:
            return float(max(np.sum(w * logs), -1e300))
        return float(np.sum(w * np.expm1(order * np.maximum(logs, -1e4))))

    if order >= 1:
        high = 2.0 * float(w.sum() / np.sum(w * h))
        low = 1e-3 * high
        while growth(low) >= 0:
            low /= 2
            if low < 1e-12 * high:
                return 0.0
        while growth(high) <= 0:
            high *= 2
        return float(brentq(growth, low, high, xtol=1e-300, rtol=1e-15))
    poles = np.unique(1.0 / h[h > 0])
    if len(poles) > MOST_PIECES:
        raise NoReference(
            f"The batches have {len(poles):,} different curvatures, too many to look for the first unstable "
            "learning rate between any two of them."
        )

    def slope(eta: float) -> float:
        inner = 1.0 - eta * h
        power = 1.0 / inner if order == 0 else np.sign(inner) * np.abs(inner) ** (order - 1)
        return float(np.sum(-w * h * power))

    for k, left in enumerate(poles):
        start = left * (1 + 1e-14)
        if k + 1 < len(poles):
            right = poles[k + 1] * (1 - 1e-14)
            if start >= right or slope(start) <= 0 or slope(right) >= 0:
                continue
            top = float(brentq(slope, start, right, xtol=1e-300, rtol=1e-15))
            if growth(top) < 0:
                continue
        else:
            top = 2 * left
            while growth(top) < 0:
                top *= 2
                if top > 1e12 * left:
                    return np.inf
        return float(brentq(growth, start, top, xtol=1e-300, rtol=1e-15))
    return np.inf
