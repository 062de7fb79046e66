"""Transition paths: their law against exact ones, and that going through them again gives the same points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, roots_legendre
from scipy.stats import norm
from scipy.stats import t as student

from potentials import Potential, maier_stein
from simdyn import SDE, SGD, SGLD, escape_time
from simdyn.errors import InputError
from simdyn.estimators.lineage import Genealogy, Lineage
from simdyn.estimators.reactive_paths import _evenly

QUARTIC = Potential("x**4/4 - x**2/2")
FALSE_ALARM = 1e-4
"""Of each comparison with an exact value in this file, two-sided."""

EDGES = np.array([-0.95, -0.7, -0.5, -0.3, -0.15, 0.0])
"""The first is the border of the neighbourhood of the minimum, the last the exit; bins lie between them."""


def exact_law(eta: float, noise: float, *, conditioned: bool = True) -> tuple[float, np.ndarray]:
    """Mean steps of a reactive path, and the shares of its points in the bins, for the chain from -1.

    Before it leaves at x >= 0 a path visits a point near x as often as the Green function G(-1, x) says.
    From a visit outside the neighbourhood of the minimum it goes on to the exit without coming back there
    with the probability q(x), and it does so once in its life: points of reactive paths have the density G q.
    """
    sd = math.sqrt(2 * noise * eta)
    node, weight = roots_legendre(80)
    ends = np.concatenate([[-2.0, -1.4], EDGES])
    half = np.diff(ends)[:, None] / 2
    x = (ends[:-1, None] + half * (node + 1)).ravel()
    w = (half * weight).ravel()

    def mean(z: np.ndarray) -> np.ndarray:
        return z - eta * (z**3 - z)

    kernel = norm.pdf(x[None], mean(x)[:, None], sd)
    green = np.linalg.solve((np.eye(len(x)) - kernel * w[:, None]).T, norm.pdf(x, mean(np.array(-1.0)), sd))
    between = x > EDGES[0]
    inner = kernel[np.ix_(between, between)] * w[between]
    leap = ndtr(mean(x[between]) / sd)
    q = np.linalg.solve(np.eye(between.sum()) - inner, leap)
    density = (green * w)[between] * (q if conditioned else 1.0)
    in_bins = density.reshape(len(EDGES) - 1, -1).sum(axis=1)
    return 1.0 + in_bins.sum(), in_bins / in_bins.sum()


def measured_law(paths, independent: bool) -> list[tuple[float, float]]:  # type: ignore[no-untyped-def]
    """The same, each value with its standard error from independent runs or paths."""
    x = paths.position.values[:, :, 0]
    counts = np.stack([np.histogram(row[np.isfinite(row)], EDGES)[0] for row in x])
    groups = np.arange(len(x)) if independent else paths.run.values
    weights, steps = paths.weight.values, paths.duration.values
    found = [_ratio(steps * weights, weights, groups)]
    inside = counts.sum(axis=1) * weights
    return found + [_ratio(counts[:, k] * weights, inside, groups) for k in range(counts.shape[1])]


def _ratio(above: np.ndarray, below: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Ratio of two sums, with the standard error from the residuals of groups."""
    total = below.sum()
    value = above.sum() / total
    _, place = np.unique(groups, return_inverse=True)
    residual = np.bincount(place, above - value * below)
    count = len(residual)
    return value, math.sqrt(count / (count - 1) * (residual**2).sum()) / total


