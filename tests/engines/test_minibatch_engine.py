"""The minibatch engine against plain loops over the very same samples, and to the bit however a run is
cut."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_minibatches import normals_for, plain_run, samples_of, size_of
from sample_means import SAMPLES, sample_mean

import simdyn.engines.first_passage as first_passage
import simdyn.engines.minibatch as minibatch
from potentials import FiniteSum, QuadraticSum, double_well, two_functions
from simdyn.dynamics import SGD, SGLD, MinibatchUpdate
from simdyn.engines import ExitRecords, engine_for
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.minibatch import MinibatchEngine
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.lowering.minibatch_kernels import BATCH_LANES
from simdyn.lowering.minibatch_model import PointwiseModel, RowModel, model_of
from simdyn.noise import Purpose

LANDSCAPES = ("formula", "kinks", "logistic", "line", "bowls", "network", "wide")
POINTWISE = ("formula", "kinks", "line")

RULES = {
    "one": {"batch_size": 1},
    "subset": {"batch_size": 5},
    "independent": {"batch_size": 5, "sampling": "with_replacement"},
    "epochs": {"batch_size": 3, "sampling": "epoch_shuffle"},
    "descent": {"batch_size": 1, "noise": "none"},
    "empirical": {"batch_size": 2.5, "noise": "empirical", "scale": 1.5},
    "langevin": {"batch_size": 4, "kicks": [0.02]},
    "heavy": {"batch_size": 4, "momentum": 0.8},
    # Batch sizes that change with the step, and batches that do not divide the samples.
    "growing": {"batch_size": [1, 5, 2, 12, 3, 3, 7], "kicks": [0.01]},
    "growing_independent": {"batch_size": [4, 1, 20, 2, 6], "sampling": "with_replacement"},
    "growing_epochs": {"batch_size": [5, 4, 4, 12, 1, 7, 5], "sampling": "epoch_shuffle", "momentum": 0.4},
    "odd_epochs": {"batch_size": 5, "sampling": "epoch_shuffle"},
    "growing_empirical": {"batch_size": [2.5, 1.0, 8.0], "noise": "empirical", "scale": [1.5, 0.0, 1.0, 2.0]},
    "everything": {
        "batch_size": 3,
        "sampling": "epoch_shuffle",
        "momentum": 0.5,
        "rates": [0.05, 0.04, 0.03],
        "kicks": [0.02, 0.0, 0.01],
    },
}


def update_of(landscape, rule):
    return MinibatchUpdate(sample_mean(landscape), **{"rates": [0.05], **RULES[rule]})


@cache
def engine_of(landscape, rule, threads=1):
    potential = sample_mean(landscape)
    first = potential.variables[0]
    exit = resolve_exit(f"({first} >= 0.35) | ({first} <= -0.3)", potential, np.zeros(potential.dim))
    return MinibatchEngine(update_of(landscape, rule), exit, threads=threads)


PAIRS = [(landscape, rule) for landscape in ("formula", "network") for rule in RULES]
PAIRS += [(landscape, rule) for landscape in LANDSCAPES for rule in ("subset", "everything")]


@pytest.mark.parametrize(
    ("landscape", "rule"),
    [
        # The kernels of the other landscapes are for the long run: each takes seconds to compile.
        pair if pair[0] in ("formula", "network") else pytest.param(*pair, marks=pytest.mark.slow)
        for pair in sorted(set(PAIRS))
    ],
)
def test_steps_are_those_of_a_plain_loop(landscape, rule):
    update, engine, steps = update_of(landscape, rule), engine_of(landscape, rule), 23
    start = np.tile(np.random.default_rng(0).normal(size=update.dim) / 4, (70, 1))
    found = engine.integrate(start, steps=steps, seed=6)
    for path in (0, 69):
        normals = normals_for(update, path, steps, 6)
        x, _ = plain_run(update, start[path], steps, 6, path, normals)[-1]
        np.testing.assert_allclose(found[path], x, rtol=1e-11, atol=1e-12)


def test_both_forms_of_kernel_are_tried():
    forms = {name: type(model_of(sample_mean(name))) for name in LANDSCAPES}
    assert {name for name, form in forms.items() if form is PointwiseModel} == set(POINTWISE)
    assert {name for name, form in forms.items() if form is RowModel} == set(LANDSCAPES) - set(POINTWISE)


@pytest.mark.parametrize(
    ("landscape", "rule"),
    [
        ("formula", "subset"),
        ("formula", "everything"),
        ("formula", "growing_epochs"),
        *(("network", r) for r in ("subset", "epochs", "everything", "growing")),
    ],
)
def test_paths_leave_when_and_where_a_plain_loop_says(landscape, rule):
    update, engine = update_of(landscape, rule), engine_of(landscape, rule)
    start = np.zeros(update.dim)
    records = engine.first_passage(start, paths=100, max_steps=600, seed=2)
    assert records.tally.events > 20
    for path in range(0, 100, 9):
        normals = normals_for(update, path, 600, 2)
        course = plain_run(update, start, 600, 2, path, normals)
        left = [k for k, (x, _) in enumerate(course) if x[0] >= 0.35 or x[0] <= -0.3]
        if not left:
            assert (records.steps[path], records.code[path]) == (600, 0)
            assert np.isnan(records.state[path]).all()
            continue
        x = course[left[0]][0]
        channel = next(k for k, label in enumerate(_labels(update)) if (">=" in label) == (x[0] > 0))
        assert (records.steps[path], records.code[path]) == (left[0] + 1, channel + 1)
        np.testing.assert_allclose(records.state[path], x, rtol=1e-10, atol=1e-12)


def _labels(update):
    first = update.variables[0]
    return resolve_exit(
        f"({first} >= 0.35) | ({first} <= -0.3)", update.potential, np.zeros(update.dim)
    ).labels


# --- the same bits however it is computed -------------------------------------------------------------------

CUT = [("formula", "subset"), ("formula", "everything"), ("network", "epochs"), ("bowls", "langevin"),
       ("kinks", "empirical"), ("wide", "heavy"), ("formula", "growing_epochs"), ("formula", "growing"),
       ("network", "growing_epochs"), ("network", "growing_independent")]  # fmt: skip


@pytest.mark.parametrize(("landscape", "rule"), CUT)
def test_threads_and_neighbours_do_not_matter(landscape, rule):
    update, engine = update_of(landscape, rule), engine_of(landscape, rule)
    start = np.random.default_rng(1).normal(size=(2 * BATCH_LANES + 7, update.state_dim)) / 4
    whole = engine.integrate(start, steps=25, seed=9)
    for threads in (2, 3):
        again = engine_of(landscape, rule, threads).integrate(start, steps=25, seed=9)
        assert again.tobytes() == whole.tobytes()
    for path in (0, 1, BATCH_LANES - 1, BATCH_LANES, len(start) - 1):
        alone = engine.integrate(start[path : path + 1], steps=25, seed=9, first_path=path)
        assert alone.tobytes() == whole[path : path + 1].tobytes()
    if update.noise_dim:
        assert engine.integrate(start, steps=25, seed=10).tobytes() != whole.tobytes()


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 40), max_size=5), offset=st.integers(0, 9))
@pytest.mark.parametrize(("landscape", "rule"), CUT)
def test_runs_can_be_cut_at_any_step(landscape, rule, cuts, offset):
    update, engine = update_of(landscape, rule), engine_of(landscape, rule)
    start = np.full((3, update.state_dim), 0.1)
    whole = engine.integrate(start, steps=40, seed=2, first_step=offset)
    state, step = start, 0
    for cut in [*sorted(cuts), 40]:
        state = engine.integrate(state, steps=cut - step, seed=2, first_step=offset + step)
        step = cut
    assert state.tobytes() == whole.tobytes()


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(1, 150), min_size=1, max_size=4), threads=st.integers(1, 3))
@pytest.mark.parametrize(("landscape", "rule"), [("formula", "everything"), ("network", "subset")])
def test_first_passages_can_be_split_into_batches(same_records, landscape, rule, sizes, threads):
    start = np.zeros(sample_mean(landscape).dim)
    whole = engine_of(landscape, rule).first_passage(start, paths=sum(sizes), max_steps=70, seed=5)
    engine, parts, done = engine_of(landscape, rule, threads), [], 0
    for size in sizes:
        parts.append(engine.first_passage(start, paths=size, max_steps=70, seed=5, first_path=done))
        done += size
    assert same_records(ExitRecords.join(parts), whole)


@pytest.mark.parametrize(
    ("landscape", "rule"),
    [("formula", "everything"), ("network", "epochs"), ("formula", "growing"), ("network", "growing_epochs")],
)
def test_how_a_run_is_scheduled_does_not_matter(same_records, monkeypatch, landscape, rule):
    start = np.zeros(sample_mean(landscape).dim)
    usual = engine_of(landscape, rule).first_passage(start, paths=500, max_steps=90, seed=5)
    assert usual.tally.events > 20
    for seconds, lanes in ((1e-9, 1 << 24), (10.0, 300), (0.05, 20)):
        monkeypatch.setattr(first_passage, "_CALL_SECONDS", seconds)
        monkeypatch.setattr(minibatch, "_LANE_NUMBERS", lanes)
        monkeypatch.setattr(minibatch, "_DRAWS", 1 if lanes == 20 else 64)
        engine_of.cache_clear()
        again = engine_of(landscape, rule, 2).first_passage(start, paths=500, max_steps=90, seed=5)
        assert same_records(again, usual)
    engine_of.cache_clear()


@pytest.mark.parametrize("budget", [1, 2, 7, 40])
@pytest.mark.parametrize("landscape", ["formula", "network"])
def test_budgets_cut_a_long_run_and_change_nothing_else(landscape, budget):
    engine, start = engine_of(landscape, "subset"), np.zeros(sample_mean(landscape).dim)
    free = engine.first_passage(start, paths=300, max_steps=5_000, seed=1)
    cut = engine.first_passage(start, paths=300, max_steps=budget, seed=1)
    np.testing.assert_array_equal(cut.steps, np.minimum(free.steps, budget))
    np.testing.assert_array_equal(cut.code, np.where(free.steps <= budget, free.code, 0))
    assert cut.tally.path_steps == cut.steps.sum()


def test_scaled_landscapes_take_the_same_number_of_steps():
    """L_k(x) = L(sqrt(k) x), sample by sample: N_k(eta) = N_1(k eta), to the bit for k a power of 4."""
    data = {"s": np.random.default_rng(0).normal(size=30)}
    landscape = FiniteSum(
        "(sqrt(k)*x)**4/4 - (sqrt(k)*x)**2/2 + s*sqrt(k)*x", data, variables="x", parameters={"k": 1.0}
    )
    whole, ends = None, None
    for k in (1.0, 4.0, 16.0, 0.25):
        scaled, root = landscape.with_parameters(k=k), np.sqrt(k)
        exit = resolve_exit(f"x >= {float(-0.7 / root)!r}", scaled, np.array([-1.0 / root]))
        update = SGD(0.08 / k, 2).update(scaled)
        records = MinibatchEngine(update, exit, threads=1).first_passage(
            np.array([-1.0 / root]), paths=400, max_steps=3000, seed=3
        )
        if whole is None:
            whole, ends = records.steps, records.state
            assert records.tally.events > 100
        assert records.steps.tolist() == whole.tolist()
        np.testing.assert_array_equal(records.state * root, ends)


# --- single precision ---------------------------------------------------------------------------------------


def single_engine(landscape, rule, threads=1):
    update = update_of(landscape, rule)
    first = update.variables[0]
    exit = resolve_exit(f"({first} >= 0.35) | ({first} <= -0.3)", update.potential, np.zeros(update.dim))
    return MinibatchEngine(update, exit, dtype="float32", threads=threads)


SINGLE = [("formula", "subset"), ("formula", "growing_epochs"), ("network", "everything"),
          ("kinks", "empirical"), ("wide", "growing"), ("bowls", "langevin")]  # fmt: skip


@pytest.mark.parametrize(("landscape", "rule"), SINGLE)
def test_single_precision_takes_the_same_samples(landscape, rule):
    """After 12 steps of maps whose slopes are below about 2 the rounding errors of 6e-8 are below 1e-3 of
    what other samples would change, which is some 1e-2."""
    update, engine = update_of(landscape, rule), single_engine(landscape, rule)
    start = np.tile(np.random.default_rng(0).normal(size=update.dim) / 4, (70, 1))
    found = engine.integrate(start, steps=12, seed=6)
    assert found.dtype == np.float32
    double = engine_of(landscape, rule).integrate(start, steps=12, seed=6)
    error = np.abs(found - double)
    assert 0 < error.max() < 2e-5
    assert np.abs(double[0] - double[1]).max() > 1e-3
    again = single_engine(landscape, rule, threads=2).integrate(start, steps=12, seed=6)
    assert again.tobytes() == found.tobytes()
    part = engine.integrate(start[5:9], steps=5, seed=6, first_path=5)
    if update.momentum == 0:
        rest = engine.integrate(part, steps=7, seed=6, first_path=5, first_step=5)
        assert rest.tobytes() == found[5:9].tobytes()


@pytest.mark.parametrize(("landscape", "rule"), [("formula", "subset"), ("network", "growing_epochs")])
def test_paths_leave_in_single_precision(landscape, rule):
    start = np.zeros(sample_mean(landscape).dim)
    found = single_engine(landscape, rule).first_passage(start, paths=400, max_steps=60, seed=2)
    double = engine_of(landscape, rule).first_passage(start, paths=400, max_steps=60, seed=2)
    assert found.state.dtype == np.float32
    assert double.tally.events > 20
    # A path that comes within rounding of the exit may leave a step later: one in 1e5 or so.
    assert np.mean(found.steps != double.steps) < 0.01


# --- batches that change ------------------------------------------------------------------------------------


def test_an_epoch_uses_each_sample_at_most_once():
    """With all samples but those that sit out, whatever the sizes of the batches."""
    update = update_of("formula", "growing_epochs")
    seen: dict[int, list[int]] = {}
    for step, (epoch, begin) in enumerate(update.places.tolist()):
        chosen = samples_of(update, 3, step, 7)
        assert len(chosen) == size_of(update, step)
        assert begin == len(seen.get(epoch, []))
        seen.setdefault(epoch, []).extend(chosen.tolist())
    assert all(len(set(used)) == len(used) <= SAMPLES for used in seen.values())
    # 5 + 4, 4 (for 12 do not fit any more), 12, 1 + 7, 5.
    assert [len(used) for used in seen.values()] == [9, 4, 12, 8, 5]


def test_constant_batches_are_what_they_were():
    """A schedule that never changes takes the samples of a number, to the bit, for every sampling."""
    for rule in ("subset", "independent", "epochs"):
        given = {"rates": [0.05], **RULES[rule]}
        plain = MinibatchUpdate(sample_mean("formula"), **given)
        given["batch_size"] = [given["batch_size"]] * 9
        table = MinibatchUpdate(sample_mean("formula"), **given)
        x = np.full((20, 2), 0.1)
        runs = [MinibatchEngine(u, threads=1).integrate(x, steps=30, seed=1) for u in (plain, table)]
        assert runs[0].tobytes() == runs[1].tobytes()


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "epoch_shuffle"])
def test_the_noise_follows_the_batch_size(sampling):
    """One step from one point with batches of 2, then one with batches of 6: the variance of the move is
    eta^2 p_B Var(grad f), with p_B = 1/B or (n - B)/(B (n - 1)).

    A sample variance of 40,000 moves of bounded kurtosis has a relative standard error of about
    sqrt(2/40,000) = 0.7 %; the bounds of 4 % are beyond 5 of them (false alarms below 1e-6).
    """
    pulls = np.random.default_rng(2).normal(size=SAMPLES)
    landscape = FiniteSum("(x - s)**2/2", {"s": pulls}, variables="x")
    update = SGD(0.1, "stepwise(2, 1, 6)", sampling=sampling).update(landscape)
    engine = MinibatchEngine(update, threads=2)
    x = np.zeros((40_000, 1))
    for step, b in ((0, 2), (1, 6), (40, 6)):
        moves = engine.integrate(x, steps=1, seed=4, first_step=step)[:, 0]
        p = 1 / b if sampling == "with_replacement" else (SAMPLES - b) / (b * (SAMPLES - 1))
        assert moves.var() == pytest.approx(0.01 * p * pulls.var(), rel=0.04)
        # Control: the other batch size.
        assert moves.var() != pytest.approx(0.01 * pulls.var() * (p / 3 if b == 2 else 2 * p), rel=0.2)


def test_all_samples_are_gradient_descent():
    """A batch of everything, no noise, and the formula of the mean in the other engine."""
    landscape = sample_mean("formula")
    start = np.array([[0.3, -0.2], [1.0, 2.0]])
    found = MinibatchEngine(SGD(0.05, 1, noise="none").update(landscape), threads=1).integrate(
        start, steps=50, seed=0
    )
    batch = MinibatchEngine(SGD(0.05, SAMPLES).update(landscape), threads=1).integrate(
        start, steps=50, seed=0
    )
    np.testing.assert_allclose(batch, found, rtol=1e-12)
    kicked = MinibatchEngine(SGLD(0.05, 0.3).update(landscape), threads=1).integrate(start, steps=50, seed=4)
    from potentials import Potential

    mean = Potential(landscape.expression, variables="x y", parameters={"k": 0.3})
    other = CpuEngine(SGLD(0.05, 0.3).update(mean), threads=1).integrate(start, steps=50, seed=4)
    np.testing.assert_allclose(kicked, other, rtol=1e-9)
    assert np.abs(kicked - found).min() > 1e-3


# --- limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "landscape", [QuadraticSum([4.0, 5.0]), QuadraticSum([np.eye(5) * 4, np.eye(5) * 5])]
)
def test_paths_that_blow_up_are_counted_as_diverged(landscape):
    start = np.full(landscape.dim, 1.0)
    exit = resolve_exit(f"{landscape.variables[0]} >= 1e7", landscape, start)
    engine = MinibatchEngine(SGD(0.9, 1).update(landscape), exit, threads=2)
    records = engine.first_passage(start, paths=100, max_steps=2000, seed=0)
    assert records.tally.diverged == 100
    assert (np.abs(records.state).max(axis=1) >= 1e6).all()


def test_interruption_keeps_what_is_done():
    landscape = two_functions()
    exit = resolve_exit("x <= 0.5", landscape, np.array([1.0]))
    engine = MinibatchEngine(SGLD(0.1, 0.004, batch_size=1).update(landscape), exit, threads=2)

    def press(tally):
        raise KeyboardInterrupt

    records = engine.first_passage(np.array([1.0]), paths=2000, max_steps=10**9, seed=4, report=press)
    assert not records.complete
    assert 0 < len(records.steps) < 2000
    assert (records.steps[records.code == 0] < 10**9).all()


def test_nothing_to_integrate():
    engine = engine_of("formula", "subset")
    assert engine.integrate(np.zeros((0, 2)), steps=3, seed=0).shape == (0, 2)
    assert engine.integrate(np.ones((2, 2)), steps=0, seed=0).tolist() == [[1.0, 1.0]] * 2


def test_velocities_go_on_where_they_stood():
    update, engine = update_of("formula", "heavy"), engine_of("formula", "heavy")
    start = np.array([[0.3, -0.2]])
    x, v = plain_run(update, start[0], 12, 3, 0, None)[-1]
    found = engine.integrate(np.hstack([start, np.zeros((1, 2))]), steps=12, seed=3)
    np.testing.assert_allclose(found[0], [*x, *v], rtol=1e-11)
    assert engine.integrate(start, steps=12, seed=3).tolist() == found[:, :2].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"noise": "pink"}, "normals are 'pink'"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_settings_that_the_engine_does_not_have(options, message):
    with pytest.raises(InputError, match=message):
        MinibatchEngine(update_of("line", "one"), **options)


def test_states_of_the_wrong_shape():
    with pytest.raises(InputError, match=r"\(paths, 2\)"):
        engine_of("formula", "subset").integrate(np.zeros((3, 4)), steps=1, seed=0)
    with pytest.raises(InputError, match=r"\(paths, 2\) or \(paths, 4\)"):
        engine_of("formula", "heavy").integrate(np.zeros((3, 3)), steps=1, seed=0)


def test_the_kind_of_rule_chooses_the_engine():
    assert isinstance(engine_for("auto", update_of("line", "one")), MinibatchEngine)
    assert isinstance(engine_for("cpu", SGLD(0.1, 0.1).update(double_well())), CpuEngine)
    assert Purpose.MINIBATCH == 3
