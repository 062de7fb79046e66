"""Which closed forms are offered for which problem."""

import math

import pytest

from potentials import DriftField, Potential, double_well, maier_stein, muller_brown, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable
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
        (double_well(), SDE(0.05, 0.01, scheme="baoab", friction=2.0), "commit", ["Kramers with inertia"]),
        (double_well(), SGLD(1e-3, 0.01, momentum=0.9), "commit", ["Kramers with inertia"]),
        (double_well(), SDE(AlphaStable(1.5, 0.05), 0.01), "valley", ["Imkeller-Pavlyukevich"]),
        (
            Potential("x**4/4 - x**2/2 + 0.3", name="lifted double well"),
            SGD(0.01, 0.1, noise="loss"),
            "commit",
            ["Kramers", "Mori et al."],
        ),
    ],
)
def test_what_is_offered(potential, dynamics, exit, names):
    start = -1.0 if "double" in potential.name else "deepest"
    found = predictions(potential, dynamics, start, exit)
    assert [p.name for p in found if math.isfinite(p.value)] == names
    for p in found:
        assert p.value > 0 or (math.isnan(p.value) and not p.valid)
        assert math.isfinite(p.value) or not p.valid
        assert p.why.endswith(".")
        assert p.unit == ("time" if isinstance(dynamics, SDE) else "steps")
        assert p.source
        if math.isfinite(p.value):
            assert p.assumptions


def test_formulas_without_a_value_are_offered_with_the_reason():
    """Where noise vanishes on the way the SDE never crosses, and a rule without noise never leaves."""
    vanishing = {p.name: p for p in predictions(double_well(), HESSIAN, "x=-1", "valley")}
    assert math.isinf(vanishing["Kramers"].value)
    assert "The noise vanishes at x = -0.57735" in vanishing["Kramers"].why
    still = predictions(double_well(), SGD(0.01, 1.0, noise="none"), "x=-1", "valley")
    assert [p.name for p in still] == ["Kramers", "Kramers, next order", "Finite learning rate"]
    for p in (vanishing["Kramers"], *still):
        assert math.isinf(p.value)
        assert not p.valid


def test_drift_fields_with_a_polynomial_quasi_potential():
    field = DriftField(["-(x**3 - x) + 2*y", "-2*y - (x**3 - x)"])
    assert [p.name for p in predictions(field, SDE(0.05, 0.01), [-1, 0], "x >= 1")] == ["Bouchet-Reygner"]
    assert predictions(maier_stein(alpha=3.0), SDE(0.05, 0.01), [-1, 0], "x >= 1") == ()


def test_input_errors_pass():
    with pytest.raises(InputError, match="already fulfils"):
        predictions(double_well(), SGLD(0.1, 0.1), "x=1", "x >= 0")
