"""Identities that hold path by path: a curvature scale is a learning rate, conventions, no momentum.

Multiplying by a power of two is exact in floating point, so that with k a power of four whole paths agree to
the bit.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import Potential
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine

SCALED = Potential("(k*x**2)**2/4 - k*x**2/2", parameters={"k": 1.0})
PATHS, STEPS = 24, 25


def path(dynamics, k, start, seed):
    update = dynamics.update(SCALED.with_parameters(k=k))
    engine = CpuEngine(update, threads=1)
    return engine.integrate(update.at_rest(np.full((PATHS, 1), start)), steps=STEPS, seed=seed)


# Kernels do not depend on numbers: examples share one compilation.
@pytest.mark.parametrize("momentum", [0.0, 0.5])
@settings(max_examples=40)
@given(
    exponent=st.integers(-8, 8),
    eta=st.floats(1e-4, 0.05),
    temperature=st.floats(1e-3, 1.0),
    start=st.floats(-1.5, 1.5),
    seed=st.integers(0, 2**32),
)
def test_a_power_of_four_rescales_to_the_bit(momentum, exponent, eta, temperature, start, seed):
    """sqrt(k) theta_j at (k, eta / k) is theta_j at (1, eta): state, velocity and all."""
    k = 4.0**exponent
    plain = path(SGLD(eta, temperature, momentum=momentum), 1.0, start, seed)
    rule = SGLD(eta / k, temperature, momentum=momentum)
    scaled = path(rule, k, start / 2.0**exponent, seed)
    assert (scaled * 2.0**exponent).tobytes() == plain.tobytes()
    # Controls: the rate, or the start, not rescaled.
    if exponent:
        other = SGLD(eta, temperature, momentum=momentum)
        assert (path(other, k, start / 2.0**exponent, seed) * 2.0**exponent).tobytes() != plain.tobytes()


@settings(max_examples=25)
@given(
    k=st.floats(0.05, 20.0), eta=st.floats(1e-3, 0.05), start=st.floats(-1.2, 1.2), seed=st.integers(0, 99)
)
def test_any_scale_rescales_to_rounding(k, eta, start, seed):
    """25 steps enlarge rounding by less than (1 + 10 eta)^25 < 5e4."""
    plain = path(SGLD(eta, 0.2, momentum=0.5), 1.0, start, seed)
    scaled = path(SGLD(eta / k, 0.2, momentum=0.5), k, start / np.sqrt(k), seed)
    kept = np.abs(plain).max(axis=1) < 4
    assert kept.mean() > 0.5
    np.testing.assert_allclose(np.sqrt(k) * scaled[kept], plain[kept], rtol=1e-9, atol=1e-9)


@cache
def in_convention(convention, shape):
    diffusion = {"hill": "a*(1 + x**2)", "wave": "a*(1 + sin(3*x)/2)", "exp": "a*exp(x)"}[shape]
    landscape = Potential("a*(x**4/4 - x**2/2)", variables="x", parameters={"a": 1.0})
    return landscape, SDE(diffusion, 0.01, convention=convention)


@given(x=st.floats(-2, 2), a=st.floats(0.01, 5.0), shape=st.sampled_from(["hill", "wave", "exp"]))
def test_stratonovich_lies_midway(x, a, shape):
    """Drifts of Ito, Stratonovich and Haenggi-Klimontovich are equidistant, and the noise is the same."""
    means, widths = [], []
    for convention in ("ito", "stratonovich", "haenggi_klimontovich"):
        landscape, dynamics = in_convention(convention, shape)
        update = dynamics.update(landscape.with_parameters(a=a))
        means.append(update.mean(np.array([x]))[0])
        widths.append(update.sd(np.array([x]))[0])
    assert means[1] == pytest.approx((means[0] + means[2]) / 2, rel=1e-13, abs=1e-15)
    assert widths[0] == widths[1] == widths[2]
    slope = {"hill": 2 * x, "wave": 1.5 * np.cos(3 * x), "exp": np.exp(x)}[shape] * a
    assert means[2] - means[0] == pytest.approx(0.01 * slope, rel=1e-9, abs=1e-14)


@settings(max_examples=30)
@given(eta=st.floats(1e-3, 0.1), start=st.floats(-1.5, 1.5), seed=st.integers(0, 2**32))
def test_without_momentum_the_heavy_ball_is_the_plain_rule(eta, start, seed):
    """To the bit; and a momentum of 1e-300, which has velocities, moves the points alike to rounding."""
    plain = path(SGLD(eta, 0.2), 1.0, start, seed)
    assert path(SGLD(eta, 0.2, momentum=0.0), 1.0, start, seed).tobytes() == plain.tobytes()
    noisy = SGD(eta, 3.0, noise="1 + x**2")
    assert SGD(eta, 3.0, noise="1 + x**2", momentum=0.0).update(SCALED) == noisy.update(SCALED)
    tiny = path(SGLD(eta, 0.2, momentum=1e-300), 1.0, start, seed)
    assert tiny.shape == (PATHS, 2)
    np.testing.assert_allclose(tiny[:, :1], plain, rtol=1e-9, atol=1e-9)
    # Control: a momentum that matters.
    moved = path(SGLD(eta, 0.2, momentum=0.5), 1.0, start, seed)[:, :1]
    assert np.abs(moved - path(SGLD(eta, 0.2), 1.0, start, seed)).max() > 1e-6
