"""Equation (7) of Xie, Sato & Sugiyama (2021), and what it is not."""

import math

import numpy as np
import pytest

from potentials import Potential, double_well, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.exact import escape_time
from simdyn.theory import xie2021

TANG = styblinski_tang(1)


def rule(eta=0.02, batch=0.06, floor=0.0, temperature=1.0):
    return SGD(eta, batch, noise="hessian", floor=floor, temperature=temperature)


def test_the_formula_itself():
    """Quartic: 2 B / eta (s / 2 + (1 - s)) / 4 with s = 4/9, that is 0.3889 B / eta."""
    prediction = xie2021(double_well(), rule(0.1, 1.0), "x=-1", "commit")
    exponent = 10 * 0.5 * (4 / 9 / 2 + 5 / 9)
    assert prediction.value == pytest.approx(2 * math.pi * math.exp(exponent) / 0.1, rel=1e-9)
    assert "s = 0.44444" in prediction.formula
    given = xie2021(double_well(), rule(0.1, 1.0), "x=-1", "commit", s=0.25)
    assert given.value == pytest.approx(2 * math.pi * math.exp(5 * (0.25 / 2 + 0.75)) / 0.1, rel=1e-9)


def test_styblinski_tang_exponent():
    one = xie2021(TANG, rule(0.02, 0.1), "deepest", "valley")
    two = xie2021(TANG, rule(0.02, 0.2), "deepest", "valley")
    assert math.log(two.value / one.value) / (0.1 / 0.02) == pytest.approx(3.783, abs=5e-4)
    assert "s = 0.43966" in one.formula


def test_saddles_add_and_temperature_divides_the_batch():
    one = xie2021(TANG, rule(), "deepest", "commit")
    ten = xie2021(styblinski_tang(10), rule(), "deepest", "valley")
    assert ten.value == pytest.approx(one.value / 20, rel=1e-12)
    warm = xie2021(TANG, rule(batch=0.12, temperature=2.0), "deepest", "commit")
    assert warm.value == pytest.approx(one.value, rel=1e-12)


def test_curvature_scale_is_a_learning_rate():
    scaled = xie2021(styblinski_tang(3, k=2.0), rule(0.01), "deepest", "valley")
    plain = xie2021(styblinski_tang(3), rule(0.02), "deepest", "valley")
    assert scaled.value == pytest.approx(plain.value, rel=1e-9)


def test_the_chain_hops_and_the_formula_says_that_it_does_not_know():
    prediction = xie2021(TANG, rule(), "deepest", "valley")
    assert not prediction.valid
    assert "-1.63299" in prediction.why
    assert "hops" in prediction.why

    # The exponent of the chain is not linear in 1 / learning rate: eta S_eta is not constant.
    def slope(eta, batches):
        logs = [math.log(escape_time(TANG, rule(eta, b), "deepest", "valley").value) for b in batches]
        return eta * (logs[1] - logs[0]) / (batches[1] - batches[0])

    coarse, fine = slope(0.02, (0.6, 0.9)), slope(0.01, (0.2, 0.3))
    assert coarse == pytest.approx(2.451, rel=0.02)
    assert fine == pytest.approx(5.806, rel=0.02)
    assert abs(math.log(escape_time(TANG, rule(), "deepest", "valley").value / prediction.value)) > 1


def test_the_sde_never_crosses():
    prediction = xie2021(TANG, SDE.limit_of(rule()), "deepest", "valley")
    assert not prediction.valid
    assert "infinite" in prediction.why
    assert prediction.unit == "time"


def test_a_floor_does_not_save_it():
    dynamics = SDE.limit_of(rule(0.1, 1.0, floor=0.2))
    prediction = xie2021(double_well(), dynamics, "x=-1", "x >= 0")
    exact = escape_time(double_well(), dynamics, "x=-1", "x >= 0")
    assert not prediction.valid
    assert "Ito" in prediction.why
    assert exact.value / prediction.value > 100


def test_coupled_landscapes_need_s():
    potential = Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2")
    with pytest.raises(InputError, match="give s="):
        xie2021(potential, rule(0.1, 1.0), [-1.0, 0.0], "valley")
    prediction = xie2021(potential, rule(0.1, 1.0), [-1.0, 0.0], "valley", s=0.5)
    assert not prediction.valid
    assert np.isfinite(prediction.value)


@pytest.mark.parametrize(
    ("dynamics", "s", "text"),
    [
        (SGLD(0.01, 0.1), None, 'noise="hessian"'),
        (SDE(0.1, 0.01), None, 'noise="hessian"'),
        (rule(), 0.0, "between 0 and 1"),
        (rule(), math.nan, "between 0 and 1"),
    ],
)
def test_problems_that_it_is_not_about(dynamics, s, text):
    with pytest.raises(InputError, match=text):
        xie2021(TANG, dynamics, "deepest", "valley", s=s)


def test_a_time_beyond_double_precision_is_infinite_and_not_valid():
    prediction = xie2021(TANG, rule(0.02, 16.0), "deepest", "valley")
    assert prediction.value == math.inf
    assert not prediction.valid
    assert "beyond double precision" in prediction.why
