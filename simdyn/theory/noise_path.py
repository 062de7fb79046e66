"""The exponent of escape in noise that varies: the integral of L'/D from minimum to saddle."""

from __future__ import annotations

import numpy as np

from simdyn.theory.no_value import NoValue
from simdyn.theory.ways_out import EscapeProblem, WayOut


def vanishing_noise(problem: EscapeProblem, way: WayOut) -> float | None:
    """A point between minimum and saddle where the escaping coordinate has no noise, or None."""
    if way.coordinate is None:
        return None
    i = way.coordinate
    line = problem.update.coordinate(i)
    x = np.linspace(float(problem.minimum.x[i]), float(way.saddle.x[i]), 4001)
    sd = line.sd(x)
    k = int(np.argmin(sd[1:-1])) + 1
    low, high = x[k - 1], x[k + 1]
    ratio = 0.5 * (np.sqrt(5.0) - 1.0)
    # Golden section, because a root-like zero defeats methods that expect a parabola.
    for _ in range(90):
        one, two = high - ratio * (high - low), low + ratio * (high - low)
        if line.sd(one) <= line.sd(two):
            high = two
        else:
            low = one
    zero = 0.5 * (low + high)
    return float(zero) if line.sd(zero) <= 1e-6 * float(np.median(sd)) else None


def potential_over_noise(problem: EscapeProblem, way: WayOut) -> float:
    """int_a^b L'/D dx along the coordinate of a way out.

    Raises
    ------
    NoValue
        Noise that vanishes on the way.
    """
    from scipy.integrate import quad

    assert way.coordinate is not None
    zero = vanishing_noise(problem, way)
    if zero is not None:
        raise NoValue(
            f"The noise vanishes at {problem.potential.variables[way.coordinate]} = {zero:.6g} between "
            "minimum and saddle, where the drift points back: the SDE never crosses, so its escape time is "
            "infinite; give the noise a floor, or ask for the exact value of the discrete rule.",
            np.inf,
        )
    i = way.coordinate
    line = problem.update.coordinate(i)
    coordinate = problem.potential.coordinates()[i]
    a, b = float(problem.minimum.x[i]), float(way.saddle.x[i])

    def integrand(x: float) -> float:
        noise = float(line.sd(np.array(x))) ** 2 / (2 * problem.update.step)
        return float(coordinate.gradient(np.array([x]))[0]) / noise

    # Split where the noise is steep: floors make narrow dips and pieces make jumps.
    grid = np.linspace(a, b, 2001)
    noise = np.log(line.sd(grid))
    steep = np.argsort(-np.abs(np.diff(noise)))[:6]
    dip = grid[int(np.argmin(noise))]
    points = sorted({float(p) for p in (*grid[steep], *grid[steep + 1], dip)} - {a, b})
    return float(quad(integrand, a, b, points=points, limit=2000, epsabs=0, epsrel=1e-11)[0])