@pytest.fixture(scope="module")
def splitting():  # type: ignore[no-untyped-def]
    return escape_time(
        QUARTIC, SGLD(0.05, 0.03), "x=-1", "x >= 0",
        method="splitting", paths=60_000, target_error=0.025, seed=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def direct():  # type: ignore[no-untyped-def]
    return escape_time(QUARTIC, SGLD(0.05, 0.05), "x=-1", "x >= 0", paths=3000, seed=4)


def test_paths_of_splitting_have_the_exact_law(splitting) -> None:  # type: ignore[no-untyped-def]
    """Duration and density. The start matters to one loop in some hundred, and nothing here sees that."""
    paths = splitting.reactive_paths(6000, inner=1 + EDGES[0])
    runs = len(np.unique(paths.run))
    limit = student.isf(FALSE_ALARM / 2, runs - 1)
    mean, shares = exact_law(0.05, 0.03)
    for (value, error), exact in zip(measured_law(paths, independent=False), [mean, *shares], strict=True):
        assert error < 0.1 * exact
        assert abs(value - exact) < limit * error


def test_paths_of_direct_simulation_have_the_exact_law(direct) -> None:  # type: ignore[no-untyped-def]
    paths = direct.reactive_paths(3000, inner=1 + EDGES[0])
    assert np.allclose(paths.weight, 1 / 3000)
    limit = norm.isf(FALSE_ALARM / 2)
    mean, shares = exact_law(0.05, 0.05)
    for (value, error), exact in zip(measured_law(paths, independent=True), [mean, *shares], strict=True):
        assert error < 0.05 * exact
        assert abs(value - exact) < limit * error


def test_paths_on_their_way_out_are_not_all_paths(direct) -> None:  # type: ignore[no-untyped-def]
    """Negative control: without the committor the density is another one, and that is noticed."""
    paths = direct.reactive_paths(3000, inner=1 + EDGES[0])
    _, shares = exact_law(0.05, 0.05, conditioned=False)
    misses = [
        abs(value - exact) / error
        for (value, error), exact in zip(measured_law(paths, independent=True)[1:], shares, strict=True)
    ]
    assert max(misses) > 2 * norm.isf(FALSE_ALARM / 2)


def test_what_a_path_is(splitting) -> None:  # type: ignore[no-untyped-def]
    paths = splitting.reactive_paths(300)
    x = paths.position.values[:, :, 0]
    assert paths.position.dims == ("path", "step", "coordinate")
    assert float(paths.weight.sum()) == pytest.approx(1.0)
    near = 1 + x <= paths.attrs["inner"]
    assert near[:, 0].all()
    assert not near[:, 1:].any()
    for row, steps in zip(x, paths.duration.values, strict=True):
        assert row[steps] >= 0 > row[steps - 1]
        assert np.isnan(row[steps + 1 :]).all()
    assert set(paths.channel.values) == {"x >= 0"}
    assert paths.time.values == pytest.approx(0.05 * paths.step.values)
    assert {"seed", "problem", "versions", "score"} <= set(paths.attrs)


@pytest.mark.parametrize(
    ("potential", "dynamics", "start", "exit"),
    [
        pytest.param(QUARTIC, SDE(0.05, step=0.02), "x=-1", "x >= 0", id="bridge"),
        *(
            pytest.param(*problem, id=name, marks=pytest.mark.slow)
            for name, problem in {
                "momentum": (QUARTIC, SGLD(0.05, 0.015, momentum=0.8), "x=-1", "x >= 0"),
                "drift_field": (maier_stein(), SDE(0.06, step=0.02), "x=-1,y=0", "x >= 0"),
                "two_ways_out": (
                    QUARTIC,
                    SGD(0.2, 1.0, noise="hessian", floor=0.3),
                    "x=-1",
                    "(x >= 0) | (x <= -1.8)",
                ),
            }.items()
        ),
    ],
)
def test_paths_are_the_same_to_the_bit(potential, dynamics, start, exit) -> None:  # type: ignore[no-untyped-def]
    """Where replicas branched off was found on the way: paths come through there again, and to the end."""
    answer = escape_time(potential, dynamics, start, exit, method="splitting", paths=1000, seed=1)
    runs = answer.measurement.runs
    chosen = {}
    for threads in (1, 2):
        again = escape_time(
            potential, dynamics, start, exit, method="splitting", paths=1000, seed=1, threads=threads
        )
        chosen[threads] = again.reactive_paths(200)
    assert chosen[1].identical(chosen[2])
    weight = (runs.probability / np.bincount(runs.run_of, minlength=20))[runs.run_of]
    picked, _ = _evenly(weight, 200)
    lineage = runs.lineage
    portions = answer.setting.score.portions
    assert (portions > 1) == isinstance(dynamics, SGD)
    met = 0
    for replica, x in zip(picked, chosen[1].position.values, strict=True):
        x = x[np.isfinite(x[:, 0])]
        assert np.array_equal(x[-1], runs.states[replica, : potential.dim])
        behind = 0
        for stretch, steps in reversed(lineage.line(replica)):
            behind += steps
            # In mid-step a branch lies between two points of the path; x[-1] is the end of a whole step.
            if behind % portions == 0:
                assert np.array_equal(x[-1 - behind // portions], lineage.states[stretch, : potential.dim])
                met += 1
    assert met > 300 / portions


def test_a_path_of_direct_simulation_step_by_step(direct) -> None:  # type: ignore[no-untyped-def]
    from simdyn.engines.cpu import CpuEngine

    paths = direct.reactive_paths(2)
    engine = CpuEngine(direct.setting.update, threads=1)
    for number, x in zip(paths.run.values, paths.position.values, strict=True):
        steps = int(direct.measurement.records.steps[number])
        point, course = np.array([[-1.0]]), [-1.0]
        for step in range(steps):
            point = engine.integrate(point, steps=1, seed=4, first_path=int(number), first_step=step)
            course.append(point[0, 0])
        x = x[np.isfinite(x)]
        assert np.array_equal(course[-len(x) :], x)


def test_runs_count_by_their_probability(splitting) -> None:  # type: ignore[no-untyped-def]
    paths = splitting.reactive_paths(4000)
    p = splitting.measurement.runs.probability
    of_runs = np.bincount(paths.run, paths.weight, minlength=len(p))
    assert of_runs == pytest.approx(p / p.sum(), abs=2 / 4000)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(sum), st.integers(1, 500))
def test_places_are_picked_by_weight(weights: list[float], count: int) -> None:
    picked, shares = _evenly(np.array(weights), count)
    assert shares.sum() == pytest.approx(1.0)
    whole = np.zeros(len(weights))
    whole[picked] = shares
    assert np.abs(np.cumsum(whole) - np.cumsum(weights) / sum(weights)).max() <= 1 / count


@given(st.data())
def test_lines_of_descent_are_kept_whole(data: st.DataObject) -> None:
    """Against a record of whole lines, replica by replica, through random branchings, pruned and joined."""
    parts, expected = [], []
    for _ in range(2):
        count = data.draw(st.integers(2, 6))
        number = iter(range(1000))
        own = np.array([next(number) for _ in range(count)])
        genealogy = Genealogy(own[:, None] * 1.0, own)
        lines = [[(int(n), None)] for n in own]
        entrances = list(range(count))
        for _ in range(data.draw(st.integers(0, 5))):
            children = data.draw(
                st.lists(st.integers(0, count - 1), unique=True, min_size=1, max_size=count - 1)
            )
            others = [n for n in range(count) if n not in children]
            parents = [data.draw(st.sampled_from(others)) for _ in children]
            taken = np.array([data.draw(st.integers(0, 9)) for _ in children])
            fresh = np.array([next(number) for _ in children])
            genealogy.branch(np.array(children), np.array(parents), taken, fresh[:, None] * 1.0, fresh)
            old, came = list(lines), list(entrances)
            for child, parent, steps, name in zip(children, parents, taken, fresh, strict=True):
                lines[child] = [*old[parent][:-1], (old[parent][-1][0], int(steps)), (int(name), None)]
                entrances[child] = came[parent]
        survivors = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), dtype=np.int64)
        parts.append(genealogy.lineage(survivors, 100 + survivors))
        before = sum(part.founders for part in parts[:-1])
        expected += [([*lines[n][:-1], (lines[n][-1][0], 100 + n)], entrances[n] + before) for n in survivors]
    whole = Lineage.join(parts)
    found = [
        ([(int(whole.numbers[stretch]), steps) for stretch, steps in whole.line(n)], whole.entrances[n])
        for n in range(len(whole.tips))
    ]
    assert found == expected
    assert np.array_equal(whole.states[:, 0], whole.numbers)


