"""Splitting of chains that leap: noise like the curvature, which vanishes between the well and its rim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2
from scipy.stats import t as student

from potentials import Potential, styblinski_tang
from simdyn import SGD, SGLD, escape_time
from simdyn.dynamics.portions import in_portions
from simdyn.engines.cpu import CpuEngine
from simdyn.estimators.automatic_score import COMMITTOR

QUARTIC = Potential("x**4/4 - x**2/2")
FALSE_ALARM = 1e-4
"""Of each comparison in this file, two-sided."""


def curvature_noise(learning_rate: float, batch_size: float) -> SGD:
    return SGD(learning_rate, batch_size, noise="hessian", floor=0.0)


def assert_agrees(answer, largest_error: float) -> None:  # type: ignore[no-untyped-def]
    measurement = answer.measurement
    runs = len(measurement.runs.probability)
    limit = student.isf(FALSE_ALARM / 2, runs - 1) * measurement.relative_error
    assert abs(math.log(answer.value / answer.reference.value)) < limit
    assert measurement.relative_error < largest_error
    assert answer.problem["scored_by"] == COMMITTOR
    assert COMMITTOR in str(answer)


@pytest.mark.parametrize(
    "batch_size", [pytest.param(2.0, marks=pytest.mark.slow), pytest.param(6.0, marks=pytest.mark.slow), 12.0]
)
def test_times_agree_with_the_transfer_operator(batch_size: float) -> None:
    """log N from 8 to 36; paths climb the outer wall and leap over the barrier."""
    answer = escape_time(
        QUARTIC, curvature_noise(0.2, batch_size), "x=-1", "x >= 0",
        method="splitting", paths=20_000, seed=1,
    )  # fmt: skip
    assert_agrees(answer, 0.12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dim", "learning_rate", "batch_size"), [(1, 0.01, 0.02), (1, 0.01, 0.05), (2, 0.01, 0.05)]
)
def test_styblinski_tang(dim: int, learning_rate: float, batch_size: float) -> None:
    answer = escape_time(
        styblinski_tang(dim=dim), curvature_noise(learning_rate, batch_size),
        method="splitting", paths=40_000, seed=1,
    )  # fmt: skip
    assert_agrees(answer, 0.15)
    if dim == 2:
        assert min(answer.exits.values()) > 0.25


def test_the_position_is_no_score_for_leaps() -> None:
    """Negative control: ranked by the position the way over the outer wall is lost, and it shows."""
    answer = escape_time(
        QUARTIC, curvature_noise(0.2, 6.0), "x=-1", "x >= 0",
        method="splitting", score="x", paths=20_000, seed=1,
    )  # fmt: skip
    assert answer.warnings
    assert answer.value > 2 * answer.reference.value


def test_constant_noise_keeps_the_share_of_the_way() -> None:
    answer = escape_time(QUARTIC, SGLD(0.1, 0.05), "x=-1", "x >= 0", method="splitting", paths=1000, seed=1)
    assert answer.problem["scored_by"] == "share of the way to the nearest channel of the exit"


def test_portions_add_up_to_the_step() -> None:
    """From one point the coordinate stands still until the last portion, then has the step's law."""
    count, paths = 6, 20_000
    update = curvature_noise(0.2, 2.0).update(QUARTIC, np.array([-1.0]))
    chain = in_portions(update, count)
    point = np.array([-1.3])
    state = np.tile(chain.at_rest(point), (paths, 1))
    engine = CpuEngine(chain)
    before = engine.integrate(state, steps=count - 1, seed=1)
    assert np.all(before[:, 0] == point)
    after = engine.integrate(state, steps=count, seed=1)[:, 0]
    mean, sd = float(update.mean(point)[0]), float(update.sd(point)[0])
    assert abs(after.mean() - mean) < 4 * sd / math.sqrt(paths)
    low, high = chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], paths - 1) / (paths - 1)
    assert low < after.var(ddof=1) / sd**2 < high


@pytest.mark.slow
def test_the_action_grows_with_the_logarithm_of_the_learning_rate() -> None:
    """eta S = 4/9 log(1/eta) + const for the quartic well, by mean times of up to 10^15 steps.

    S is taken as the growth of log N between two batch sizes. At these learning rates the least action itself
    grows by 0.48 for each factor e, and a power of B in the prefactor adds about 0.02: against the limit 4/9
    the slope may be off by 0.1 beyond its sampling error. For a barrier over a temperature it would be 0.
    """
    found = []
    for rate, sizes in ((0.05, (0.65, 1.2)), (0.025, (0.26, 0.48))):
        answers = [
            escape_time(
                QUARTIC, curvature_noise(rate, size), "x=-1", "x >= 0",
                method="splitting", paths=10_000, seed=2,
            )
            for size in sizes
        ]  # fmt: skip
        scale = rate / (sizes[1] - sizes[0])
        growth = scale * math.log(answers[1].value / answers[0].value)
        exact = scale * math.log(answers[1].reference.value / answers[0].reference.value)
        error = scale * math.hypot(*(answer.measurement.relative_error for answer in answers))
        assert abs(growth - exact) < student.isf(FALSE_ALARM / 2, 19) * error
        found.append((growth, error, answers[1].reference.value))
    assert min(steps for _, _, steps in found) > 1e13
    slope = (found[1][0] - found[0][0]) / math.log(2)
    doubt = math.hypot(found[0][1], found[1][1]) / math.log(2)
    assert abs(slope - 4 / 9) < student.isf(FALSE_ALARM / 2, 19) * doubt + 0.1
    assert slope > student.isf(FALSE_ALARM / 2, 19) * doubt + 0.1
