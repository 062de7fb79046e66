"""What finite steps do to the width of x^4/4 at D = 1: schemes of weak order 1 and 2, exactly and by kernels.

Chains with a force steeper than linear explode in the end, from beyond (2 / step)^(1/2); from within they
take longer than the age of the world, so that their metastable law may be treated as stationary.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.special import gamma

from potentials import Potential
from simdyn.dynamics import SDE
from simdyn.engines.cpu import CpuEngine

Z = 4.5
"""Standard errors: a false alarm in 150 000 comparisons; seeds are fixed."""
QUARTIC = Potential("x**4/4")
OF_GIBBS = 2 * gamma(0.75) / gamma(0.25)
STEPS = (0.1, 0.05, 0.025)
# E x^2 minus that of Gibbs.
BIAS = {
    "euler_maruyama": (0.0109, 0.0049, 0.0024),
    "heun": (-0.0190, -0.0041, -0.00094),
    "leimkuhler_matthews": (-0.00108, -0.00023, -0.000056),
}
EDGE = 3.3
"""Gibbs' mass beyond is below 1e-13."""


def update_of(scheme, step):
    return SDE(1.0, step, scheme=scheme).update(QUARTIC)


@cache
def exact_bias(scheme, step, nodes=100, normals=80):
    """By the transfer operator on polynomials: E f(x') from Gauss and Hermite's rule through `advance`.

    For Leimkuhler and Matthews on y = x - K z / 2 with the last normal z, which is a chain by itself.
    """
    update = update_of(scheme, step)
    angles = np.pi * (np.arange(nodes) + 0.5) / nodes
    points = EDGE * np.cos(angles)
    z, weights = np.polynomial.hermite_e.hermegauss(normals)
    weights /= weights.sum()
    if update.memory:
        states = np.empty((nodes, normals, 2))
        states[..., 0] = points[:, None] + np.sqrt(2 * step) / 2 * z
        states[..., 1] = z
        squares = states[..., 0] ** 2 @ weights
        moved = update.advance(states)[..., 0]
    else:
        states = np.broadcast_to(points[:, None, None], (nodes, normals, 1))
        squares = points**2
        moved = update.advance(states, np.broadcast_to(z[:, None], (nodes, normals, 1)))[..., 0]
    degrees = np.arange(nodes)
    arrived = np.arccos(np.clip(moved / EDGE, -1, 1))
    # Rows: E T_k(x') for x at a node; columns turn values at nodes into coefficients of T_k.
    forward = np.einsum("jik,i->jk", np.cos(arrived[..., None] * degrees), weights)
    coefficients = np.cos(np.outer(degrees, angles)) * np.where(degrees == 0, 1, 2)[:, None] / nodes
    equations = (forward @ coefficients).T - np.eye(nodes)
    equations[-1] = 1.0
    mass = np.linalg.solve(equations, np.eye(nodes)[-1])
    return mass @ squares - OF_GIBBS


@pytest.mark.parametrize("scheme", BIAS)
def test_biases(scheme):
    """To the digits that are given; halving the step divides them by 2 or 4, the closer the finer it is."""
    found = [exact_bias(scheme, step) for step in STEPS]
    for value, printed in zip(found, BIAS[scheme], strict=True):
        assert value == pytest.approx(printed, rel=0.03)
    order = 1 if scheme == "euler_maruyama" else 2
    sizes = np.array([*found, exact_bias(scheme, 0.0125)])
    distance = np.abs(sizes[:-1] / sizes[1:] - 2.0**order)
    assert distance[0] > distance[1] > distance[2]
    assert distance[2] < 0.06 * 2.0**order
    assert exact_bias(scheme, 0.1, nodes=80, normals=60) == pytest.approx(found[0], abs=1e-7)


def measured_bias(scheme, step, *, paths, times, every, seed=6):
    """Bias and its standard error: means over independent paths of time averages."""
    update = update_of(scheme, step)
    engine = CpuEngine(update, threads=1)
    burn_in = round(10 / step)
    state = engine.integrate(update.at_rest(np.zeros((paths, 1))), steps=burn_in, seed=seed)
    total = np.zeros(paths)
    for k in range(times):
        state = engine.integrate(state, steps=every, seed=seed, first_step=burn_in + k * every)
        total += state[:, 0] ** 2
    assert np.isfinite(total).all()
    return total.mean() / times - OF_GIBBS, total.std(ddof=1) / times / np.sqrt(paths)


@pytest.mark.parametrize("scheme", BIAS)
def test_kernels_have_the_bias(scheme):
    bias, error = measured_bias(scheme, 0.1, paths=40_000, times=500, every=3)
    assert abs(bias - exact_bias(scheme, 0.1)) < Z * error
    if scheme != "leimkuhler_matthews":
        # Controls: no bias, and that of the other scheme.
        other = "heun" if scheme == "euler_maruyama" else "euler_maruyama"
        assert abs(bias) > 2 * Z * error
        assert abs(bias - exact_bias(other, 0.1)) > 2 * Z * error


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheme", BIAS)
def test_kernels_have_the_bias_at_every_step(scheme, step):
    """Errors of about 4e-5, so that biases above 4e-4 have to be seen, and smaller ones must not be off."""
    bias, error = measured_bias(scheme, step, paths=100_000, times=4000, every=round(0.4 / step))
    exact = exact_bias(scheme, step)
    assert abs(bias - exact) < Z * error
    if abs(exact) > 2 * Z * error:
        assert abs(bias) > Z * error