def test_what_cannot_be_shown_is_said(splitting, direct) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="only from their last point with a score of at most"):
        splitting.reactive_paths(10, inner=-0.5)
    with pytest.raises(InputError, match="whole number of at least 1"):
        direct.reactive_paths(0)
    none = escape_time(QUARTIC, SGLD(0.05, 0.002), "x=-1", "x >= 0", paths=10, max_steps=100)
    with pytest.raises(InputError, match="No path has escaped"):
        none.reactive_paths()


@pytest.mark.slow
def test_leaps_are_given_by_whole_steps() -> None:
    """Curvature noise: the chain is split within its steps, yet its paths are those of whole steps, and most
    climb the outer wall before they leap."""
    quartic, rule = Potential("x**4/4 - x**2/2"), SGD(0.2, 3.0, noise="hessian", floor=0.0)
    answer = escape_time(quartic, rule, "x=-1", "x >= 0", method="splitting", paths=10_000, seed=1)
    assert answer.measurement.portions > 1  # type: ignore[union-attr]
    found = answer.reactive_paths(200)
    x = found.position.to_numpy()[:, :, 0]
    lowest = np.nanmin(x, axis=1)
    assert (found.weight.to_numpy() * (lowest < -1.2)).sum() > 0.7
    for course, duration in zip(x, found.duration.to_numpy(), strict=True):
        points = course[~np.isnan(course)]
        assert len(points) == duration + 1
        assert (points[:-1] < 0).all()
        assert points[-1] >= 0
        kicks = np.diff(points) + 0.2 * (points[:-1] ** 3 - points[:-1])
        normals = kicks / (0.2 * np.sqrt(np.abs(3 * points[:-1] ** 2 - 1) / 3.0))
        assert (np.abs(normals) < 8).all()
        assert (normals != 0).all()
