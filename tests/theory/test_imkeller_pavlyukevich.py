"""Escape by jumps: against the exact exit time from the nonlocal equation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import double_well, quadratic
from simdyn import theory
from simdyn.dynamics import SDE, SGD, AlphaStable
from simdyn.errors import InputError


def exact_time(alpha, scale, pull=1.0, cells=800):
    """From 0 out of (-1, 1) for dx = -pull x dt + scale dL: jumps over cells, small ones as a diffusion."""
    h = 2.0 / cells
    x = -1 + h * (np.arange(cells - 1) + 1)
    c = math.gamma(1 + alpha) * math.sin(math.pi * alpha / 2) / math.pi * scale**alpha
    gap = np.abs(np.arange(cells - 1)[:, None] - np.arange(cells - 1)[None])
    with np.errstate(divide="ignore"):
        rate = c / alpha * ((np.maximum(gap, 1) - 0.5) ** -alpha - (gap + 0.5) ** -alpha) * h**-alpha
    rate[gap == 0] = -2 * c / alpha * (h / 2) ** -alpha
    small = c * (h / 2) ** (2 - alpha) / (2 - alpha)
    second = (np.eye(cells - 1, k=1) + np.eye(cells - 1, k=-1) - 2 * np.eye(cells - 1)) / h**2
    first = (np.eye(cells - 1, k=1) - np.eye(cells - 1, k=-1)) / (2 * h)
    generator = rate + small * second - pull * x[:, None] * first
    return float(np.linalg.solve(generator, -np.ones(cells - 1))[cells // 2 - 1])


def test_the_equation_without_drift():
    """E T = 1 / Gamma(1 + alpha) from the centre of (-1, 1) (Getoor 1961), in the limit of fine cells."""
    for alpha in (1.0, 1.5):
        gaps = [exact_time(alpha, 1.0, 0.0, n) * math.gamma(1 + alpha) - 1 for n in (200, 400, 800)]
        assert abs(gaps[2]) < abs(gaps[1]) < abs(gaps[0])
        # Extrapolated with the order that the three show.
        limit = gaps[2] + (gaps[2] - gaps[1]) ** 2 / (2 * gaps[1] - gaps[0] - gaps[2])
        assert abs(limit) < 0.1 * abs(gaps[2])


@pytest.mark.parametrize("alpha", [0.8, 1.0, 1.3])
def test_exact_times_are_approached(alpha):
    gaps = []
    for scale in (0.2, 0.05, 0.0125):
        found = theory.imkeller_pavlyukevich_time(alpha, scale, 1.0, 1.0, relaxation=1.0)
        gaps.append(abs(exact_time(alpha, scale) / found.value - 1))
    assert found.valid
    assert gaps[0] > 1.5 * gaps[1] > 2.25 * gaps[2]
    assert gaps[2] < 0.06


def test_wide_noise_and_nearly_gaussian_noise_are_outside_its_validity():
    wide = theory.imkeller_pavlyukevich_time(1.0, 2.0, 1.0, 1.0, relaxation=1.0)
    assert not wide.valid
    assert abs(exact_time(1.0, 2.0) / wide.value - 1) > 0.2
    near = theory.imkeller_pavlyukevich_time(1.95, 0.4, 1.0, 1.0, relaxation=1.0)
    assert not near.valid
    assert "near 2" in near.why
    assert abs(exact_time(1.95, 0.4) / near.value - 1) > 0.3


@given(alpha=st.floats(0.3, 1.9), scale=st.floats(0.01, 0.3), a=st.floats(0.5, 3.0), b=st.floats(0.5, 3.0))
def test_scaling(alpha, scale, a, b):
    """Only scale over width counts; the rates of both ends add."""
    both = theory.imkeller_pavlyukevich_time(alpha, scale, a, b).value
    assert theory.imkeller_pavlyukevich_time(alpha, 2 * scale, 2 * a, 2 * b).value == pytest.approx(
        both, rel=1e-12
    )
    ends = [theory.imkeller_pavlyukevich_time(alpha, scale, end).value for end in (a, b)]
    assert 1 / both == pytest.approx(sum(1 / end for end in ends), rel=1e-12)
    assert both == pytest.approx(
        theory.imkeller_pavlyukevich_time(alpha, 2 * scale, a, b).value * 2**alpha, rel=1e-11
    )


def test_problems():
    rule = SDE(AlphaStable(1.2, 0.05), 0.01)
    one = theory.imkeller_pavlyukevich_time(1.2, 0.05, 1.0).value
    for exit in ("valley", "commit", "x >= 0.4"):
        found = theory.imkeller_pavlyukevich(double_well(), rule, "x=-1", exit)
        assert found.value == pytest.approx(one, rel=1e-9)
        assert found.valid
    # Nearer than the saddle an exit counts itself; twins add their rates.
    near = theory.imkeller_pavlyukevich(quadratic(), rule, "x=0", "(x >= 0.5) | (x <= -2)")
    assert near.value == pytest.approx(
        theory.imkeller_pavlyukevich_time(1.2, 0.05, 0.5, 2.0).value, rel=1e-12
    )
    five = theory.imkeller_pavlyukevich(double_well(5), rule, [-1.0] * 5, "valley")
    assert five.value == pytest.approx(one / 5, rel=1e-9)
    # eta scale (T/B)^(1 - 1/alpha) a step is (eta / B)^(1 - 1/alpha) scale dL.
    steps = theory.imkeller_pavlyukevich(
        double_well(), SGD(0.01, 2.0, noise=AlphaStable(1.2, 0.3)), "x=-1", "valley"
    )
    scale = 0.3 * 0.005 ** (1 - 1 / 1.2)
    assert steps.value == pytest.approx(
        theory.imkeller_pavlyukevich_time(1.2, scale, 1.0).value / 0.01, rel=1e-9
    )
    with pytest.raises(InputError, match="alpha-stable"):
        theory.imkeller_pavlyukevich(double_well(), SDE(0.1, 0.01), "x=-1", "valley")
