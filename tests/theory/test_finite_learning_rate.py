"""Escape of discrete rules with constant noise: first order in the learning rate, Siegmund's shift."""

import numpy as np
import pytest

from potentials import double_well, styblinski_tang, tilted_well
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import escape_time
from simdyn.theory import eyring_kramers, finite_learning_rate

WELL = double_well()


def test_factor_on_commit_times():
    """Quartic, eta = 0.01: 1 + eta/4 (|L''_b| - L''_a) = 0.9975; the remainder is of order eta D."""
    eta = 0.01
    for noise in (0.05, 0.025):
        ratio = (
            escape_time(WELL, SGLD(eta, noise), "x=-1", "x >= 1").value
            * eta
            / escape_time(WELL, SDE(noise, eta), "x=-1", "x >= 1").value
        )
        assert ratio == pytest.approx(0.9975, abs=0.6 * eta * noise)
        assert ratio < 0.9985


@pytest.mark.parametrize("exit", ["commit", "valley"])
def test_the_gap_closes_with_the_learning_rate(exit):
    """Divided by the same formula's limit and the exact SDE time, what is left is second order and eta D."""
    noise = 0.01
    potential = tilted_well(tilt=0.05)
    exact_sde = escape_time(potential, SDE(noise, 0.01), "deepest", exit).value
    limit = finite_learning_rate(potential, SGLD(1e-9, noise), "deepest", exit).value * 1e-9
    left, bare = [], []
    for eta in (0.1, 0.05, 0.025):
        ratio = escape_time(potential, SGLD(eta, noise), "deepest", exit).value * eta / exact_sde
        predicted = finite_learning_rate(potential, SGLD(eta, noise), "deepest", exit).value * eta / limit
        left.append(abs(ratio / predicted - 1))
        bare.append(abs(ratio - 1))
    assert left[-1] < 0.3 * bare[-1]
    assert left[-1] < 0.5 * left[0]


@pytest.mark.parametrize(("noise", "limit"), [(5.0, 0.01), (3.0, 0.002)])
def test_ten_dimensional_langevin_steps(noise, limit):
    """Both corrections together where Eyring-Kramers alone is off by 10 % and more."""
    hill, rule = styblinski_tang(10), SGLD(0.001, noise)
    exact = escape_time(hill, rule, "deepest", "valley").value
    corrected = finite_learning_rate(hill, rule, "deepest", "valley")
    assert corrected.valid
    assert exact / corrected.value == pytest.approx(1, abs=limit)
    assert exact / eyring_kramers(hill, rule, "deepest", "valley").value > 1.09


def test_large_steps_are_outside_its_validity():
    prediction = finite_learning_rate(WELL, SGLD(0.5, 0.03), "x=-1", "commit")
    exact = escape_time(WELL, SGLD(0.5, 0.03), "x=-1", "commit")
    assert not prediction.valid
    assert "learning rate" in prediction.why
    assert abs(exact.value / prediction.value - 1) > 0.1


def test_constant_covariance_is_constant_noise():
    sgd = SGD(0.05, 2.0, noise="constant", covariance=4.0)
    same = SGLD(0.05, 0.05)
    ours, theirs = (finite_learning_rate(WELL, rule, "x=-1", "valley").value for rule in (sgd, same))
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(
    ("dynamics", "text"),
    [
        (SDE(0.05, 0.01), "discrete rules"),
        (SGD(0.1, 1.0, noise="hessian", floor=0.1), "constant noise"),
    ],
)
def test_problems_that_it_is_not_about(dynamics, text):
    with pytest.raises(InputError, match=text):
        finite_learning_rate(WELL, dynamics, "x=-1", "valley")


def test_overshoot_constant():
    """-zeta(1/2) / sqrt(2 pi), by the mean overshoot of a Gaussian walk over a far level."""
    from scipy.special import zeta

    from simdyn.theory.finite_steps import SIEGMUND

    # zeta(1/2) from the alternating series, which converges there after averaging.
    terms = (-1.0) ** np.arange(2000) / np.sqrt(np.arange(1, 2001))
    sums = np.cumsum(terms)
    for _ in range(12):
        sums = 0.5 * (sums[1:] + sums[:-1])
    value = sums[-1] / (1 - 2**0.5)
    assert pytest.approx(-value / np.sqrt(2 * np.pi), rel=1e-10) == SIEGMUND
    assert zeta(2) == pytest.approx(np.pi**2 / 6)
