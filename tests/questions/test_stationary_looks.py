"""`stationary`: how far apart looks are, and what the pilot that tells it knows."""

from __future__ import annotations

import pytest

from potentials import Potential, QuadraticSum
from simdyn import SGD, SGLD, stationary

LINE = Potential("h*x**2/2", parameters={"h": 2.0})


def pilot_of(rule, potential=LINE, **settings):
    """What the run says of its looks and its pilot."""
    settings = {"paths": 256, "target_error": 0.1, "exact": False, "seed": 4, **settings}
    answer = stationary(potential, rule, **settings)
    return answer.problem["every"], answer.problem["pilot"], answer


def test_looks_are_rarer_where_values_are_remembered_longer():
    """tau_int = (2 - eta h) / (eta h): 4, 499 and 12,499 steps. The pilot knows it within 4.5 standard errors
    of at most (2 (2 * 64 + 1) / (32 paths 257 looks))^(1/2) = 18 %, within a factor of 2."""
    fast, slow, slowest = (pilot_of(SGLD(eta, 0.2)) for eta in (0.2, 2e-3, 8e-5))
    for (_, pilot, _), memory in zip((fast, slow, slowest), (4.0, 499.0, 12_499.0), strict=True):
        assert 0.5 * memory < pilot["memory"] < 2.0 * memory
    assert fast[0] == slow[0] < slowest[0]
    # Never so close that they cost much; and from there on, within a quarter of the memory.
    assert slowest[0] <= slowest[1]["memory"] / 4 < 2 * slowest[0]
    assert slowest[1]["loss"] < 0.0211
    assert fast[1]["loss"] > 10
    assert "with looks at every step" in str(fast[2])
    assert "looks at every step" not in str(slowest[2])


def test_thinning_loses_what_an_autoregression_loses():
    """From the sum of the correlations r^(n k) of every n-th value."""
    from simdyn.estimators.look_spacing import thinning_loss

    r = 0.98
    memory = (1 + r) / (1 - r)
    for n in (1, 12, 24, 200):
        thinned = n * (1 + 2 * sum(r ** (n * k) for k in range(1, 4000)))
        assert thinning_loss(n, memory) == pytest.approx(thinned / memory - 1, abs=1e-9)
    assert thinning_loss(24, memory) < 0.0211
    assert thinning_loss(3, 1.0) == 2.0


def test_the_spacing_is_that_of_the_problem_and_the_seed():
    one, other = (pilot_of(SGLD(1e-3, 0.2), threads=threads)[:2] for threads in (1, 3))
    assert one == other
    assert pilot_of(SGLD(1e-3, 0.2), seed=5)[1]["memory"] != one[1]["memory"]
    # The pilot takes nothing from the run: with its spacing the same numbers come out.
    chosen = pilot_of(SGLD(1e-3, 0.2))
    given = pilot_of(SGLD(1e-3, 0.2), every=chosen[0])
    assert given[1] is None
    assert given[2].mean.value == chosen[2].mean.value


def test_an_explicit_spacing_is_obeyed():
    every, pilot, _ = pilot_of(SGLD(2e-4, 0.2), every=24)
    assert every == 24
    assert pilot is None


def test_steps_through_samples_are_looked_at_more_often():
    """A step of many samples costs more than a look."""
    from simdyn.estimators.look_spacing import least_spacing

    few, many = (QuadraticSum([1.0] * size, [0.0] * size) for size in (3, 2_000))
    cheap, dear = (
        least_spacing(SGD(0.1, size // 2).update(one, [0.0])) for one, size in ((few, 3), (many, 2_000))
    )
    assert dear == 1 < cheap
