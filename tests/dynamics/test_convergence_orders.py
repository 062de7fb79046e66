"""Orders of the schemes, fitted by regression over step sizes, with an interval from many paths.

Coarse steps are made of the same Brownian path as fine ones, in NumPy by `Update.advance`, which
`test_dynamics_conformance` ties to the kernels.
"""

from __future__ import annotations

import numpy as np
import pytest

from potentials import Potential
from simdyn.dynamics import SDE, SGD, SGLD

LINE = Potential("x**2/2")
FINE = 256
COARSE, CLOSE = (8, 16, 32, 64), (32, 64, 128, 256)
"""Steps in unit time: against the finest path, and, closer to the limit, against an exact solution."""
BATCHES, PATHS = 20, 400
GEOMETRIC = "0.125*x**2"
PLANE = Potential("x**2/2 + y**2/2")
# The kick along y depends on x: the two do not commute.
CROSSED = ["0.5", "0.5*(1 + x**2)"]
REST = np.sqrt(1 / 12 - (1 + 1 / 4) / (2 * np.pi**2))


def end(update, x, dW, area, steps):
    """End of paths over unit time in `steps` steps; with noise that does not commute, of given Levy areas."""
    per = FINE // steps
    for step in range(steps):
        cut = slice(step * per, (step + 1) * per)
        total = dW[:, cut].sum(axis=1)
        z = np.zeros((len(x), update.noise_dim))
        z[:, : dW.shape[2]] = total / np.sqrt(1 / steps)
        if area and update.noise_dim > dW.shape[2]:
            before = np.cumsum(dW[:, cut], axis=1) - dW[:, cut]
            loop = before[:, :, 1] * dW[:, cut, 0] - before[:, :, 0] * dW[:, cut, 1]
            # The last normal of the series stands for the whole area, A_10 = I_10 with 1 drawn before 0.
            z[:, 12] = loop.sum(axis=1) / 2 * steps / REST
        x = update.advance(x, z, step=step)
    return x


def fitted(errors, levels):
    """Slope of log error against log step, and its standard error from independent batches."""
    size = np.log(1.0 / np.array(levels))
    centred = size - size.mean()
    slopes = np.log(errors) @ centred / (centred @ centred)
    return slopes.mean(), slopes.std(ddof=1) / np.sqrt(len(slopes))


def strong_order(landscape, diffusion, scheme, convention, reference, levels, area=True, dim=1):
    errors = np.empty((BATCHES, len(levels)))
    for batch in range(BATCHES):
        dW = np.random.default_rng([7, batch]).normal(size=(PATHS, FINE, dim)) / np.sqrt(FINE)
        start = np.full((PATHS, dim), 1.0)
        best = reference(start, dW)
        for n, steps in enumerate(levels):
            update = SDE(diffusion, 1 / steps, scheme=scheme, convention=convention).update(landscape)
            gap = end(update, start, dW, area, steps) - best
            errors[batch, n] = np.sqrt(np.mean(gap**2))
    return fitted(errors, levels)


def geometric(convention):
    """dx = -x dt + x/2 dW exactly; Stratonovich keeps the drift of the logarithm at -1, Ito at -1 - 1/8."""

    def exact(start, dW):
        return start * np.exp((-1.0 if convention == "stratonovich" else -1.125) + 0.5 * dW.sum(axis=1))

    return exact


# z = 4.5 on the fit, and 0.12 for steps that are not yet small: orders differ by 1/2.
@pytest.mark.parametrize(
    ("scheme", "convention", "order"),
    [
        ("euler_maruyama", "ito", 0.5),
        ("milstein", "ito", 1.0),
        ("milstein", "stratonovich", 1.0),
        ("heun", "stratonovich", 1.0),
        ("heun", "ito", 1.0),
        ("sri2", "ito", 1.0),
    ],
)
def test_strong_order_in_multiplicative_noise(scheme, convention, order):
    slope, error = strong_order(LINE, GEOMETRIC, scheme, convention, geometric(convention), CLOSE)
    assert abs(slope - order) < 0.12 + 4.5 * error


def test_euler_in_additive_noise():
    def finest(start, dW):
        return end(SDE(0.125, 1 / FINE, scheme="heun").update(LINE), start, dW, False, FINE)

    slope, error = strong_order(LINE, 0.125, "euler_maruyama", "ito", finest, COARSE)
    assert abs(slope - 1.0) < 0.12 + 4.5 * error


