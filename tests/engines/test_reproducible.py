"""The same bits for any number of threads, any cut of a run into pieces, and any path alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simdyn.engines.cpu as cpu
import simdyn.engines.first_passage as first_passage
from potentials import FiniteSum, double_well, styblinski_tang
from simdyn.dynamics import SGD, SGLD
from simdyn.engines import ExitRecords, engine_for
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.lowering.numba_kernels import LANES as NUMBERS_OF_LANES

LANES = max(NUMBERS_OF_LANES)
VARIANTS = [("float64", "standard"), ("float64", "wide"), ("float32", "standard"), ("float32", "wide")]


def passage(engine, start, paths=700, max_steps=400, seed=5, **options):
    return engine.first_passage(start, paths=paths, max_steps=max_steps, seed=seed, **options)


def test_threads_do_not_matter(engine_of, problem, same_records, any_problem):
    start = problem(any_problem)[2]
    one = passage(engine_of(any_problem), start)
    assert set(np.unique(one.code)) - {0}, "nothing escapes: the test would be empty"
    for threads in (2, 3):
        assert same_records(passage(engine_of(any_problem, threads=threads), start), one)
    assert not same_records(passage(engine_of(any_problem), start, seed=6), one)


@pytest.mark.parametrize(("dtype", "noise"), VARIANTS)
def test_threads_do_not_matter_in_any_precision(engine_of, problem, same_records, dtype, noise):
    start = problem("double_well1")[2]
    engines = [engine_of("double_well1", dtype=dtype, noise=noise, threads=t) for t in (1, 2, 3)]
    one, two, three = (passage(engine, start) for engine in engines)
    assert one.state.dtype == dtype
    assert same_records(one, two)
    assert same_records(one, three)


@pytest.mark.parametrize("dim", [1, 2, 3, pytest.param(5, marks=pytest.mark.slow), 10])
def test_integration_does_not_depend_on_threads_or_neighbours(dim):
    update = SGLD(0.05, 0.2).update(double_well(dim=dim))
    start = np.random.default_rng(1).normal(size=(2 * LANES + 37, dim))
    whole = CpuEngine(update, threads=1).integrate(start, steps=24, seed=9)
    for threads in (2, 3):
        assert (
            CpuEngine(update, threads=threads).integrate(start, steps=24, seed=9).tobytes() == whole.tobytes()
        )
    engine = CpuEngine(update, threads=1)
    for path in (0, 1, LANES - 1, LANES, len(start) - 1):
        alone = engine.integrate(start[path : path + 1], steps=24, seed=9, first_path=path)
        assert alone.tobytes() == whole[path : path + 1].tobytes()


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6), threads=st.integers(1, 3))
def test_any_split_into_batches(engine_of, problem, same_records, sizes, threads):
    start = problem("two_exits")[2]
    whole = passage(engine_of("two_exits"), start, paths=sum(sizes))
    engine = engine_of("two_exits", threads=threads)
    parts, done = [], 0
    for size in sizes:
        parts.append(passage(engine, start, paths=size, first_path=done))
        done += size
    assert same_records(ExitRecords.join(parts), whole)


@given(cuts=st.lists(st.integers(0, 40), max_size=5), offset=st.integers(0, 9))
@pytest.mark.parametrize("name", ["double_well1", "coupled"])
def test_integration_can_be_cut_at_any_step(engine_of, problem, name, cuts, offset):
    engine, start = engine_of(name), np.tile(problem(name)[2], (5, 1))
    whole = engine.integrate(start, steps=40, seed=2, first_step=offset)
    state, step = start, 0
    for cut in [*sorted(cuts), 40]:
        state = engine.integrate(state, steps=cut - step, seed=2, first_step=offset + step)
        step = cut
    assert state.tobytes() == whole.tobytes()


@pytest.mark.parametrize(("dtype", "noise"), VARIANTS)
def test_integration_can_be_cut_in_any_precision(engine_of, problem, dtype, noise):
    engine, start = engine_of("double_well1", dtype=dtype, noise=noise), np.full((300, 1), -1.0)
    whole = engine.integrate(start, steps=11, seed=2)
    for cut in range(12):
        state = engine.integrate(start, steps=cut, seed=2)
        state = engine.integrate(state, steps=11 - cut, seed=2, first_step=cut)
        assert state.tobytes() == whole.tobytes()


def test_each_path_replayed_alone(engine_of, problem, any_problem):
    start, engine = problem(any_problem)[2], engine_of(any_problem)
    records = passage(engine, start, paths=300)
    for path in (0, 17, 255, 256, 299):
        alone = passage(engine, start, paths=1, first_path=path)
        assert alone.steps[0] == records.steps[path]
        assert alone.code[0] == records.code[path]
        assert alone.state.tobytes() == records.state[path : path + 1].tobytes()


@pytest.mark.parametrize("windows", [1, 3, 16])
@pytest.mark.parametrize("name", ["two_exits", "bridge"])
def test_how_often_lanes_are_looked_at_does_not_matter(
    engine_of, problem, same_records, monkeypatch, name, windows
):
    start = problem(name)[2]
    usual = passage(engine_of(name), start, paths=2000, max_steps=333)
    monkeypatch.setattr(cpu.np, "clip", lambda *_: windows)
    monkeypatch.setattr(first_passage, "_CALL_SECONDS", 1e-9 if windows == 3 else 10.0)
    assert same_records(passage(engine_of(name), start, paths=2000, max_steps=333), usual)


def test_huge_path_numbers_and_seed_sequences(engine_of, problem, same_records):
    start, engine = problem("two_exits")[2], engine_of("two_exits")
    far = passage(engine, start, first_path=2**40)
    assert not same_records(far, passage(engine, start))
    assert same_records(far, passage(engine, start, first_path=2**40))
    assert same_records(
        passage(engine, start, seed=np.random.SeedSequence(5)), passage(engine, start, seed=5)
    )


@pytest.mark.parametrize("engine", ["well", "loop"])
def test_path_numbers_and_steps_on_both_sides_of_a_power_of_two(engine):
    """Kernels share work between paths, and between steps, whose upper words are the same."""
    engine, dim = {"well": (well_engine(), 1), "loop": (loop_engine(), 15)}[engine]
    start = np.linspace(-1, 1, 300 * dim).reshape(300, dim)
    # Fifteen coordinates take fifteen blocks for four steps, one takes one.
    for first_step in (0, 4 * (2**32 // dim - 2)):
        run = {"steps": 21, "seed": 4, "first_step": first_step}
        first_path = 2**32 - 130
        whole = engine.integrate(start, first_path=first_path, **run)
        for path in (0, 129, 130, 131, 299):
            alone = engine.integrate(start[path : path + 1], first_path=first_path + path, **run)
            assert alone.tobytes() == whole[path : path + 1].tobytes()
        stepwise = start[:3]
        for step in range(first_step, first_step + 21):
            stepwise = engine.integrate(stepwise, steps=1, seed=4, first_step=step, first_path=first_path)
        assert stepwise.tobytes() == whole[:3].tobytes()


@pytest.mark.parametrize("paths", [1, 2, LANES - 1, LANES, LANES + 1, 3 * LANES])
def test_any_number_of_paths(engine_of, problem, paths):
    records = passage(engine_of("two_exits", threads=3), problem("two_exits")[2], paths=paths)
    assert records.steps.shape == records.code.shape == (paths,)
    assert records.state.shape == (paths, 1)
    assert (records.steps >= 1).all()
    assert records.complete


def test_nothing_to_integrate(engine_of):
    engine = engine_of("double_well1")
    assert engine.integrate(np.zeros((0, 1)), steps=3, seed=0).shape == (0, 1)
    assert engine.integrate(np.ones((2, 1)), steps=0, seed=0).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"noise": "pink"}, "normals are 'pink'"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"threads": True}, "threads is True"),
        ({"backend": "tpu"}, "backend is 'tpu'"),
    ],
)
def test_settings_that_no_engine_has(problem, options, message):
    update, exit, _ = problem("double_well1")
    with pytest.raises(InputError, match=message):
        engine_for(options.pop("backend", "auto"), update, exit, **options)


@given(
    first_step=st.integers(0, 9),
    steps=st.integers(0, 30),
    every=st.integers(1, 13),
    first_path=st.integers(0, 300),
)
@pytest.mark.parametrize("name", ["one_dimension", "loops", "samples"])
def test_states_on_the_way_are_those_of_runs_that_end_there(name, first_step, steps, every, first_path):
    engine, dim = {
        "one_dimension": lambda: (well_engine(), 1),
        "loops": lambda: (loop_engine(), 15),
        "samples": lambda: (sample_engine(), 1),
    }[name]()
    begin = np.linspace(-1, 1, 70 * dim).reshape(70, dim)
    run = {"seed": 3, "first_path": first_path, "first_step": first_step}
    state = begin.T.copy()
    shown = {step: x.T.copy() for step, x in engine.follow(state, steps=steps, every=every, **run)}
    assert list(shown) == [s for s in range(first_step + 1, first_step + steps + 1) if s % every == 0]
    for step, x in shown.items():
        assert x.tobytes() == engine.integrate(begin, steps=step - first_step, **run).tobytes()
    assert state.T.tobytes() == engine.integrate(begin, steps=steps, **run).tobytes()


@cache
def well_engine():
    return CpuEngine(SGLD(0.1, 0.2).update(double_well(), np.array([-1.0])), threads=1)


@cache
def loop_engine():
    return CpuEngine(SGLD(0.01, 0.2).update(styblinski_tang(dim=15), np.full(15, -2.0)), threads=1)


@cache
def sample_engine():
    losses = FiniteSum("(w - a)**2/2", {"a": [0.0, 1.0, 3.0]}, variables=["w"])
    return engine_for("cpu", SGD(0.1, 2).update(losses, np.zeros(1)), threads=1)
