"""Splitting: probabilities without bias, times against exact ones, reproducibility, warnings."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, roots_legendre
from scipy.stats import norm
from scipy.stats import t as student

from potentials import Potential, curved_valley, maier_stein, styblinski_tang
from simdyn import SDE, SGD, SGLD, AlphaStable, escape_time
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.estimators.automatic_score import automatic_score
from simdyn.estimators.climb_score import CLIMB, climb_score
from simdyn.estimators.splitting import Splitter
from simdyn.exact import chain_first_passage
from simdyn.exact import escape_time as escape_time_of_sde
from simdyn.exits import Score, own_score, progress, resolve_exit

QUARTIC = Potential("x**4/4 - x**2/2")
ORIGIN = np.array([-1.0])
FALSE_ALARM = 1e-4
"""Of each comparison in this file, two-sided."""


def splitter(noise: float, threads: int = 1, seed: int = 1, learning_rate: float = 0.1) -> Splitter:
    """The quartic well, left at the saddle; scored by the position."""
    update = SGLD(learning_rate, noise).update(QUARTIC, ORIGIN)
    exit = resolve_exit("x >= 0", QUARTIC, ORIGIN)
    score = Score(QUARTIC.variables[0], {}, "x")
    return Splitter(CpuEngine(update, exit, threads=threads, score=score), exit, 50, seed)


def chance_to_leave(noise: float, inner: float, points: np.ndarray) -> np.ndarray:
    """P(x >= 0 before x <= inner) for the same chain, by a Gauss-Legendre solution of its equation."""
    node, weight = roots_legendre(300)
    y, w = inner - inner * (node + 1) / 2, -inner * weight / 2
    y += inner * 0.0
    sd = math.sqrt(2 * noise * 0.1)

    def mean(x: np.ndarray) -> np.ndarray:
        return x - 0.1 * (x**3 - x)

    inside = norm.pdf(y[None], mean(y)[:, None], sd) * w
    solution = np.linalg.solve(np.eye(len(y)) - inside, ndtr(mean(y) / sd))
    at = norm.pdf(y[None], mean(points)[:, None], sd) * w
    return np.asarray(at @ solution + ndtr(mean(points) / sd))


def entrances(point: float, count: int) -> np.ndarray:
    return np.tile([point, point, point, 0.0, 0.0], (count, 1))


@pytest.mark.parametrize(("noise", "replicas"), [(0.03, 10), (0.03, 100), (0.015, 50)])
def test_the_probability_has_no_bias(noise: float, replicas: int) -> None:
    """2,000 independent runs from one point; few replicas die out often, and that is part of the mean."""
    runs, inner, point = 2000, -0.9, -0.7
    estimates = splitter(noise).split(entrances(point, runs * replicas), runs, inner).probability
    exact = float(chance_to_leave(noise, inner, np.array([point]))[0])
    error = estimates.std(ddof=1) / math.sqrt(runs)
    assert abs(estimates.mean() - exact) < norm.isf(FALSE_ALARM / 2) * error
    assert error < 0.1 * exact


def test_leaving_any_of_its_parts_out_is_a_bias() -> None:
    """Negative control: survivors' share alone, as if the last replicas had all arrived, is far too large."""
    runs, replicas, inner, point = 500, 50, -0.9, -0.7
    result = splitter(0.03).split(entrances(point, runs * replicas), runs, inner)
    arrived = np.bincount(result.run_of, minlength=runs) / replicas
    assert np.any(arrived < 1)
    without = np.divide(result.probability, arrived, out=np.zeros(runs), where=arrived > 0)
    exact = float(chance_to_leave(0.03, inner, np.array([point]))[0])
    error = without.std(ddof=1) / math.sqrt(runs)
    assert without.mean() - exact > norm.isf(FALSE_ALARM / 2) * error


def test_the_variance_is_that_of_a_good_score() -> None:
    """With constant noise in one dimension the position ranks as the committor does: |log p| / N, and 16 %.

    Leaps over levels add to that, the more the longer a step is against the distance in which the probability
    falls by e: here 0.014 against 0.05.
    """
    runs, replicas, inner, point = 500, 200, -0.9, -0.7
    p = splitter(0.01, learning_rate=0.01).split(entrances(point, runs * replicas), runs, inner).probability
    ideal = 1.16 * -math.log(p.mean()) / replicas
    # The sampling error of a variance from 500 runs is 6 %.
    assert 0.8 * ideal < p.var(ddof=1) / p.mean() ** 2 < 1.8 * ideal


