"""Which closed forms are offered for which problem."""

import math

import pytest

from potentials import Potential, double_well, muller_brown, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.theory import predictions

HESSIAN = SGD(0.02, 0.06, noise="hessian", floor=0.0)


@pytest.mark.parametrize(
    ("potential", "dynamics", "exit", "names"),
    [
        (double_well(), SDE(0.05, 0.01), "valley", ["Kramers", "Kramers, next order"]),
        (
            double_well(),
            SGLD(0.01, 0.05),
            "commit",
            ["Kramers", "Kramers, next order", "Finite learning rate"],
        ),
        (double_well(), SDE("0.05*(1+x**2)", 0.01), "valley", ["Kramers"]),
        (double_well(), SDE(0.05, 0.01), "x >= 0.4", []),
        (double_well(), SGD(0.01, 1.0, noise="none"), "valley", []),
        (
            styblinski_tang(10),
            SGLD(0.001, 5.0),
            "valley",
            ["Eyring-Kramers", "Kramers, next order", "Finite learning rate"],
        ),
        (styblinski_tang(10), HESSIAN, "valley", ["Xie, Sato & Sugiyama (7)"]),
        (double_well(2), SDE("0.05*(1+x1**2)", 0.01), "valley", []),
        (double_well(2), SDE(["0.05*(1+x1**2)", "0.05*(1+x2**2)"], 0.01), "valley", ["Kramers"]),
        (muller_brown(), SGLD(1e-5, 5.0), "valley", ["Eyring-Kramers", "Finite learning rate"]),
        (Potential("x**2/2"), SDE(1.0, 0.01), "x >= 1", []),
    ],
)
def test_what_is_offered(potential, dynamics, exit, names):
    start = -1.0 if "double" in potential.name else "deepest"
    found = predictions(potential, dynamics, start, exit)
    assert [p.name for p in found] == names
    for p in found:
        assert math.isfinite(p.value)
        assert p.value > 0
        assert p.why.endswith(".")
        assert p.unit == ("time" if isinstance(dynamics, SDE) else "steps")
        assert p.assumptions
        assert p.source


def test_input_errors_pass():
    with pytest.raises(InputError, match="already fulfils"):
        predictions(double_well(), SGLD(0.1, 0.1), "x=1", "x >= 0")
