"""How straight a measured curve is, and means of measured ratios."""

from __future__ import annotations

import numpy as np

from simdyn.inference import fit_line


def halves(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """Ratio of the slopes of the upper and the lower half of a curve, 1 for a straight line, and its standard
    error; no numbers where the lower half is level."""
    order = np.argsort(x)
    x, y, sigma = x[order], y[order], sigma[order]
    middle = len(x) // 2
    lower = fit_line(x[: middle + 1], y[: middle + 1], sigma[: middle + 1])
    upper = fit_line(x[middle:], y[middle:], sigma[middle:])
    if lower.slope == 0:
        return np.nan, np.nan
    ratio = upper.slope / lower.slope
    # How the ratio follows each point; the one that the halves share moves their slopes in opposite
    # directions, and enters once.
    shares = np.zeros(len(x))
    shares[middle:] += upper.shares
    shares[: middle + 1] -= ratio * lower.shares
    return ratio, float(np.linalg.norm(shares * sigma) / abs(lower.slope))


def mean_ratio(log: np.ndarray, sigma: np.ndarray) -> tuple[float, float, float]:
    """Weighted geometric mean of independent ratios, from their logarithms, with its 95 % interval."""
    mean = float((log / sigma**2).sum() / (sigma**-2.0).sum())
    half = 1.96 * float((sigma**-2.0).sum() ** -0.5)
    return float(np.exp(mean)), float(np.exp(mean - half)), float(np.exp(mean + half))
