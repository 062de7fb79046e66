"""`stationary`: what it does not claim, and the reason that it gives."""

from __future__ import annotations

import json

import pytest

from potentials import Potential, QuadraticSum
from simdyn import SGD, SGLD, AlphaStable, stationary

Z = 4.5
"""A false alarm in 30 000 comparisons by Student's t with 63 degrees of freedom; seeds are fixed."""

LINE = Potential("h*x**2/2", parameters={"h": 2.0})
DOUBLE = Potential("x**4/4 - x**2/2")


def test_basins_that_do_not_exchange_are_no_law():
    answer = stationary(DOUBLE, SGLD(0.05, 0.01), paths=256, steps=20_000)
    assert not answer.settled
    assert "nothing is claimed" in answer.warnings[0]
    assert "NOT SETTLED, no claim" in str(answer)
    verdicts = answer.compare()["verdict"]
    assert verdicts.str.contains("no claim").all()
    assert answer.measurement.reduction.max() > 1.1


def test_basins_that_exchange_too_slowly_are_no_law():
    """Some jumps, from one side: the time in which the shares settle is known, and longer than the run."""
    answer = stationary(DOUBLE, SGLD(0.05, 0.04), "x=-1", paths=1024, steps=20_000)
    assert answer.measurement.crossings >= 20
    assert not answer.settled
    assert "has not forgotten its start" in answer.warnings[0]
    assert answer.measurement.relaxation > 2000


def test_explosions_are_said():
    """A cubic drift and too long a step: with paths still inside, and with none."""
    answer = stationary(DOUBLE, SGLD(0.5, 1.0), paths=256, steps=4000)
    assert not answer.settled
    assert answer.measurement.diverged > 0
    assert "blew up" in answer.warnings[0]
    gone = stationary(LINE, SGLD(1.5, 1.0), paths=64, steps=2000)
    assert gone.measurement.diverged == 64
    assert not gone.settled
    assert "none" in str(gone)
    json.dumps(gone.to_json(), allow_nan=False)


@pytest.mark.slow
def test_tails_without_a_variance_are_said():
    """Kesten: multipliers 1 - eta h_B with E|A|^kappa = 1 at kappa < 2, and alpha-stable kicks."""
    heavy = QuadraticSum([1.5, 6.0], [0.0, 1.0])
    answer = stationary(heavy, SGD(0.42, 1), paths=4096, steps=2048, bins=(-20, 20, 80), seed=1)
    kappa = next(p for p in answer.predictions if p.name == "Kesten")
    assert kappa.valid
    assert kappa.value < 2
    assert any("no variance" in text for text in answer.warnings)
    (tail,) = answer.measurement.tails
    assert tail.low < kappa.value * 1.2
    assert tail.high > kappa.value * 0.8
    levy = stationary(
        LINE, SGD(0.1, 1.0, noise=AlphaStable(1.3, 1.0)), paths=4096, steps=2048, bins=(-20, 20, 80)
    )
    (tail,) = levy.measurement.tails
    assert abs(tail.value - 1.3) < Z / 1.96 * tail.half_width + 0.1
    assert any("no variance" in text for text in levy.warnings)


def test_a_collapse_is_said():
    """All samples have their minimum at 0 and stability is given: SGD ends there."""
    answer = stationary(QuadraticSum([1.0, 2.0]), SGD(0.2, 1), "x=1", paths=64, steps=4000)
    assert not answer.settled
    assert "collapse" in answer.warnings[0]
