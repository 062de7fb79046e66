"""Splitting of SGD with real batches: probabilities without bias, times as by direct simulation, replays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from potentials import FiniteSum
from simdyn import SGD, escape_time
from simdyn.engines import watching_engine
from simdyn.errors import InputError
from simdyn.estimators.splitting import Splitter
from simdyn.exits import Score, resolve_exit

FALSE_ALARM = 1e-4
"""Of each comparison in this file, two-sided."""

STEP = 0.125
"""A power of two: sums of steps are exact, and many paths share a level."""


def walk(signs: list[float]) -> FiniteSum:
    """Every sample pulls by one step, up or down: SGD walks on a lattice."""
    return FiniteSum("a*x", {"a": np.array(signs)}, variables=["x"])


def ruin(odds: float, above: int, width: int) -> float:
    """P(a walk that goes down `odds` times as often as up gains width - above steps before it loses
    `above`)."""
    return (odds**above - 1) / (odds**width - 1)


@pytest.mark.parametrize(
    ("signs", "batch", "sampling", "odds"),
    [
        # One sample of four pulls up.
        ([1.0, 1.0, 1.0, -1.0], 1, "with_replacement", 3.0),
        # Pairs of 8: 10 of 28 pull down, 3 up, and 15 not at all.
        ([1.0] * 5 + [-1.0] * 3, 2, "without_replacement", 10 / 3),
    ],
)
@pytest.mark.parametrize("replicas", [10, 100])
def test_the_probability_has_no_bias(
    signs: list[float], batch: int, sampling: str, odds: float, replicas: int
) -> None:
    """2,000 runs from one point of the lattice, where all who reach a level tie on it."""
    runs, width, above = 2000, 8, 2
    landscape, origin = walk(signs), np.array([0.0])
    update = SGD(STEP, batch, sampling=sampling).update(landscape, origin)
    end = (width - 0.5) * STEP
    exit = resolve_exit(f"x >= {end}", landscape, origin)
    score = Score(landscape.variables[0], {}, "x")
    engine = watching_engine(update, exit, score, dtype="float64", noise="standard", threads=2)
    entrances = np.tile([above * STEP, above * STEP, above * STEP, 0.0, 0.0], (runs * replicas, 1))
    p = Splitter(engine, exit, 50, 1).split(entrances, runs, inner=0.0).probability
    exact = ruin(odds, above, width)
    error = p.std(ddof=1) / math.sqrt(runs)
    assert abs(p.mean() - exact) < norm.isf(FALSE_ALARM / 2) * error
    assert error < 0.15 * exact


def quartic() -> FiniteSum:
    rng = np.random.default_rng(0)
    pull = rng.standard_normal(32)
    return FiniteSum("x**4/4 - x**2/2 + 1.9*c*x", {"c": pull - pull.mean()}, variables=["x"])


@pytest.mark.parametrize(
    ("sampling", "momentum"),
    [("with_replacement", 0.0), ("without_replacement", 0.5)],
    ids=["plain", "momentum"],
)
def test_times_agree_with_direct_simulation_and_replays(sampling: str, momentum: float) -> None:
    problem = quartic(), SGD(0.2, 4, sampling=sampling, momentum=momentum), "x=-1", "x >= 0"
    direct = escape_time(*problem, method="direct", paths=1000, seed=1)
    answer = escape_time(*problem, method="splitting", paths=4000, seed=1)
    both = math.hypot(answer.measurement.relative_error, direct.measurement.relative_error)
    assert both < 0.12
    assert abs(math.log(answer.value / direct.value)) < student.isf(FALSE_ALARM / 2, 19) * both
    alone = escape_time(*problem, method="splitting", paths=4000, seed=1, threads=1)
    assert alone.value == answer.value
    ensemble = answer.reactive_paths(100)
    assert ensemble.identical(alone.reactive_paths(100))
    points = ensemble.position.to_numpy()[:, :, 0]
    ends = {float(x) for x in answer.measurement.runs.states[:, 0]}  # type: ignore[union-attr]
    for course, steps in zip(points, ensemble.duration.to_numpy(), strict=True):
        assert (course[:steps] < 0).all()
        assert float(course[steps]) in ends


def test_paths_of_direct_simulation_by_batches() -> None:
    """Shuffled epochs, too, once the paths are there: a permutation is known by its epoch."""
    answer = escape_time(
        quartic(), SGD(0.4, 2, sampling="epoch_shuffle"), "x=-1", "x >= 0",
        method="direct", paths=200, max_steps=20_000, seed=1,
    )  # fmt: skip
    ensemble = answer.reactive_paths(50)
    assert answer.events > 50
    for course, steps in zip(
        ensemble.position.to_numpy()[:, :, 0], ensemble.duration.to_numpy(), strict=True
    ):
        assert (course[:steps] < 0).all()
        assert course[steps] >= 0


def test_shuffled_epochs_are_refused() -> None:
    with pytest.raises(InputError, match="only together with the permutation"):
        escape_time(
            quartic(), SGD(0.2, 4, sampling="epoch_shuffle"), "x=-1", "x >= 0", method="splitting", paths=1000
        )
