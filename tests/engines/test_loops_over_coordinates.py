"""Kernels in loops over coordinates against unrolled ones: the same bits, for steps and for exits."""

from __future__ import annotations

import numpy as np
import pytest
from reference_philox import words

import simdyn.engines.cpu as cpu
from potentials import Potential, double_well, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable
from simdyn.engines import ExitRecords
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.lowering import kernel_choice, shapes
from simdyn.noise.key import key_of
from simdyn.noise.purposes import Purpose


def chain(dim, kappa=0.3):
    wells = " + ".join(f"x{i}**4/4 - x{i}**2/2" for i in range(1, dim + 1))
    springs = " + ".join(f"kappa/2*(x{i + 1} - x{i})**2" for i in range(1, dim))
    return Potential(f"{wells} + {springs}", parameters={"kappa": kappa})


def different_wells(dim):
    """Wells that differ in numbers alone, so that numbers become entries of an array."""
    return Potential(" + ".join(f"(x{i}**4 - {i}.25*x{i}**2 - x{i}/{2 + i})/4" for i in range(1, dim + 1)))


def all_to_all(dim):
    wells = " + ".join(f"x{i}**4/4 - x{i}**2/2" for i in range(1, dim + 1))
    pairs = " + ".join(f"{i * j}/50*x{i}*x{j}" for i in range(1, dim + 1) for j in range(1, i))
    return Potential(f"{wells} + {pairs}")


def problem(name):
    """(update, exit, start)."""
    if name == "chain":
        landscape, dynamics, exit = chain(3), SGLD(0.05, 0.3), "(x3 >= 0.2) | (x1 >= 0) | (x2 <= -1.7)"
    elif name == "valley":
        landscape, dynamics, exit = double_well(dim=5), SGLD(0.05, 0.2), "valley"
    elif name == "curvature noise":
        landscape, dynamics, exit = different_wells(3), SGD(0.05, 0.1, "hessian", floor=0.1), "valley"
    elif name == "bridge":
        landscape, dynamics, exit = chain(3), SDE(0.3, 0.05), "(x1 >= 0) | (x2 - x3/2 >= 0.4)"
    elif name == "joined conditions":
        landscape, dynamics, exit = chain(3), SGLD(0.05, 0.3), "((x1 >= 0) & (x2 < -0.5)) | (x3 > x1 + 2)"
    elif name == "full covariance":
        root = np.random.default_rng(1).normal(size=(4, 4))
        noise = SGD(0.1, 0.4, noise="constant", covariance=root @ root.T / 4)
        landscape, dynamics, exit = all_to_all(4), noise, "x1 + 2*x2 - x3/3 + x4 >= 0"
    elif name == "schedule":
        rule = SGD("0.1/(1 + step/40)", "stepwise(1, 9, 4)", noise=["1 + x1**2", "2", "x3**2"], momentum=0.3)
        landscape, dynamics, exit = chain(3), rule, "(x3 >= 0.2) | (x1 >= 0)"
    elif name == "stable kicks":
        rule = SGD(0.05, 4.0, noise=AlphaStable(1.5, 0.3))
        landscape, dynamics, exit = chain(3), rule, "(x3 >= 0.2) | (x1 >= 0)"
    elif name == "scheduled stable kicks":
        rule = SGD("cosine(0.1, 0.01, 60)", 4.0, noise=AlphaStable(1.0, 0.3))
        landscape, dynamics, exit = chain(3), rule, "(x3 >= 0.2) | (x1 >= 0)"
    elif name == "ball":
        landscape, dynamics, exit = chain(3), SGLD(0.05, 0.5), [1.0, 1.0, 1.0]
    start = landscape.deepest().x if name == "curvature noise" else -np.ones(landscape.dim)
    return dynamics.update(landscape), resolve_exit(exit, landscape, start), start


