"""Whatever the CPU engine runs, the GPU engine runs, too, or says in one sentence that the CPU does it.

Of the catalogue one landscape is a mean over samples. The ways to draw batches, Gaussian noise with their
covariance, and the errors of linearised networks are tried in tests/engines/test_gpu_minibatch.py; learning
rates by direction, which take seconds for each landscape, in tests/engines/test_gpu_engine.py.
"""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from device_compiler import needs_nvrtc
from gpu_device import DeviceUnderTest
from host_build import HostModule, needs_compiler

import potentials
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable, MinibatchUpdate
from simdyn.engines import engine_for
from simdyn.engines.device import compiled, usage_of
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.recorders.cuda_source import passes_source

DYNAMICS = {
    "sgld": SGLD(0.01, 0.1),
    "sgld_momentum": SGLD(0.01, 0.1, momentum=0.9),
    "sgld_schedules": SGLD("cosine(0.01, 0.001, 100)", "0.1/(1 + step)"),
    "sgd_none": SGD(0.01, 1.0, noise="none"),
    "sgd_hessian": SGD(0.01, 1.0, noise="hessian", floor=0.1),
    "sgd_constant": SGD(0.01, 1.0, noise="constant", covariance=0.1),
    "sgd_loss": SGD(0.01, 1.0, noise="loss"),
    "sgd_stable": SGD(0.01, 1.0, noise=AlphaStable(1.7, 0.1)),
    "sgd_minibatch": SGD(0.01, 1),
    "sde": SDE(0.1, 0.01),
    "sde_cauchy": SDE(AlphaStable(1.0, 0.1), 0.01),
    "sde_heun": SDE(0.1, 0.01, scheme="heun"),
    "sde_sri2": SDE(0.1, 0.01, scheme="sri2"),
    "sde_leimkuhler_matthews": SDE(0.1, 0.01, scheme="leimkuhler_matthews"),
    "sde_limit": SDE.limit_of(SGD(0.01, 1.0, noise="hessian", floor=0.1)),
    "sde_second_order_limit": SDE.limit_of(SGD(0.01, 1.0, noise="constant", covariance=0.1), order=2),
    "sde_baoab": SDE(0.1, 0.01, scheme="baoab", friction=2.0),
}
LANDSCAPES = (*potentials.names(), "coupled_chain 41", "styblinski_tang 10")
PAIRS = list(itertools.product(DYNAMICS, LANDSCAPES))
KINDS = [("float64", "standard"), ("float32", "standard"), ("float64", "wide")]


def landscape_of(name):
    name, *dim = name.split()
    return potentials.lookup(name, dim=int(dim[0])) if dim else potentials.lookup(name)


def gpu_engine(dynamics, landscape, number):
    """The GPU engine of a pair, or the sentence with which it alone refuses the pair; None where there is no
    such rule, or the CPU engine refuses it, too."""
    landscape = landscape_of(landscape)
    start = np.full(landscape.dim, 0.1)
    dtype, noise = KINDS[number % len(KINDS)]
    try:
        update = DYNAMICS[dynamics].update(landscape, start)
        exit = resolve_exit(f"{landscape.variables[0].name} > 3", landscape, start)
    except InputError:
        return None
    if isinstance(update, MinibatchUpdate):
        dtype = "float64"  # The one precision for these on the GPU.
    try:
        return engine_for("gpu", update, exit, dtype=dtype, noise=noise)
    except InputError as refusal:
        try:
            engine_for("cpu", update, exit, dtype=dtype, noise=noise)
        except InputError:
            return None
        return str(refusal)


@pytest.fixture
def host_gpu(monkeypatch):
    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)


REFUSALS = {
    "sgd_hessian": r"needs the root of a matrix at each step.*runs on the CPU, with backend=.cpu.",
    "sde_limit": r"needs the root of a matrix at each step.*runs on the CPU, with backend=.cpu.",
    "sgd_stable": r"with jumps of up to 12 coordinates.*has (20|41); it runs on the CPU, with backend=.cpu.",
    "sde_cauchy": r"with jumps of up to 12 coordinates.*has (20|41); it runs on the CPU, with backend=.cpu.",
}


# How many landscapes have such a rule at least: means over samples, losses that are nowhere negative.
FEWEST = {"sgd_minibatch": 1, "sgd_loss": 8}

QUICK = ("sgld", "sgd_stable", "sgd_minibatch", "sde_cauchy", "sde_baoab")


@pytest.mark.parametrize(
    "dynamics", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in DYNAMICS]
)
def test_every_pair_runs_or_is_refused_in_a_sentence(host_gpu, dynamics):
    engines = [gpu_engine(dynamics, name, number) for number, name in enumerate(LANDSCAPES)]
    refusals = [engine for engine in engines if isinstance(engine, str)]
    assert all(re.search(REFUSALS[dynamics], refusal) for refusal in refusals)
    assert bool(refusals) == (dynamics in REFUSALS)
    there = [engine for engine in engines if not (engine is None or isinstance(engine, str))]
    assert len(there) >= FEWEST.get(dynamics, 9)
    for engine in there:
        for kernel in ("integrate(", "first_passage("):
            assert engine.source.count(f" {kernel}") == 1


# Each dynamics with two landscapes or three, each landscape with two dynamics or three.
SAMPLE = [
    (dynamics, landscape)
    for (i, dynamics), (j, landscape) in itertools.product(enumerate(DYNAMICS), enumerate(LANDSCAPES))
    if (j - 3 * i) % 7 == 0
]


