"""Batches on the GPU engine, on a device that is this machine, are those of the CPU engine to the bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from device_compiler import needs_nvrtc
from gpu_device import DeviceUnderTest
from host_build import HostModule, needs_compiler
from sample_means import sample_mean

from potentials import LinearisedNetwork
from simdyn.dynamics import SDE, SGD, SGLD, MinibatchUpdate
from simdyn.engines import engine_for
from simdyn.engines.device import usage_of
from simdyn.engines.gpu import GpuEngine
from simdyn.engines.minibatch import MinibatchEngine
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.lowering.cuda_minibatch_kernels import MOST_ROW_NUMBERS
from simdyn.noise.cuda_indices import INDEX_FUNCTIONS
from simdyn.noise.cuda_source import device_functions
from simdyn.noise.indices import replaced_draw

LANDSCAPES = ("formula", "line", "logistic", "bowls", "network", "eleven", "wide")

RULES = {
    "one": {"batch_size": 1},
    "subset": {"batch_size": 5},
    "independent": {"batch_size": 5, "sampling": "with_replacement"},
    "epochs": {"batch_size": 3, "sampling": "epoch_shuffle"},
    "epochs_of_one": {"batch_size": 1, "sampling": "epoch_shuffle"},
    "descent": {"batch_size": 1, "noise": "none"},
    "empirical": {"batch_size": 2.5, "noise": "empirical", "scale": 1.5},
    "langevin": {"batch_size": 4, "kicks": [0.02]},
    "heavy": {"batch_size": 4, "momentum": 0.8},
    "heavy_empirical": {"batch_size": 2.5, "noise": "empirical", "momentum": -0.4},
    "growing": {"batch_size": [1, 2, 2, 5, 7]},
    "growing_independent": {"batch_size": [1, 2, 2, 5, 13], "sampling": "with_replacement"},
    "growing_epochs": {"batch_size": [1, 5, 5, 3, 5, 1], "sampling": "epoch_shuffle"},
    "growing_empirical": {"batch_size": [2.5, 3.0, 7.0], "noise": "empirical", "scale": [1.0, 0.5]},
    "everything": {
        "batch_size": 3,
        "sampling": "epoch_shuffle",
        "momentum": 0.5,
        "rates": [0.05, 0.04, 0.03],
        "kicks": [0.02, 0.0, 0.01],
    },
}
WIDE = ("empirical", "langevin")
CASES = [(landscape, rule) for landscape in LANDSCAPES for rule in RULES]

# Each way to draw, each form of a model, all settings that may change with the step; the others take minutes
# to compile for the CPU engine.
QUICK = [
    ("formula", "everything"),
    ("network", "growing"),
    ("network", "growing_independent"),
    ("line", "growing_empirical"),
]


@pytest.fixture(
    params=[case if case in QUICK else pytest.param(case, marks=pytest.mark.exhaustive) for case in CASES],
    ids="-".join,
)
def case(request):
    return request.param


@cache
def problem(case):
    """Both engines, and a start."""
    landscape, rule = case
    update = MinibatchUpdate(
        sample_mean(landscape), **{"rates": [0.3 if landscape == "line" else 0.05], **RULES[rule]}
    )
    start = np.full(update.dim, 0.1)
    names = [v.name for v in update.variables]
    exit = resolve_exit(f"({names[0]} > 0.13) | ({names[-1]} < 0.04)", update.potential, start)
    noise = "wide" if rule in WIDE else "standard"
    device = DeviceUnderTest()
    return (
        MinibatchEngine(update, exit, noise=noise, threads=1),
        GpuEngine(update, exit, noise=noise, device=device),
        start,
    )


@needs_compiler
def test_paths(case):
    """From the middle of an epoch to the middle of another, with two paths to a lane or so."""
    cpu, gpu, start = problem(case)
    points = start + np.random.default_rng(1).normal(size=(2500, len(start))) / 5
    state = cpu.update.at_rest(points)
    run = {"steps": 11, "seed": 7, "first_path": 2**33 + 5, "first_step": 3}
    expected, found = cpu.integrate(state, **run), gpu.integrate(state, **run)
    assert expected.tobytes() == np.ascontiguousarray(found).tobytes()
    assert np.isfinite(found).all()
    assert not np.array_equal(found, state)


@needs_compiler
def test_first_passages(case):
    cpu, gpu, start = problem(case)
    run = {"paths": 3000, "max_steps": 40, "seed": 3, "first_path": 10}
    expected, found = cpu.first_passage(start, **run), gpu.first_passage(start, **run)
    assert np.array_equal(expected.steps, found.steps)
    assert np.array_equal(expected.code, found.code)
    np.testing.assert_array_equal(expected.state, found.state)
    assert found.complete
    if case[1] != "descent":
        assert found.exited.sum() > 100
        assert len(set(found.steps.tolist())) > 1


@needs_compiler
def test_scratch_memory_takes_lanes_away_but_changes_nothing():
    cpu, _, start = problem(("network", "growing"))
    small = GpuEngine(cpu.update, device=DeviceUnderTest(memory=10_000))
    points = start + np.zeros((900, len(start)))
    found = small.integrate(points, steps=9, seed=1)
    assert np.array_equal(found, cpu.integrate(points, steps=9, seed=1))
    assert max(lanes for _, lanes in small.device.launches) < 900 / 3


DRAWS = """
extern "C" __global__ void draw(
    int n, const u32 *bounds, u64 first, u64 path, u32 k0, u32 k1, u32 *out, u32 *again) {
    Stream stream = stream_of(3u);
    for (int i = 0; i < n; i++) {
        out[i] = draw_below(stream, first + i, bounds[i], path, k0, k1);
        again[i] = replaced_draw(first + i, bounds[i], (u32)(0x100000000ull % bounds[i]), path, k0, k1);
    }
}
"""


@needs_compiler
def test_draws_whose_words_are_refused_are_replaced_in_the_same_way():
    """With bounds just above 2^31 nearly every second word is refused."""
    from simdyn.noise.indices import SPARE, draw_below

    rng = np.random.default_rng(0)
    bounds = np.concatenate([rng.integers(1, 50, 500), rng.integers(2**31, 2**31 + 99, 500)]).astype(
        np.uint64
    )
    count, path, key = len(bounds), np.uint64(2**35 + 1), (np.uint64(5), np.uint64(6))
    words = np.zeros(count + 2 * SPARE, dtype=np.uint64)
    expected = np.zeros(count, dtype=np.int64)
    draw_below(expected, bounds, 3, count, path, *key, words)
    module = HostModule(device_functions() + INDEX_FUNCTIONS + DRAWS)
    found, again = (np.zeros(count, dtype=np.uint32) for _ in range(2))
    keys = np.uint32(5), np.uint32(6)
    arguments = np.int32(count), bounds.astype(np.uint32), np.uint64(3), path, *keys, found, again
    module.get_function("draw")((1,), (1,), arguments)
    assert found.tolist() == expected.tolist()
    replaced = [int(replaced_draw(3 + i, bounds[i], path, *key)) for i in range(count)]
    assert again.tolist() == replaced
    assert np.mean(found[500:] == again[500:]) > 0.3


def test_what_a_thread_cannot_hold_runs_on_the_cpu():
    count = MOST_ROW_NUMBERS + 1
    big = LinearisedNetwork(np.ones((2, count)), np.ones(2))
    with pytest.raises(InputError, match=r'up to 1,024 coordinates.*1,025; .*backend="cpu"'):
        GpuEngine(SGD(0.1, 1).update(big), device=DeviceUnderTest())


FUNCTION_SPACE = {
    "batches": SGD(0.1, 4),
    "epochs": SGD(0.1, 4, sampling="epoch_shuffle", momentum=0.5),
    "empirical": SGD(0.1, 4, noise="empirical"),
    "descent": SGD(0.1, 1, noise="none"),
    "sgld": SGLD(0.1, 0.3),
    "sde": SDE(0.3, 0.1),
}


@pytest.mark.own_backend
@pytest.mark.parametrize("rule", FUNCTION_SPACE.values(), ids=FUNCTION_SPACE)
def test_function_space_runs_on_the_cpu(monkeypatch, rule):
    """As one sentence says to whoever asks for the GPU; "auto" goes there by itself, whatever the work."""
    space = sample_mean("network").function_space()
    update = rule.update(space)
    monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "")
    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)
    with pytest.raises(InputError) as refusal:
        engine_for("gpu", update)
    expected = 'Function space has no kernels on the GPU; it runs on the CPU, with backend="cpu".'
    assert str(refusal.value) == expected
    large = {"start": space.errors, "paths": 1 << 20, "steps": 1 << 20}
    assert engine_for("auto", update, **large).backend == "cpu"
    # Control: the same work on the network itself goes to the GPU, if it gives the same paths.
    monkeypatch.setattr("simdyn.engines.backends._same_paths", lambda *_: True)
    network = engine_for("auto", SGD(0.1, 4).update(sample_mean("network")), **large | {"start": np.zeros(5)})
    assert network.backend == "gpu"


@needs_compiler
def test_a_schedule_that_is_not_tabulated_any_further_ends_the_run():
    update = SGD("0.1/(1 + step)", 1).update(sample_mean("line"))
    engine = GpuEngine(update, device=DeviceUnderTest())
    with pytest.raises(InputError, match="run fewer steps"):
        engine.integrate(np.zeros((1, 1)), steps=1, seed=0, first_step=update.horizon)


def test_single_precision_is_refused():
    update = SGD(0.1, 1).update(sample_mean("line"))
    with pytest.raises(InputError, match="double precision"):
        GpuEngine(update, dtype="float32", device=DeviceUnderTest())


@needs_nvrtc
@pytest.mark.parametrize("case", QUICK, ids="-".join)
def test_sources_compile(case, record_property):
    _, gpu, _ = problem(case)
    for architecture in ("sm_80", "sm_90"):
        for kernel, usage in usage_of(gpu.source, architecture).items():
            record_property(f"{kernel} {architecture}", f"{usage.registers} registers, {usage.stack} stack")
            assert usage.registers <= 255
