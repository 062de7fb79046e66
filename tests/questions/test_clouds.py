"""The cloud of SGD iterates: its width against eta / B and curvature, and its height above the floor.

Figures are compared at z = 4.5 of their own standard errors; seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest

from potentials import Potential, winding_valley
from simdyn import SGD, SGLD, stationary

Z = 4.5
CURVATURES = np.array([0.5, 2.0, 8.0])
VALLEY = Potential("(0.5*x**2 + 2*y**2 + 8*z**2)/2")
LOSS = "(0.5*x**2 + 2*y**2 + 8*z**2)/2"


def agree(figures, exact, allowance=0.0):
    return bool(np.all(np.abs(figures.value - exact) <= Z * figures.error + allowance))


@pytest.mark.parametrize(("rate", "batch"), [(0.05, 1.0), (0.05, 4.0), (0.2, 4.0)])
@pytest.mark.parametrize("noise", ["constant", "hessian"])
def test_width_against_noise_and_curvature(rate, batch, noise):
    """Isotropic noise: eta c / (B h (2 - eta h)), narrow where it is sharp. C = H / B: eta / (B (2 - eta h)),
    round. The mean loss above the floor is tr(H S) / 2, in both."""
    options = {"covariance": 1.0} if noise == "constant" else {"floor": 0.0}
    answer = stationary(
        VALLEY,
        SGD(rate, batch, noise=noise, **options),
        of=["x", "y", "z", LOSS],
        paths=1024,
        steps=4_000,
        exact=False,
        seed=3,
    )
    shape = 1.0 if noise == "constant" else CURVATURES
    exact = rate * shape / (batch * CURVATURES * (2 - rate * CURVATURES))
    assert answer.settled, answer.warnings
    variance = np.diagonal(answer.covariance.value)
    error = np.diagonal(answer.covariance.error)
    assert (np.abs(variance - exact) < Z * error).all()
    assert (error / variance).max() < 0.02
    assert agree(answer.averages[LOSS], float(CURVATURES @ exact) / 2)


def test_a_winding_valley():
    """With u = y - bend sin(turns x) the law of the SDE factorises: u has the variance D / wall however the
    floor winds. The first order of the step is eta wall / 2 on a straight one."""
    heat, floor, wall, rate = 0.1, 1.0, 20.0, 0.002
    across = "y - bend*sin(turns*x)"
    answer = stationary(
        winding_valley(floor=floor, wall=wall, bend=0.2, turns=4.0),
        SGLD(rate, heat),
        "0",
        of=["x", across, f"({across})**2"],
        paths=512,
        steps=80_000,
        exact=False,
        seed=5,
    )
    assert answer.settled, answer.warnings
    assert agree(answer.averages[across], 0.0)
    width = answer.averages[f"({across})**2"]
    assert agree(width, heat / wall, allowance=rate * wall * heat / wall)
    assert width.error < 0.01 * width.value
    assert agree(answer.covariance[0, 0], heat / floor, allowance=rate * wall * heat / floor)