def test_results_do_not_depend_on_threads() -> None:
    one, two = splitter(0.03, threads=1), splitter(0.03, threads=2)
    states = [s.loops(entrances(-1.0, 1)[0], 400, 4).entrances for s in (one, two)]
    assert np.array_equal(*states)
    first, second = (s.split(states[0], 4, -0.95) for s in (one, two))
    assert np.array_equal(first.probability, second.probability)
    assert np.array_equal(first.states, second.states)
    assert first.path_steps == second.path_steps


SPLIT_ELSEWHERE = """
from potentials import curved_valley
from simdyn import SGLD, escape_time
rule = SGLD(0.05, 0.03)
found = escape_time(
    curved_valley(), rule, exit="x >= 0", method="splitting", paths=1000, seed=5, threads={}
)
print(found.value.hex(), found.low.hex(), found.measurement.path_steps)
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_bits_in_any_process(threads: int) -> None:
    """Workers of a study are processes; orders that come from hashes differ between them."""
    here = escape_time(
        curved_valley(), SGLD(0.05, 0.03), exit="x >= 0", method="splitting", paths=1000, seed=5
    )
    there = subprocess.run(
        [sys.executable, "-c", SPLIT_ELSEWHERE.format(threads)],
        env={**os.environ, "PYTHONHASHSEED": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    steps = str(here.measurement.path_steps)
    assert there.stdout.split() == [here.value.hex(), here.low.hex(), steps]


@given(st.integers(0, 2**40), st.integers(1, 40))
def test_a_path_is_known_by_its_state_and_number(first: int, count: int) -> None:
    engine = splitter(0.03).engine
    numbers = first + 3 * np.arange(count)
    states = np.column_stack(
        [np.linspace(-1.1, -0.5, count)] * 3 + [np.full(count, np.inf), np.full(count, -0.9)]
    )
    together = engine.passages(states, numbers, max_steps=10**6, seed=3)
    for k in {0, count // 2, count - 1}:
        alone = engine.passages(states[k : k + 1], numbers[k : k + 1], max_steps=10**6, seed=3)
        assert alone.steps[0] == together.steps[k]
        assert np.array_equal(alone.state[0], together.state[k])


def assert_agrees(answer, exact: float) -> None:  # type: ignore[no-untyped-def]
    measurement = answer.measurement
    runs = len(measurement.runs.probability)
    limit = student.isf(FALSE_ALARM / 2, runs - 1) * measurement.relative_error
    assert abs(math.log(answer.value / exact)) < limit
    assert measurement.relative_error < 0.1


@pytest.mark.parametrize("noise", [0.05, 0.02, 0.00625])
def test_times_agree_with_the_transfer_operator(noise: float) -> None:
    """Barriers of 5, 12.5 and 40 times the noise: up to 1e19 steps."""
    answer = escape_time(
        QUARTIC, SGLD(0.01, noise), "x=-1", "x >= 0", method="splitting", paths=10_000, seed=2
    )
    assert_agrees(answer, answer.reference.value)
    assert not answer.warnings


def test_the_cost_is_a_power_of_the_barrier() -> None:
    """For a given error: at most the square (variance |log p| / N, levels |log p|) where p falls by e^35.

    From 40 runs the logarithm of a cost is known to 0.23, and the power to 0.16.
    """
    ratios = (5.0, 14.0, 40.0)
    costs, exact = [], []
    for ratio in ratios:
        found = [
            escape_time(
                QUARTIC, SGLD(0.05, 0.25 / ratio), "x=-1", "x >= 0",
                method="splitting", paths=2000, seed=seed,
            )
            for seed in range(2)
        ]  # fmt: skip
        variance = np.mean([one.measurement.relative_error**2 for one in found])
        costs.append(float(variance * np.mean([one.steps_done for one in found])))
        exact.append(found[0].reference.value)
    assert math.log(exact[-1] / exact[0]) == pytest.approx(35, rel=0.05)
    assert 0.5 < np.polyfit(np.log(ratios), np.log(costs), 1)[0] < 2.3


def test_ten_dimensions() -> None:
    answer = escape_time(styblinski_tang(dim=10), SGLD(0.001, 2.0), method="splitting", paths=10_000, seed=1)
    assert_agrees(answer, answer.reference.value)
    assert len(answer.exits) == 10
    # Ten equal ways: each run's shares are correlated by descent, all runs together give each a fair one.
    assert max(answer.exits.values()) < 0.3


@pytest.mark.parametrize(
    ("potential", "dynamics", "start", "exit"),
    [
        (QUARTIC, SDE(0.05, step=0.02), "x=-1", "x >= 0"),
        (QUARTIC, SGLD(0.05, 0.015, momentum=0.8), "x=-1", "x >= 0"),
        (QUARTIC, SDE(0.06, step=0.1, scheme="baoab", friction=1.0), "x=-1", "x >= 0"),
        (maier_stein(), SDE(0.06, step=0.02), "x=-1,y=0", "x >= 0"),
        (QUARTIC, SGD(0.2, 1.0, noise="hessian", floor=0.3), "x=-1", "(x >= 0) | (x <= -1.8)"),
    ],
    ids=["bridge", "momentum", "underdamped", "drift_field", "curvature_noise"],
)
def test_times_agree_with_direct_simulation(potential, dynamics, start, exit) -> None:  # type: ignore[no-untyped-def]
    direct = escape_time(potential, dynamics, start, exit, paths=2000, seed=1)
    answer = escape_time(potential, dynamics, start, exit, method="splitting", paths=10_000, seed=1)
    both = math.hypot(answer.measurement.relative_error, direct.measurement.relative_error)
    assert abs(math.log(answer.value / direct.value)) < student.isf(FALSE_ALARM / 2, 19) * both
    for label, share in direct.exits.items():
        assert answer.exits[label] == pytest.approx(share, abs=0.1)


def test_more_batches_reach_the_target() -> None:
    answer = escape_time(
        QUARTIC, SGLD(0.05, 0.02), "x=-1", "x >= 0",
        method="splitting", paths=200_000, target_error=0.02, seed=1,
    )  # fmt: skip
    assert answer.measurement.relative_error <= 0.02
    assert len(answer.measurement.runs.probability) % 20 == 0
    assert_agrees(answer, answer.reference.value)


LEAK = Potential("x**4/4 - x**2/2 + y**2/2 - y**3/3")
"""Over x = 0 the barrier is 1/4; over y = 1, early on the way to y = 10, it is 1/6."""


def test_a_score_that_hides_the_common_way_out_is_noticed() -> None:
    asked = {"start": "x=-1,y=0", "exit": "(x >= 0) | (y >= 10)", "method": "splitting", "seed": 1}
    naive = escape_time(LEAK, SGLD(0.01, 0.02), paths=2000, **asked)  # type: ignore[arg-type]
    assert any("score hides" in warning for warning in naive.warnings)
    good = escape_time(LEAK, SGLD(0.01, 0.02), paths=5000, score="max(x + 1, y)", **asked)  # type: ignore[arg-type]
    assert not any("score" in warning for warning in good.warnings)
    assert_agrees(good, good.reference.value)
    assert good.exits["y >= 10"] > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"paths": 500}, "at least 1000"),
        ({"max_steps": 100}, "max_steps is for direct simulation"),
        ({"score": "z"}, "uses z"),
        ({"score": "3"}, "depends on no variable"),
        ({"exit": "x >= 1.6", "dynamics": SGLD(0.1, 0.012)}, "another well"),
        ({"dynamics": SGD(0.1, 1, noise="none")}, "Without noise"),
        ({"dynamics": SGLD("cosine(0.1, 0.01, 100)", 0.01)}, "do not change with the step"),
        ({"method": "direct", "score": "x"}, "score is for splitting"),
    ],
)
def test_what_cannot_be_split_is_said(options: dict, message: str) -> None:  # type: ignore[type-arg]
    asked = {
        "dynamics": SGLD(0.1, 0.05),
        "start": "x=-1",
        "exit": "x >= 0",
        "method": "splitting",
        "paths": 1000,
    }
    asked |= options
    with pytest.raises(InputError, match=message):
        escape_time(QUARTIC, asked.pop("dynamics"), asked.pop("start"), asked.pop("exit"), **asked)


@pytest.mark.parametrize(
    "dynamics",
    [SDE(AlphaStable(1.5, 0.01), 0.05), SGD(0.1, 1.0, noise=AlphaStable(1.9, 0.1), momentum=0.5)],
    ids=["sde", "sgd"],
)
def test_leaps_are_refused(dynamics) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="leave in single leaps"):
        escape_time(QUARTIC, dynamics, "x=-1", "x >= 0", method="splitting", paths=1000)


def test_levels_do_not_help_leaps() -> None:
    """Why leaps are refused: no bias, but far more variance than a good score, the more the rarer they are.

    The kick of a step is Cauchy, so that the chance to leave has an equation with a kernel in closed form.
    """
    runs, replicas, inner, point, eta, width = 2000, 50, -0.9, -0.7, 0.1, 0.002
    update = SDE(AlphaStable(1.0, width / eta), eta).update(QUARTIC, ORIGIN)
    exit = resolve_exit("x >= 0", QUARTIC, ORIGIN)
    engine = CpuEngine(update, exit, score=Score(QUARTIC.variables[0], {}, "x"))
    p = Splitter(engine, exit, 50, 1).split(entrances(point, runs * replicas), runs, inner).probability

    node, weight = roots_legendre(2000)
    y, w = inner * (1 - node) / 2, -inner * weight / 2

    def landing(x: np.ndarray) -> np.ndarray:
        return x - eta * (x**3 - x)

    def density(x: np.ndarray) -> np.ndarray:
        return width / np.pi / (width**2 + (y[None] - landing(x)[:, None]) ** 2) * w

    def beyond(x: np.ndarray) -> np.ndarray:
        return 0.5 + np.arctan(landing(x) / width) / np.pi

    solution = np.linalg.solve(np.eye(len(y)) - density(y), beyond(y))
    at = np.array([point])
    exact = float((density(at) @ solution + beyond(at))[0])
    error = p.std(ddof=1) / math.sqrt(runs)
    assert abs(p.mean() - exact) < norm.isf(FALSE_ALARM / 2) * error
    assert error < 0.1 * exact
    ideal = 1.16 * -math.log(exact) / replicas
    assert p.var(ddof=1) / exact**2 > 10 * ideal


def test_kicks_of_alpha_2_are_gaussian_and_can_be_split() -> None:
    scale, step = 0.15, 0.05
    answer = escape_time(
        QUARTIC, SDE(AlphaStable(2.0, scale), step), "x=-1", "x >= 0",
        method="splitting", paths=10_000, seed=1,
    )  # fmt: skip
    (steps,) = chain_first_passage(
        lambda x: x - step * (x**3 - x),
        lambda x: np.full_like(x, scale * math.sqrt(2 * step)),
        -1.0,
        upper=0.0,
    )
    assert_agrees(answer, step * steps.value)


def test_a_bent_way_is_climbed() -> None:
    """Against the plane's exact time of the SDE whose end line is moved by Siegmund's constant.

    What is left of the finite step is of order eta, a few per cent here, which is allowed for.
    """
    eta, noise, end = 0.02, 0.04, 0.5
    valley = curved_valley()
    answer = escape_time(
        valley, SGLD(eta, noise), "x=-1,y=0", f"x >= {end}", method="splitting", paths=10_000, seed=1
    )
    shifted = end + 0.5826 * math.sqrt(2 * noise * eta)
    exact = escape_time_of_sde(valley, SDE(noise, 0.01), [-1.0, 0.0], f"x >= {shifted}").value / eta
    assert answer.problem["scored_by"] == CLIMB
    limit = student.isf(FALSE_ALARM / 2, 19) * answer.measurement.relative_error
    assert abs(math.log(answer.value / exact)) < limit + 0.05
    assert answer.measurement.spread < 3
    assert not answer.warnings


def test_a_climb_is_measured_along_its_way() -> None:
    """At a knot the score is its depth below the saddle, and beside the way what it is on the way there."""
    valley = curved_valley()
    home = valley.valley([-1.0, 0.0])
    score = climb_score(valley, home.minimum, home.saddles)
    barrier = home.saddles[0].energy - home.minimum.energy
    at = [
        score.at(valley.variables, np.array(x)) for x in ([-1.0, 0.0], [-0.6, 0.32], [-0.3, 0.45], [0.0, 0.5])
    ]
    assert (np.diff(at) > 0).all()
    assert at[0] == pytest.approx(-barrier, abs=0.1 * barrier)
    assert at[-1] == pytest.approx(0.0, abs=0.1 * barrier)
    # The way goes along y = (1 - x^2) / 2, where the energy is (x^2 - 1)^2 / 4.
    for x, found in ((-0.6, at[1]), (-0.3, at[2])):
        assert found == pytest.approx((x**2 - 1) ** 2 / 4 - 0.25, abs=0.1 * barrier)
    far = score.at(valley.variables, np.array([-40.0, -30.0]))
    assert far == pytest.approx(-barrier, abs=0.1 * barrier)


TURNED = Potential("((3*x + 4*y)/5)**4/4 - ((3*x + 4*y)/5)**2/2 + ((3*y - 4*x)/5)**2")


@pytest.mark.parametrize(
    ("landscape", "start", "exit", "climbs"),
    [
        (TURNED, [-0.6, -0.8], "valley", True),
        (TURNED, [-0.6, -0.8], "commit", True),
        (TURNED, [-0.6, -0.8], "3*x + 4*y >= 2", True),
        # Away from the saddle.
        (TURNED, [-0.6, -0.8], "3*x + 4*y <= -9", False),
        # Independent coordinates, each with its own wall.
        (LEAK, [-1.0, 0.0], "(x >= 0) | (y >= 10)", False),
        (maier_stein(), [-1.0, 0.0], "x >= 0", False),
    ],
)
def test_what_is_climbed(landscape, start, exit, climbs) -> None:  # type: ignore[no-untyped-def]
    origin = np.array(start)
    update = SGLD(0.05, 0.02).update(landscape, origin)
    score = automatic_score(update, resolve_exit(exit, landscape, origin), origin, landscape)
    assert (score.description == CLIMB) == climbs


def test_progress_is_a_share_of_the_way() -> None:
    x, y = sympy.symbols("x y", real=True)
    potential = Potential("x**2/2 + y**2/2", variables=(x, y))
    start = np.array([-1.0, 0.0])
    score = progress(resolve_exit("((x >= 1) & (y >= -2)) | (y >= 4)", potential, start), start)
    assert score.at((x, y), start) == 0.0
    assert score.at((x, y), np.array([0.0, 1.0])) == pytest.approx(0.5)
    assert score.at((x, y), np.array([0.0, 3.0])) == pytest.approx(0.75)
    assert own_score("x*y", potential).at((x, y), np.array([2.0, 3.0])) == 6.0


@pytest.mark.parametrize("noise", [0.1, 0.2])
def test_shallow_wells(noise: float) -> None:
    """Barriers of 2.5 and 1.25 times the noise: a third of the paths and more leave before the start is
    forgotten."""
    answer = escape_time(
        QUARTIC, SGLD(0.05, noise), "x=-1", "x >= 0", method="splitting", paths=10_000, seed=3
    )
    law = answer.measurement.law
    assert law.staying < 0.7
    assert_agrees(answer, answer.reference.value)
    # Negative control: as if all loops were alike from the first crossing on.
    settled = answer.value - law.first_steps
    alike = settled / law.staying
    assert abs(math.log(alike / answer.reference.value)) > 3 * answer.measurement.relative_error


def test_progress_is_told_stage_by_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simdyn.estimators.hill._SECONDS_BETWEEN_REPORTS", 0.0)
    told = []
    answer = escape_time(
        QUARTIC, SGLD(0.1, 0.02), "x=-1", "x >= 0",
        method="splitting", paths=20_000, target_error=0.001, seed=2, progress=told.append,
    )  # fmt: skip
    batches = len(answer.measurement.runs.probability) // 20
    assert batches == 2
    stages = [state.stage for state in told]
    changes = [stage for stage, before in zip(stages, [None, *stages], strict=False) if stage != before]
    assert changes == ["loops", "splitting"] * batches
    shares = [state.done for state in told if state.stage == "splitting"]
    assert all(0 <= share <= 1 for share in shares)
    last = told[-1]
    assert last.done == 1.0
    assert last.paths == 10_000
    runs = answer.measurement.runs
    assert last.tally.events == np.count_nonzero(runs.run_of >= 20)
    assert 0.75 * last.paths < last.tally.events <= last.paths
    assert last.error < 0.1
    assert last.tally.path_steps == answer.steps_done
