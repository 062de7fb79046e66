"""The GPU engine, on a device that is this machine, gives the results of the CPU engine to the bit."""

from __future__ import annotations

import importlib.util
from functools import cache

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

import simdyn
from potentials import (
    FiniteSum,
    Potential,
    coupled_chain,
    double_well,
    maier_stein,
    muller_brown,
    styblinski_tang,
)
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable
from simdyn.engines import engine_for
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.gpu import GpuEngine
from simdyn.engines.minibatch import MinibatchEngine
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.lowering.cuda_kernels import THREADS

pytestmark = needs_compiler

WELL = double_well()
PLANE = Potential("x**4/4 - x**2/2 + y**2 + x*y/4")
WAVES = Potential("cos(3*x)*exp(-y**2/8) + log(1 + x**2) + y**4/8 + a*tanh(x*y)", parameters={"a": 0.3})
SHAPED = "0.1*(1 + x**2)"

# Dynamics, landscape, exit, start.
PROBLEMS = {
    "langevin": (SGLD(0.05, 0.12), WELL, "x >= 0", [-1.0]),
    "two_exits": (SGD(0.1, 0.4, noise="1 + x**2"), WELL, "(x <= 0) | (x >= 2)", [0.9]),
    "bridge": (SDE(SHAPED, 0.05), WELL, "(x >= 0) | (x <= -2)", [-1.0]),
    "three_coordinates": (SGLD(0.02, 5.0), styblinski_tang(dim=3), "valley", "deepest"),
    "covariance": (
        SGD(0.1, 1.0, noise=[["1 + x**2", "x/2"], ["x/2", "1"]]),
        PLANE,
        "(x > 0) & (y < 1)",
        [-1.0, 0],
    ),
    "hessian_noise": (SGD(1e-4, 0.1, noise="hessian", floor=1.0), muller_brown(), "x > -0.5", "deepest"),
    "rates_by_direction": (
        SGD("0.1/(1 + curvature**2)", 1.0, noise="constant", covariance=5.0),
        PLANE,
        "x > 0",
        [-1.0, 0.0],
    ),
    "functions": (SGLD(0.03, 0.3), WAVES, "x**2 + y**2 > 4", [1.0, 0.0]),
    "momentum": (SGLD(0.05, 0.05, momentum=0.8), WELL, "x >= 0", [-1.0]),
    "schedule": (SGLD("cosine(0.1, 0.02, 400)", 0.15), WELL, "x >= 0", [-1.0]),
    "stepwise_batch": (
        SGD("0.1/(1 + step/100)", "stepwise(1, 50, 0.25)", noise="1 + x**2", momentum=0.5),
        WELL,
        "x > 1",
        [0.0],
    ),
    "stable": (SGD(0.05, 4.0, noise=AlphaStable(1.5, 0.2)), WELL, "x >= 0", [-1.0]),
    "cauchy": (SDE(AlphaStable(1.0, 0.1), 0.01), WELL, "x >= 0", [-1.0]),
    "milstein": (
        SDE(SHAPED, 0.02, scheme="milstein", convention="haenggi_klimontovich"),
        WELL,
        "x >= 0",
        [-1.0],
    ),
    "heun": (SDE(SHAPED, 0.02, scheme="heun"), WELL, "x >= 0", [-1.0]),
    "sri2": (SDE(SHAPED, 0.02, scheme="sri2", convention="stratonovich"), WELL, "x >= 0", [-1.0]),
    "leimkuhler_matthews": (SDE(0.1, 0.05, scheme="leimkuhler_matthews"), WELL, "x >= 0", [-1.0]),
    "baoab": (SDE(0.1, 0.05, scheme="baoab", friction=1.5), WELL, "x >= 0", [-1.0]),
    "drift_field": (SDE(0.05, 0.02), maier_stein(), "x >= 0", [-1.0, 0.0]),
    "no_noise": (SGD(0.3, 1.0, noise="none"), Potential("x**2/2 + 4*y**2"), "y > 50", [0.5, 0.5]),
}
SINGLE = ("langevin", "bridge", "functions", "momentum", "schedule", "covariance")
WIDE = ("langevin", "three_coordinates")

CASES = [
    *((name, "float64", "standard") for name in PROBLEMS),
    *((name, "float32", "standard") for name in SINGLE),
    *((name, "float64", "wide") for name in WIDE),
    ("langevin", "float32", "wide"),
]

# The others take minutes to compile for the CPU engine.
QUICK = {("bridge", "float32", "standard")}


def marked(case):
    return case if case in QUICK else pytest.param(case, marks=pytest.mark.exhaustive)


@pytest.fixture(params=map(marked, CASES), ids="-".join)
def case(request):
    return request.param


@cache
def resolved(name):
    """(update, exit, start)"""
    dynamics, landscape, exit, start = PROBLEMS[name]
    at = landscape.deepest().x if isinstance(start, str) else np.array(start)
    return dynamics.update(landscape), resolve_exit(exit, landscape, at), at