def levy_uniforms(update, paths, steps, seed):
    """Number n of a path is word n % 4 of block n // 4 of its stream, as the midpoint of one of 2^32."""
    count, key = steps * update.uniforms, key_of(seed)
    drawn = [
        [word for b in range(-(-count // 4)) for word in words(p, Purpose.LEVY, b, key)][:count]
        for p in range(paths)
    ]
    return ((np.array(drawn) + 0.5) / 2.0**32).reshape(paths, steps, update.uniforms)


def slow(*values):
    """A case for the long run: unrolled kernels of several coordinates take long to compile."""
    return pytest.param(*values, marks=pytest.mark.slow)


PROBLEMS = (
    "chain",
    "full covariance",
    "schedule",
    *map(
        slow,
        (
            "stable kicks",
            "scheduled stable kicks",
            "valley",
            "curvature noise",
            "bridge",
            "joined conditions",
            "ball",
        ),
    ),
)


@pytest.fixture
def engine_of(monkeypatch):
    """An engine with kernels of the kind that is named, whatever the number of coordinates."""

    def build(kind, update, exit=None, **options):
        with monkeypatch.context() as patch:
            patch.setattr(cpu, "kernels_of", getattr(kernel_choice, kind))
            return CpuEngine(update, exit, **{"threads": 1, **options})

    return build


def same(first, second):
    return (
        first.steps.tolist() == second.steps.tolist()
        and first.code.tolist() == second.code.tolist()
        and first.state.tobytes() == second.state.tobytes()
    )


def assert_same(engine_of, update, exit, start, paths=300, **options):
    whole, loops = (engine_of(kind, update, exit, **options) for kind in ("unrolled", "looped"))
    assert whole.source != loops.source
    at = np.tile(update.at_rest(start), (paths, 1))
    # Neither end of the run is at the end of a group of steps.
    states = [engine.integrate(at, steps=21, seed=3, first_step=1) for engine in (whole, loops)]
    assert states[0].tobytes() == states[1].tobytes()
    assert len(np.unique(states[0])) > paths
    # Exits by jumps are not left to loops.
    if exit is not None and not update.uniforms:
        records = [e.first_passage(start, paths=paths, max_steps=150, seed=3) for e in (whole, loops)]
        assert same(*records)
        assert set(np.unique(records[0].code)) > {0}, "nothing is censored or nothing escapes"


@pytest.mark.parametrize("name", PROBLEMS)
def test_same_bits_as_unrolled(engine_of, name):
    assert_same(engine_of, *problem(name))


@pytest.mark.parametrize(
    ("dtype", "noise"), [slow("float32", "standard"), slow("float64", "wide"), slow("float32", "wide")]
)
@pytest.mark.parametrize("name", ["chain", slow("bridge")])
def test_same_bits_in_any_precision(engine_of, name, dtype, noise):
    assert_same(engine_of, *problem(name), dtype=dtype, noise=noise)


@pytest.mark.parametrize("name", ["full covariance", slow("ball")])
def test_same_bits_where_sums_are_loops(engine_of, name, monkeypatch):
    monkeypatch.setattr(shapes, "LONG", 2)
    update, exit, start = problem(name)
    assert "folds[to + j] = result" in engine_of("looped", update, exit).source
    assert_same(engine_of, update, exit, start)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("landscape", [chain(10), different_wells(10)], ids=["chain", "wells"])
def test_same_bits_in_ten_dimensions(engine_of, landscape, dtype):
    assert_same(engine_of, SGLD(0.01, 0.3).update(landscape), None, -np.ones(10), dtype=dtype)


def test_diverged_paths_are_the_same(engine_of):
    landscape = chain(3)
    update, start = SGLD(0.9, 0.5).update(landscape), -np.ones(3)
    exit = resolve_exit("x1 >= 3", landscape, start)
    records = [
        engine_of(kind, update, exit).first_passage(start, paths=400, max_steps=60, seed=1)
        for kind in ("unrolled", "looped")
    ]
    assert same(*records)
    assert (records[0].code < 0).any()
    assert (records[0].code > 0).any()


def forty():
    landscape = chain(40)
    start = -np.ones(40)
    exit = resolve_exit("(x7 >= 0.1) | (x30 >= 0.2) | (x40 <= -1.9)", landscape, start)
    return SGLD(0.05, 0.3).update(landscape), exit, start


def test_many_coordinates_get_loops_and_few_do_not():
    update, exit, _ = forty()
    assert "take_step" in CpuEngine(update, exit).source
    assert "take_step" not in CpuEngine(SGLD(0.1, 0.1).update(double_well(dim=5))).source


def test_threads_and_batches_do_not_matter():
    update, exit, start = forty()
    one = CpuEngine(update, exit, threads=1).first_passage(start, paths=333, max_steps=100, seed=5)
    assert set(np.unique(one.code)) >= {0, 1, 2}
    for threads in (2, 3):
        engine = CpuEngine(update, exit, threads=threads)
        assert same(engine.first_passage(start, paths=333, max_steps=100, seed=5), one)
    parts = [
        engine.first_passage(start, paths=n, max_steps=100, seed=5, first_path=k)
        for k, n in ((0, 1), (1, 65), (66, 267))
    ]
    assert same(ExitRecords.join(parts), one)


@pytest.mark.parametrize("windows", [1, 3, 16])
def test_how_often_lanes_are_looked_at_does_not_matter_in_loops(monkeypatch, windows):
    update, exit, start = forty()
    usual = CpuEngine(update, exit, threads=1).first_passage(start, paths=200, max_steps=77, seed=2)
    monkeypatch.setattr(cpu.np, "clip", lambda *_: windows)
    again = CpuEngine(update, exit, threads=1).first_passage(start, paths=200, max_steps=77, seed=2)
    assert same(again, usual)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exit_states_of_many_coordinates_are_the_first_outside(dtype):
    update, exit, start = forty()
    engine = CpuEngine(update, exit, threads=1, dtype=dtype)
    records = engine.first_passage(start, paths=120, max_steps=100, seed=3)
    for path in np.flatnonzero(records.exited)[:12]:
        point = np.asarray(start, dtype=dtype)[None]
        for step in range(records.steps[path]):
            assert exit.channel_of(point[0]) < 0
            point = engine.integrate(point, steps=1, seed=3, first_path=path, first_step=step)
        assert point.tobytes() == records.state[path : path + 1].tobytes()
        assert exit.channel_of(point[0]) == records.code[path] - 1


def test_a_thousand_coordinates_cut_anywhere():
    update = SGLD(0.01, 0.3).update(styblinski_tang(dim=1000))
    engine = CpuEngine(update, threads=2)
    start = np.full((70, 1000), -2.9)
    whole = engine.integrate(start, steps=5, seed=2)
    part = engine.integrate(engine.integrate(start, steps=2, seed=2), steps=3, seed=2, first_step=2)
    assert part.tobytes() == whole.tobytes()
    alone = engine.integrate(start[:1], steps=5, seed=2, first_path=69)
    assert alone.tobytes() == whole[69:].tobytes()
    # Each coordinate of one step is x + drift + kick, with a kick of its own.
    kicks = engine.integrate(start, steps=1, seed=2) - start - update.drift_at(start)
    assert abs(kicks.std() / update.factor_at(start[0])[0, 0] - 1) < 5 / np.sqrt(2 * kicks.size)


@pytest.mark.parametrize(
    "rule",
    [
        SGD("cosine(0.1, 0.01, 8)", "stepwise(1, 5, 4)", noise="1 + x7**2", momentum=0.5),
        SGD("0.05/(1 + step/10)", 4.0, noise=AlphaStable(1.5, 0.2)),
    ],
    ids=["schedules", "alpha-stable kicks"],
)
def test_sixty_coordinates_with_schedules_or_jumps(rule, normals_of):
    """As `Update.advance` says, to rounding, and wherever the run is cut."""
    landscape = chain(60)
    update = rule.update(landscape)
    engine = CpuEngine(update, threads=2)
    assert "clock[j] = " in engine.source
    state = start = update.at_rest(np.random.default_rng(0).uniform(-1, 1, (70, 60)))
    normals = normals_of(60, paths=70, steps=9, seed=4) if update.noise_dim else None
    uniforms = levy_uniforms(update, 70, 9, 4) if update.uniforms else None
    for step in range(9):
        draws = [None if drawn is None else drawn[:, step] for drawn in (normals, uniforms)]
        state = update.advance(state, *draws, step)
    whole = engine.integrate(start, steps=9, seed=4)
    np.testing.assert_allclose(whole, state, rtol=1e-9, atol=1e-10)
    half = engine.integrate(start, steps=5, seed=4)
    assert engine.integrate(half, steps=4, seed=4, first_step=5).tobytes() == whole.tobytes()
    assert engine.integrate(start[9:10], steps=9, seed=4, first_path=9).tobytes() == whole[9:10].tobytes()
    # The number of the step matters.
    assert engine.integrate(half, steps=4, seed=4, first_step=0).tobytes() != whole.tobytes()


def test_exits_by_jumps_are_told_from_explosions_or_refused():
    """Loops do not look at each step where a jump rule would be without its jump, so they are not used."""
    rule = SGD(0.05, 4.0, noise=AlphaStable(1.5, 0.2))
    for dim in (13, 41):
        landscape = chain(dim)
        update = rule.update(landscape)
        exit = resolve_exit("x1 >= 5", landscape, np.zeros(dim))
        if dim == 41:
            with pytest.raises(InputError, match="up to 40 dimensions"):
                CpuEngine(update, exit)
        else:
            assert "tame" in CpuEngine(update, exit).source


def test_coordinates_without_anything_in_common_are_refused():
    terms = []
    for i in range(1, 400):
        inner = f"x{i}"
        for bit in f"{i:b}":
            inner = f"sin({inner})" if bit == "1" else f"exp({inner}/9)"
        terms.append(f"{inner} + x{i}**2/2")
    update = SGLD(0.1, 0.1).update(Potential(" + ".join(terms)))
    with pytest.raises(InputError, match="so many different forms"):
        CpuEngine(update)