def test_a_missing_spurious_drift_does_not_converge():
    slope, error = strong_order(LINE, GEOMETRIC, "milstein", "ito", geometric("stratonovich"), CLOSE)
    assert slope + 4.5 * error < 0.3


def crossed_reference(start, dW):
    update = SDE(CROSSED, 1 / FINE, scheme="sri2", crossing="none").update(PLANE)
    return end(update, start, dW, True, FINE)


def crossed_order(scheme, area):
    return strong_order(PLANE, CROSSED, scheme, "ito", crossed_reference, COARSE, area, dim=2)


@pytest.mark.slow
def test_strong_order_where_noise_does_not_commute():
    """SRI2 has order 1 with the areas of the path, Euler 1/2; 0.17 for steps that are not yet small and a
    reference that is not exact. Left without areas SRI2 loses order: its slope falls, by far more than 4.5
    standard errors."""
    whole, error = crossed_order("sri2", True)
    assert abs(whole - 1.0) < 0.17 + 4.5 * error
    slope, error_euler = crossed_order("euler_maruyama", False)
    assert abs(slope - 0.5) < 0.17 + 4.5 * error_euler
    without, other = crossed_order("sri2", False)
    assert without < whole - 4.5 * np.hypot(error, other)


def moments_after(update, steps, mean, variance):
    """Mean and variance of a chain that is linear with additive noise: exact by two evaluations."""
    x = np.zeros((2, update.state_dim))
    x[1, 0] = 1.0
    moved = update.advance(x)
    slope, shift = moved[1, 0] - moved[0, 0], moved[0, 0]
    # Heun's kick acts through its stage as well: the response to one normal, whole.
    kick = (update.advance(x[:1], np.ones((1, 1))) - moved[:1])[0, 0]
    for _ in range(steps):
        mean, variance = slope * mean + shift, slope**2 * variance + kick**2
    return mean, variance


@pytest.mark.parametrize(("scheme", "order"), [("euler_maruyama", 1.0), ("heun", 2.0)])
def test_weak_order_on_ornstein_uhlenbeck(scheme, order):
    """Exact moments of chain and equation, so that the slope has no sampling error; 0.1 for finite steps."""
    exact = np.array([np.exp(-1.0), 0.125 * (1 - np.exp(-2.0))])
    errors = []
    for steps in (16, 32, 64, 128):
        update = SDE(0.125, 1 / steps, scheme=scheme).update(LINE)
        errors.append(np.abs(np.array(moments_after(update, steps, 1.0, 0.0)) - exact))
    slopes = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    np.testing.assert_allclose(slopes[-1], order, atol=0.1)


@pytest.mark.parametrize(("order", "expected"), [(1, 1.0), (2, 2.0)])
def test_the_modified_equation_is_closer_by_one_order(order, expected):
    """Mean and variance at time 1 of SGD on a quadratic with a constant C, D = eta C / 2.

    The drift of the equation of either order is linear, so its own moments are exact: rate a, mean e^-a.
    """
    gaps = []
    for steps in (16, 32, 64, 128):
        eta = 1 / steps
        rule = SGD(eta, 1.0, noise="constant", covariance=1.0)
        found = moments_after(rule.update(LINE), steps, 1.0, 0.0)
        law = SDE.limit_of(rule, order=order).law(LINE)
        rate = -law.drift_at(np.array([1.0]))[0] / law.step
        diffusion = law.factor_at(np.array([1.0]))[0, 0] ** 2 / (2 * law.step)
        gaps.append(abs(found[0] - np.exp(-rate)))
        assert abs(found[1] - diffusion / rate * (1 - np.exp(-2 * rate))) < eta**2
    slopes = np.log2(np.array(gaps)[:-1] / np.array(gaps)[1:])
    assert abs(slopes[-1] - expected) < 0.1


def test_a_fixed_temperature_gains_nothing_from_order_2():
    """Stationary variance of SGLD: 1/(1 - eta/2) by the chain, 1 by order 1, 1/(1 + eta/2) by order 2."""
    rule = SGLD(0.1, 1.0)
    widths = []
    for order in (1, 2):
        law = SDE.limit_of(rule, order=order).law(LINE)
        rate = -law.drift_at(np.array([1.0]))[0] / law.step
        widths.append(law.factor_at(np.array([1.0]))[0, 0] ** 2 / (2 * law.step) / rate)
    np.testing.assert_allclose(widths, [1.0, 1 / 1.05], rtol=1e-12)
    assert moments_after(rule.update(LINE), 2000, 0.0, 0.0)[1] == pytest.approx(1 / 0.95, rel=1e-12)