@cache
def engines(name, dtype, noise):
    update, exit, _ = resolved(name)
    options = {"dtype": dtype, "noise": noise}
    return CpuEngine(update, exit, threads=1, **options), GpuEngine(
        update, exit, device=DeviceUnderTest(), **options
    )


def same(first, second):
    """Bit for bit, but that NaN is NaN whichever of its bit patterns a processor prefers."""
    nan = np.isnan(first)
    return (
        first.dtype == second.dtype
        and np.array_equal(nan, np.isnan(second))
        and np.where(nan, 0, first).tobytes() == np.where(nan, 0, second).tobytes()
    )


def test_paths(case):
    """From the middle of a group of steps to the middle of another, beyond one block of threads."""
    cpu, gpu = engines(*case)
    update, _, start = resolved(case[0])
    points = start + np.random.default_rng(1).normal(size=(300, update.dim)) / 5
    run = {"steps": 150, "seed": 7, "first_path": 2**33 + 5, "first_step": 3}
    expected = cpu.integrate(update.at_rest(points), **run)
    found = gpu.integrate(update.at_rest(points), **run)
    assert same(expected, found)
    assert np.isfinite(found).any()
    assert not np.array_equal(found, update.at_rest(points).astype(found.dtype))


def test_first_passages(case):
    """Hit times, exits and exit points, of far more paths than there are lanes."""
    cpu, gpu = engines(*case)
    _, _, start = resolved(case[0])
    run = {"paths": 5000, "max_steps": 601, "seed": 3, "first_path": 10}
    expected, found = cpu.first_passage(start, **run), gpu.first_passage(start, **run)
    assert np.array_equal(expected.steps, found.steps)
    assert np.array_equal(expected.code, found.code)
    assert same(expected.state, found.state)
    assert found.complete
    assert found.exited.sum() > 100
    assert len(set(found.steps.tolist())) > 20 or case[0] == "no_noise"


@pytest.mark.parametrize("scale", [0.05, 1e6], ids=["creeping", "leaping"])
def test_leaps_are_exits_and_explosions_are_none(scale):
    """On a quartic a path explodes from |x| = 4.5 on; single kicks of a wide law cross the exit, which lies
    beyond the divergence bound."""
    landscape, start = Potential("x**4/4"), np.zeros(1)
    update = SGD(0.1, 1.0, noise=AlphaStable(1.0, 10 * scale)).update(landscape)
    exit = resolve_exit("(x >= 3e6) | (x <= -1e7)", landscape, start)
    cpu, gpu = CpuEngine(update, exit, threads=1), GpuEngine(update, exit, device=DeviceUnderTest())
    run = {"paths": 3000, "max_steps": 500, "seed": 3}
    expected, found = cpu.first_passage(start, **run), gpu.first_passage(start, **run)
    assert np.array_equal(expected.steps, found.steps)
    assert np.array_equal(expected.code, found.code)
    assert same(expected.state, found.state)
    assert found.tally.diverged > 500
    assert (found.tally.events > 100) == (scale > 1)
    assert (np.abs(found.state[found.exited]) >= 3e6).all()


def test_neither_calls_nor_lanes_nor_memory_change_a_bit(monkeypatch):
    """However many lanes share the queue, however short the calls, however small the chunks."""
    update, exit, start = resolved("langevin")
    run = {"paths": 700, "max_steps": 400, "seed": 2}
    whole = GpuEngine(update, exit, device=DeviceUnderTest()).first_passage(start, **run)
    monkeypatch.setattr("simdyn.engines.gpu._SHORTEST", 1)
    monkeypatch.setattr("simdyn.engines.gpu._CALL_SECONDS", 0.0)
    for lanes in (1, 40, 1 << 20):
        monkeypatch.setattr("simdyn.engines.gpu._LANES_OF_PROCESSOR", lanes)
        cut = GpuEngine(update, exit, device=DeviceUnderTest()).first_passage(start, **run)
        assert np.array_equal(whole.steps, cut.steps)
        assert same(whole.state, cut.state)
    points = np.linspace(-1, 1, 900)[:, None]
    expected = GpuEngine(update, device=DeviceUnderTest()).integrate(points, steps=99, seed=2)
    small = DeviceUnderTest(memory=4000)
    found = GpuEngine(update, device=small).integrate(points, steps=99, seed=2)
    assert same(expected, found)
    assert len(small.launches) > 3 * 99 / 4
    assert max(threads for _, threads in small.launches) == THREADS


def test_paths_keep_their_numbers():
    update, exit, start = resolved("bridge")
    engine = GpuEngine(update, exit, device=DeviceUnderTest())
    whole = engine.first_passage(start, paths=300, max_steps=500, seed=4)
    later = engine.first_passage(start, paths=100, max_steps=500, seed=4, first_path=200)
    other = engine.first_passage(start, paths=100, max_steps=500, seed=5, first_path=200)
    assert np.array_equal(whole.steps[200:], later.steps)
    assert not np.array_equal(other.steps, later.steps)