def test_the_sample_has_every_dynamics_and_every_landscape():
    for axis, names in enumerate((DYNAMICS, LANDSCAPES)):
        assert min(sum(pair[axis] == name for pair in SAMPLE) for name in names) >= 2


def sources(chosen):
    for number, (dynamics, name) in enumerate(chosen):
        engine = gpu_engine(dynamics, name, number)
        if not (engine is None or isinstance(engine, str)):
            yield f"{dynamics} on {name}", engine


# Each landscape, and each dynamics, built as C++ and run beside the CPU's kernels; the rest is exhaustive.
COVER = {
    "double_well": "sde_heun",
    "tilted_well": "sde_sri2",
    "sharp_and_flat": "sgd_hessian",
    "three_wells": "sde_cauchy",
    "three_wells_ring": "sgld_schedules",
    "styblinski_tang": "sgd_stable",
    "shifted_styblinski_tang": "sde_baoab",
    "muller_brown": "sgd_constant",
    "curved_valley": "sde_leimkuhler_matthews",
    "winding_valley": "sde_limit",
    "rescaled_wells": "sgld_momentum",
    "bulk_and_outliers": "sde",
    "coupled_chain": "sgd_none",
    "two_functions": "sgd_minibatch",
    "quadratic": "sgd_loss",
    "cosine": "sde",
    "maier_stein": "sde_second_order_limit",
    "coupled_chain 41": "sgld",
    "styblinski_tang 10": "sgd_none",
}


def test_the_cover_has_every_landscape_and_every_dynamics():
    assert list(COVER) == list(LANDSCAPES)
    assert set(COVER.values()) == set(DYNAMICS)


def cpu_and_gpu(dynamics, landscape, number):
    """Both engines of a pair, and a start; None where the pair is refused."""
    engine = gpu_engine(dynamics, landscape, number)
    if engine is None or isinstance(engine, str):
        return None
    potential = landscape_of(landscape)
    start = np.full(potential.dim, 0.1)
    exit = resolve_exit(f"{potential.variables[0].name} > 3", potential, start)
    options = {"dtype": engine.dtype.name, "noise": KINDS[number % len(KINDS)][1], "threads": 1}
    update = DYNAMICS[dynamics].update(potential, start)
    return engine_for("cpu", update, exit, **options), engine, start


def check_same_paths(cpu, gpu, start):
    points = start + np.random.default_rng(1).normal(size=(70, len(start))) / 10
    states = cpu.update.at_rest(points)
    run = {"steps": 40, "seed": 7, "first_path": 2**33 + 5, "first_step": 3}
    expected, found = cpu.integrate(states, **run), gpu.integrate(states, **run)
    np.testing.assert_array_equal(expected, found)
    assert expected.dtype == found.dtype
    run = {"paths": 300, "max_steps": 60, "seed": 3}
    expected, found = cpu.first_passage(start, **run), gpu.first_passage(start, **run)
    np.testing.assert_array_equal(expected.steps, found.steps)
    np.testing.assert_array_equal(expected.code, found.code)
    np.testing.assert_array_equal(expected.state, found.state)


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_every_landscape_and_every_dynamics_have_the_same_paths_on_both(host_gpu, landscape):
    both = cpu_and_gpu(COVER[landscape], landscape, LANDSCAPES.index(landscape))
    assert both is not None
    check_same_paths(*both)


@needs_compiler
@pytest.mark.exhaustive
@pytest.mark.parametrize(("dynamics", "landscape"), PAIRS)
def test_every_pair_has_the_same_paths_on_both(host_gpu, dynamics, landscape):
    both = cpu_and_gpu(dynamics, landscape, PAIRS.index((dynamics, landscape)))
    if both is None:
        pytest.skip("there is no such rule on the GPU")
    check_same_paths(*both)


@needs_compiler
@pytest.mark.exhaustive
def test_every_source_builds_on_the_host(host_gpu):
    built = [HostModule(engine.source) for _, engine in sources(PAIRS)]
    assert len(built) > 150


def check_registers(name, source, record, dim=1):
    for architecture in ("sm_80", "sm_90"):
        for kernel, usage in usage_of(source, architecture).items():
            record(f"{name} {kernel} {architecture}", f"{usage.registers} registers, {usage.spilled} spilled")
            assert usage.registers <= 255, (name, kernel)
            # What does not fit goes to memory: a few numbers around the rare slow path of a division or a
            # root, but more only with many coordinates.
            assert usage.spilled <= 64 or dim >= 10, (name, kernel)


@needs_nvrtc
def test_sources_compile_for_two_architectures(host_gpu, record_property):
    count = 0
    for name, engine in sources(SAMPLE):
        check_registers(name, engine.source, record_property, engine.update.state_dim)
        count += 1
    assert count > 15


@needs_nvrtc
@pytest.mark.exhaustive
def test_every_source_compiles_for_two_architectures(host_gpu, record_property):
    for name, engine in sources(PAIRS):
        check_registers(name, engine.source, record_property, engine.update.state_dim)


@needs_nvrtc
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_passes_of_recorders_compile(dtype, record_property):
    check_registers(f"passes {dtype}", passes_source(dtype), record_property)


@needs_nvrtc
def test_a_source_that_does_not_compile_is_noticed():
    source = passes_source("float64").replace("atomicMin", "atomicMinimum")
    with pytest.raises(RuntimeError, match="atomicMinimum"):
        compiled(source, "sm_90")
