"""Alpha-stable kicks against their characteristic function, against exact distributions, and in exits.

Draws are kicks of kernels: one step from the bottom of a valley, where the force is zero. Means of bounded
functions are compared at z = 4.5 with their exact standard errors (a false alarm in 150 000 comparisons);
Kolmogorov's distances at the level 1e-5. Seeds are fixed.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from potentials import Potential
from simdyn.dynamics import SDE, SGD, AlphaStable
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit

Z = 4.5
FARTHEST = np.sqrt(np.log(2 / 1e-5) / 2)
"""Kolmogorov's distance times sqrt(n), exceeded with probability 1e-5."""
PATHS = 200_000
VALLEY = Potential("x**2/2")
BOWL = Potential("x**2/2 + y**2")
INDICES = (0.5, 1.0, 1.2, 1.5, 1.9, 2.0)
FREQUENCIES = np.array([0.05, 0.3, 1.0, 2.0])


def kicks(dynamics, landscape=VALLEY, steps=1, paths=PATHS, seed=3):
    engine = CpuEngine(dynamics.update(landscape), threads=1)
    return engine.integrate(np.zeros((paths, landscape.dim)), steps=steps, seed=seed)


@cache
def standard(alpha):
    """Draws with the characteristic function exp(-|u|^alpha)."""
    return kicks(SDE(AlphaStable(alpha), 1.0))[:, 0]


def follows(draws, index, width=1.0, frequencies=FREQUENCIES):
    """Whether E cos(u S) = exp(-|width u|^index) and E sin(u S) = 0 hold within Z standard errors."""

    def function(u):
        return np.exp(-(np.abs(width * u) ** index))

    u = frequencies / width
    phases = u[:, None] * draws
    errors = np.sqrt(np.array([(1 + function(2 * u)) / 2 - function(u) ** 2, (1 - function(2 * u)) / 2]))
    found = np.array([np.cos(phases).mean(axis=1) - function(u), np.sin(phases).mean(axis=1)])
    return bool(np.all(np.abs(found) < Z * errors / np.sqrt(draws.size)))


@pytest.mark.parametrize("alpha", INDICES)
def test_characteristic_function(alpha):
    draws = standard(alpha)
    assert np.isfinite(draws).all()
    for index in INDICES:
        assert follows(draws, index) == (index == alpha)
    assert not follows(draws, alpha, 1.03)


def test_exact_distributions():
    """Cauchy, and at index 2 a normal of variance 2; control: a variance of 1."""
    assert stats.kstest(standard(1.0), stats.cauchy.cdf).pvalue > 1e-5
    assert stats.kstest(standard(2.0), stats.norm(scale=np.sqrt(2)).cdf).pvalue > 1e-5
    assert stats.kstest(standard(2.0), stats.norm.cdf).pvalue < 1e-5


def distribution(points, alpha):
    """F = 1/2 + (1/pi) int exp(-u^alpha) sin(u x) / u du, by Gauss and Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(800)
    u, weights = 6 * (nodes + 1), 6 * weights
    return 0.5 + np.sin(np.outer(points, u)) @ (weights * np.exp(-(u**alpha)) / u) / np.pi


def test_distribution_of_index_three_halves():
    """Against SciPy's at a few points, then draws against the integral at many."""
    few = np.array([-1.0, 2.5])
    np.testing.assert_allclose(distribution(few, 1.5), stats.levy_stable.cdf(few, 1.5, 0.0), atol=2e-6)
    points = np.linspace(-40, 40, 4001)
    below = np.searchsorted(np.sort(standard(1.5)), points) / PATHS
    assert np.abs(below - distribution(points, 1.5)).max() * np.sqrt(PATHS) < FARTHEST
    assert np.abs(below - distribution(points, 1.4)).max() * np.sqrt(PATHS) > FARTHEST


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 2.0])
def test_kicks_scale_with_step_and_batch(alpha):
    """dt^(1/alpha) for the equation, eta (T / B)^(1 - 1/alpha) for the rule: to rounding, draw by draw."""
    step = 1 / 16
    few = {"paths": 500}
    plain = standard(alpha)[:500]
    moved = kicks(SDE(AlphaStable(alpha, 0.3), step), **few)[:, 0]
    np.testing.assert_allclose(moved, 0.3 * step ** (1 / alpha) * plain, rtol=1e-12)
    rule = SGD(0.1, 8.0, noise=AlphaStable(alpha, 0.3), temperature=2.0)
    np.testing.assert_allclose(
        kicks(rule, **few)[:, 0], 0.1 * 0.3 * (2.0 / 8.0) ** (1 - 1 / alpha) * plain, rtol=1e-12
    )