def test_an_interrupted_run_keeps_what_has_ended(monkeypatch):
    update, exit, start = resolved("langevin")
    monkeypatch.setattr("simdyn.engines.gpu._CALL_SECONDS", 0.0)
    totals = []

    def interrupt(tally):
        totals.append(tally)
        if tally.events >= 5000:
            raise KeyboardInterrupt

    monkeypatch.setattr("simdyn.engines.gpu._REPORT_SECONDS", 0.0)
    engine = GpuEngine(update, exit, device=DeviceUnderTest())
    run = {"paths": 20_000, "max_steps": 2000, "seed": 6}
    part = engine.first_passage(start, **run, report=interrupt)
    assert not part.complete
    assert len(totals) > 2
    assert 5000 <= part.exited.sum() < 20_000
    # Slots are handed out in turn; those with a record are the first ones.
    whole = engine.first_passage(start, **run)
    ran = len(part.steps)
    assert part.exited.sum() < ran < 20_000
    ended = part.exited
    assert np.array_equal(part.steps[ended], whole.steps[:ran][ended])
    assert (part.steps[~ended] <= whole.steps[:ran][~ended]).all()
    assert (part.steps[~ended] > 0).any()
    assert np.isnan(part.state[~ended]).all()


@pytest.fixture
def host_gpu(monkeypatch):
    """Lets backend="gpu" run on this machine."""
    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)


def test_questions_have_one_answer_on_both_backends(host_gpu):
    asked = {"start": "x=-1", "exit": "x >= 0", "paths": 500, "max_steps": 5000, "seed": 1}
    first, second = (simdyn.escape_time(WELL, SGLD(0.05, 0.12), backend=b, **asked) for b in ("cpu", "gpu"))
    assert (first.value, first.low, first.high, first.exits) == (
        second.value, second.low, second.high, second.exits,
    )  # fmt: skip
    assert (first.backend, second.backend) == ("cpu", "gpu")
    asked = {
        "paths": 600,
        "steps": 60,
        "record": ["final", "snapshots", "moments", "histogram"],
        "of": ["x", "x**2"],
    }
    first, second = (
        simdyn.simulate(WELL, SGLD(0.05, 0.12), "x=-1", backend=b, **asked) for b in ("cpu", "gpu")
    )
    assert first.equals(second)
    assert (first.attrs["backend"], second.attrs["backend"]) == ("cpu", "gpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"noise": "loud"}, "'loud'"),
    ],
)
def test_unknown_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GpuEngine(resolved("langevin")[0], device=DeviceUnderTest(), **options)


def test_what_runs_on_the_cpu_only_says_so(host_gpu):
    samples = FiniteSum("(x - a)**2/2", {"a": [0.0, 1.0]}, variables=["x"])
    wide = coupled_chain(dim=1025)
    jumps = SGD(0.1, 1.0, noise=AlphaStable(1.5, 0.1)).update(coupled_chain(dim=13))
    round_bowl = Potential("(x**2 + y**2 + z**2)**2 + x*y*z + x*y + y*z")
    roots = SGD(0.1, 1.0, noise="hessian", floor=0.1).update(round_bowl)
    rare = {"start": "x=-1", "exit": "x >= 0", "method": "splitting"}
    refused = [
        (
            lambda: engine_for("gpu", SGD(0.1, 1).update(samples), dtype="float32"),
            r'double precision; .*backend="cpu"',
        ),
        (
            lambda: engine_for("gpu", jumps),
            r'with jumps of up to 12 coordinates.* 13; .*backend="cpu"',
        ),
        (lambda: engine_for("gpu", roots), r'root of a matrix .*on the CPU, with backend="cpu"'),
        (
            lambda: simdyn.escape_time(WELL, SGLD(0.05, 0.12), backend="gpu", **rare),
            r'Splitting runs on the CPU; use backend="cpu"',
        ),
        (
            lambda: engine_for("gpu", SGLD(0.1, 0.1).update(wide)),
            r'up to 1,024 coordinates.* 1,025; .*backend="cpu"',
        ),
        (lambda: engine_for("gpu", resolved("stable")[0], dtype="float32"), "double precision"),
        (lambda: engine_for("gpu", resolved("langevin")[0], threads=2), "threads is 2"),
    ]
    for attempt, message in refused:
        with pytest.raises(InputError, match=message):
            attempt()

    # Left to itself the CPU takes them.
    for update in (jumps, roots, SGLD(0.1, 0.1).update(WELL)):
        assert isinstance(engine_for("auto", update), CpuEngine)
    assert isinstance(engine_for("auto", SGD(0.1, 1).update(samples), dtype="float32"), MinibatchEngine)


def test_without_a_device_the_message_says_why(monkeypatch):
    monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "CuPy finds no GPU")
    with pytest.raises(InputError, match='"gpu" cannot be used: CuPy finds no GPU; use backend="cpu"'):
        engine_for("gpu", resolved("langevin")[0])


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
def test_a_missing_package_is_named():
    with pytest.raises(InputError, match="CuPy is not installed"):
        engine_for("gpu", resolved("langevin")[0])
