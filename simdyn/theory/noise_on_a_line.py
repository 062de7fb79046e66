"""The stationary law of noise that depends on the state, in one dimension."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simdyn.dynamics import Update
from simdyn.theory.closed_form import Array
from simdyn.theory.line_law import line_law
from simdyn.theory.stated_law import StationaryLaw, stated_law


def law_on_a_line(law: Update, minima: Sequence[Any]) -> Iterator[StationaryLaw]:
    """The Ito law in one dimension, P ~ exp(integral of b / D) / D."""
    step = law.step

    def diffusion(x: Array) -> Array:
        return np.asarray(law.sd(x) ** 2 / (2 * step))

    def slope(x: Array) -> Array:
        drift = (law.mean(x) - x) / step
        shift = 1e-6 * (1.0 + np.abs(x))
        around = diffusion(x)
        with np.errstate(all="ignore"):
            change = (diffusion(x + shift) - diffusion(x - shift)) / (2 * shift)
            return np.asarray((drift - change) / around)

    points = [float(m.x[0]) for m in minima]
    facts: dict[str, Any] = {
        "name": "Multiplicative noise on a line",
        "formula": "P ~ exp(integral of b / D) / D, b and D of the Ito equation",
        "assumptions": ("Steps are small: the law is that of the SDE.", "The noise vanishes nowhere."),
        "source": "Gardiner, Stochastic Methods; Mori et al. 2022 (arXiv 2105.09557)",
    }
    if not points:
        return
    heat = diffusion(np.array(points))
    if not np.all(heat > 0):
        yield stated_law(
            None, ["the noise vanishes at a minimum, so paths may collapse onto it and stay"], "", **facts
        )
        return

    def work(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray((law.mean(x) - x) / step / diffusion(x))

    curvatures = -np.array(
        [(work(np.array([p + 1e-4])) - work(np.array([p - 1e-4])))[0] / 2e-4 for p in points]
    )
    widths = [1 / math.sqrt(c) if c > 0 else 1.0 for c in curvatures]
    found = line_law(lambda x: -np.log(diffusion(x)), work, points, widths)
    tail = _tail_exponent(slope, points, widths)
    against = []
    if found is None or tail <= 1.0:
        against.append("the law cannot be normalised")
        found = None
    stated = stated_law(
        found,
        against,
        f"its tails fall like |x|^-{tail:.3g}" if tail < 100 else "the law is normalisable",
        **facts,
    )
    if found is not None and tail <= 3.0:
        mean = None if tail <= 2.0 else stated.mean
        covariance = np.full((1, 1), np.inf)
        stated = replace(
            stated,
            value={"mean": mean, "covariance": covariance},
            mean=mean,
            covariance=covariance,
            why=f"Its tails fall like |x|^-{tail:.3g}, so the variance is infinite.",
        )
    yield stated


def _tail_exponent(slope: Callable[[Array], Array], points: list[float], widths: list[float]) -> float:
    """p of P ~ |x|^-p, far out on the heavier side; infinite where tails fall faster than any power."""
    far = 1e5 * (max(widths) + max(points) - min(points))
    ends = np.array([min(points) - far, max(points) + far])
    with np.errstate(all="ignore"):
        exponents = -ends * slope(ends)
    exponents = np.where(np.isfinite(exponents), exponents, np.inf)
    return float(exponents.min())
