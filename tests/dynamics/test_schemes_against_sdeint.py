"""The same Brownian increments through sdeint, and BAOAB through its published order of moves."""

from __future__ import annotations

import numpy as np
import pytest
import sdeint

from potentials import Potential, double_well
from simdyn.dynamics import SDE

PLANE = Potential("x**2/2 + y**2 + x*y/4 + x**4/8")
COMMUTING = ["0.1*(1 + x**2)", "0.2 + 0.1*sin(y)**2"]
CROSSED = [["1 + x**2", "x/2"], ["x/2", "1 + y**2"]]
STEPS, DT = 60, 0.01
TIMES = np.arange(STEPS + 1) * DT
START = np.array([0.3, -0.2])
KIND = ["commuting", "crossed"]


def drift(x, t):
    return -PLANE.gradient(x)


def sigma(kind):
    def commuting(x, t):
        return np.diag(np.sqrt(2 * np.array([0.1 * (1 + x[0] ** 2), 0.2 + 0.1 * np.sin(x[1]) ** 2])))

    def crossed(x, t):
        matrix = np.array([[1 + x[0] ** 2, x[0] / 2], [x[0] / 2, 1 + x[1] ** 2]])
        return np.sqrt(2) * np.linalg.cholesky(matrix)

    return commuting if kind == "commuting" else crossed


def path(update, normals):
    states = [START]
    for step in range(STEPS):
        states.append(update.advance(states[-1], normals[step], step=step))
    return np.array(states)


def update_and_normals(kind, scheme, convention="ito", seed=0):
    diffusion = COMMUTING if kind == "commuting" else CROSSED
    update = SDE(diffusion, DT, scheme=scheme, convention=convention).update(PLANE)
    return update, np.random.default_rng(seed).normal(size=(STEPS, update.noise_dim))


@pytest.mark.parametrize("kind", KIND)
def test_euler(kind):
    update, z = update_and_normals(kind, "euler_maruyama")
    theirs = sdeint.itoEuler(drift, sigma(kind), START, TIMES, dW=z * np.sqrt(DT))
    np.testing.assert_allclose(path(update, z), theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KIND)
def test_heun(kind):
    update, z = update_and_normals(kind, "heun", "stratonovich")
    theirs = sdeint.stratHeun(drift, sigma(kind), START, TIMES, dW=z * np.sqrt(DT))
    np.testing.assert_allclose(path(update, z), theirs, rtol=1e-10, atol=1e-12)


def areas(z):
    """A_10 / dt of each step, by the series of Kloeden & Platen (5.8) with two terms, written once more."""
    total = np.zeros(len(z))
    for r, (a, b, c, d) in ((1, (2, 3, 4, 5)), (2, (6, 7, 8, 9))):
        zeta0, eta0, zeta1, eta1 = (z[:, n] for n in (a, b, c, d))
        total += (zeta1 * (np.sqrt(2) * z[:, 0] + eta0) - zeta0 * (np.sqrt(2) * z[:, 1] + eta1)) / (
            2 * np.pi * r
        )
    rest = np.sqrt(1 / 12 - (1 + 1 / 4) / (2 * np.pi**2))
    return total + rest * (z[:, 11] * z[:, 0] - z[:, 10] * z[:, 1] + z[:, 12])


@pytest.mark.parametrize("kind", KIND)
def test_sri2(kind):
    update, z = update_and_normals(kind, "sri2")
    dW = z[:, :2] * np.sqrt(DT)
    repeated = (dW[:, :, None] * dW[:, None, :] - DT * np.eye(2)) / 2
    if kind == "crossed":
        area = DT * areas(z)
        repeated[:, 1, 0] += area
        repeated[:, 0, 1] -= area
    theirs = sdeint.itoSRI2(drift, sigma(kind), START, TIMES, dW=dW, I=repeated)
    np.testing.assert_allclose(path(update, z), theirs, rtol=1e-9, atol=1e-11)
    if kind == "crossed":
        # Without its areas the scheme is another one: the comparison can fail.
        symmetric = (dW[:, :, None] * dW[:, None, :] - DT * np.eye(2)) / 2
        wrong = sdeint.itoSRI2(drift, sigma(kind), START, TIMES, dW=dW, I=symmetric)
        assert np.abs(wrong - theirs).max() > 1e-3


def test_levy_areas_have_their_variance():
    """Var(A/dt | z) averages (1 + z0^2 + z1^2)/12 = 1/4; 4.5 standard errors."""
    z = np.random.default_rng(3).normal(size=(400_000, 16))
    area = areas(z)
    error = np.sqrt(np.var(area**2) / len(area))
    assert abs(np.mean(area**2) - 0.25) < 4.5 * error
    assert abs(np.mean(area)) < 4.5 * np.sqrt(0.25 / len(area))


def test_baoab_is_b_a_o_a_b():
    well, friction, h, temperature = double_well(), 1.3, 0.1, 0.4
    update = SDE(temperature, h, scheme="baoab", friction=friction).update(well)
    z = np.random.default_rng(1).normal(size=(STEPS, 1))
    state = update.at_rest(np.array([-0.8]))
    x, v = -0.8, 0.0
    keep = np.exp(-friction * h)

    def force(x):
        return x - x**3

    for step in range(STEPS):
        v = v + h / 2 * force(x)
        x = x + h / 2 * v
        v = keep * v + np.sqrt(temperature * (1 - keep**2)) * z[step, 0]
        x = x + h / 2 * v
        v = v + h / 2 * force(x)
        state = update.advance(state, z[step], step=step)
        np.testing.assert_allclose(state, [x, v - h / 2 * force(x)], rtol=1e-10, atol=1e-12)


def test_leimkuhler_matthews_averages_neighbouring_normals():
    well, h, temperature = double_well(), 0.1, 0.4
    update = SDE(temperature, h, scheme="leimkuhler_matthews").update(well)
    z = np.random.default_rng(1).normal(size=(STEPS, 1))
    state, x, last = update.at_rest(np.array([-0.8])), -0.8, 0.0
    for step in range(STEPS):
        x = x + h * (x - x**3) + np.sqrt(2 * temperature * h) * (last + z[step, 0]) / 2
        last = z[step, 0]
        state = update.advance(state, z[step], step=step)
        np.testing.assert_allclose(state, [x, last], rtol=1e-10, atol=1e-12)