@pytest.mark.parametrize("alpha", [1.0, 1.5])
def test_many_kicks_in_a_quadratic_valley(alpha):
    """x' = r x + w S: after n steps stable with width^alpha = w^alpha (1 - r^(alpha n)) / (1 - r^alpha)."""
    step, scale, steps = 0.1, 0.5, 25
    draws = kicks(SDE(AlphaStable(alpha, scale), step), steps=steps)[:, 0]
    kept = (1 - step) ** alpha
    width = scale * (step * (1 - kept**steps) / (1 - kept)) ** (1 / alpha)
    assert follows(draws, alpha, width)
    # Control: as if increments grew with the root of the step.
    assert not follows(draws, alpha, width * step ** (1 / 2 - 1 / alpha))


def test_coordinates_are_independent():
    """E cos(u x + v y) is the product of the two; control: the same kick for both."""
    draws = kicks(SDE(AlphaStable(1.5), 1.0), BOWL)
    for sign in (1, -1):
        assert follows(draws[:, 0] + sign * draws[:, 1], 1.5, 2 ** (1 / 1.5))
    assert not follows(2 * draws[:, 0], 1.5, 2 ** (1 / 1.5))


def exit_from_interval(step, scale, force, cells=1000):
    """Mean exit time of a chain with Cauchy kicks from (-1, 1), started at 0: its equation by midpoints."""
    edges = np.linspace(-1, 1, cells + 1)
    points = (edges[1:] + edges[:-1]) / 2
    landing = points + step * force(points)
    below = np.arctan((edges[None, :] - landing[:, None]) / (scale * step)) / np.pi
    times = np.linalg.solve(np.eye(cells) - np.diff(below, axis=1), np.full(cells, step))
    return np.interp(0.0, points, times)


def test_the_equation_of_exits():
    """Without a force the mean time of a Cauchy process is sqrt(1 - x^2) / scale (Getoor 1961)."""
    coarse, fine = (exit_from_interval(step, 0.4, lambda x: 0 * x, 2000) for step in (0.04, 0.02))
    assert 2 * fine - coarse == pytest.approx(1 / 0.4, rel=2e-3)


def exits(step, scale, landscape):
    """Mean and standard error of 40 000 simulated exit times."""
    origin = np.zeros(1)
    way_out = resolve_exit("(x >= 1) | (x <= -1)", landscape, origin)
    update = SDE(AlphaStable(1.0, scale), step).update(landscape)
    records = CpuEngine(update, way_out, threads=1).first_passage(
        origin, paths=40_000, max_steps=10**6, seed=2
    )
    assert records.exited.all()
    times = records.steps * step
    return times.mean(), times.std(ddof=1) / np.sqrt(times.size)


STEP = 0.02


@pytest.mark.parametrize("scale", [0.4, 0.2])
def test_exit_times_over_their_limit_of_small_noise(scale):
    """Exits from (-1, 1) in x^2/2 at index 1; the limit is 1 / (2 scale c_1) with c_1 = 1 / pi.

    The chain's own mean is known. That of the equation is extrapolated from two steps; what a finite step
    adds is of order 1 in it, so that twice the change on halving bounds it.
    """
    limit = np.pi / (2 * scale)
    chain, half = (exit_from_interval(step, scale, np.negative) / limit for step in (STEP, STEP / 2))
    mean, error = np.array(exits(STEP, scale, VALLEY)) / limit
    assert abs(mean - chain) < Z * error
    ratio, allowance = 2 * half - chain, 2 * abs(chain - half)
    assert ratio == pytest.approx({0.4: 0.8692, 0.2: 0.9244}[scale], abs=2e-4)
    assert abs(mean - ratio) < Z * error + allowance
    # Control: twice the noise, or the limit taken as it stands.
    assert not abs(mean / 2 - ratio) < Z * error + allowance
    assert not abs(mean - 1) < Z * error + allowance


def test_the_limit_is_approached():
    gaps = []
    for scale in (0.4, 0.2, 0.1):
        chain, half = (exit_from_interval(step, scale, np.negative) for step in (STEP, STEP / 2))
        gaps.append(1 - (2 * half - chain) * 2 * scale / np.pi)
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[1] / gaps[2] > 1.8


def test_exit_times_depend_on_the_width_and_hardly_on_the_height():
    """Four times the height: at scale 0.2 a factor exp(7.5) for Gaussian noise, here less than 1.1."""
    steep = Potential("2*x**2")
    (low, error_low), (high, error_high) = (exits(STEP, 0.2, landscape) for landscape in (VALLEY, steep))
    limit = np.pi / 0.4
    assert low + Z * error_low < high - Z * error_high < high + Z * error_high < 1.1 * low
    chain = exit_from_interval(STEP, 0.2, lambda x: -4 * x)
    assert abs(high - chain) < Z * error_high
    assert high < limit
