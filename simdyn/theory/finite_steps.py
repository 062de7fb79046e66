"""What a finite learning rate does to escape times, and the share of a commit time that a hit takes."""

from __future__ import annotations

import math

from potentials import CriticalPoint

SIEGMUND = 0.5825971579390107
"""-zeta(1/2) / sqrt(2 pi): mean overshoot of a Gaussian random walk, in sd of a step (Siegmund 1979)."""


def commit_factor(minimum: CriticalPoint, saddle: CriticalPoint, learning_rate: float) -> float:
    """exp[eta/4 (tr H_b - tr H_a) + eta/2 |lambda_1|], the factor on commit times at constant noise.

    First order in eta; in one dimension 1 + eta/4 (|L''_b| - L''_a). The exponent of the barrier itself
    changes only at second order.
    """
    trace = saddle.trace - minimum.trace
    downhill = abs(float(saddle.eigenvalues.min()))
    return math.exp(learning_rate * (0.25 * trace + 0.5 * downhill))


def hit_fraction(curvature: float, learning_rate: float, noise: float = 0.0, slope: float = 0.0) -> float:
    """Hit time over commit time at a saddle.

    One half in the limit of small noise. A rule with finite steps is only seen across where it lands, so
    that its exit lies outward by `SIEGMUND` sd of a step: [1 + erf(0.5826 (eta |h|)^(1/2))] / 2 (Siegmund
    1979).

    Parameters
    ----------
    curvature
        |h|, the negative curvature at the saddle.
    learning_rate
        0 for an SDE.
    noise, slope
        D and the third derivative of the potential along the outward direction, for the term of order
        D^(1/2); 0 leaves it out.
    """
    fraction = 0.5 * (1 + math.erf(SIEGMUND * math.sqrt(learning_rate * curvature)))
    if noise * slope != 0:
        shift2 = 2 * noise * learning_rate * SIEGMUND**2
        cubic = noise / curvature * (shift2 + 2 * noise / curvature)
        cubic *= math.exp(-0.5 * curvature * shift2 / noise) / math.sqrt(2 * math.pi * noise / curvature)
        fraction -= slope / (6 * noise) * cubic
    return fraction
