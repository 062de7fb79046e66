"""GPU kernels in loops over coordinates give the bits of unrolled ones, and those of the CPU engine."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from device_compiler import needs_nvrtc
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

from potentials import Potential, coupled_chain, double_well, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.device import usage_of
from simdyn.engines.gpu import GpuEngine
from simdyn.exits import resolve_exit
from simdyn.lowering import cuda_kernels, lower, shapes

pytestmark = needs_compiler


def all_to_all(dim):
    names = sympy.symbols(f"x1:{dim + 1}")
    pulls = sympy.Add(*((a - b) ** 2 for i, a in enumerate(names) for b in names[:i]))
    return Potential(sympy.Add(*(v**4 / 4 - v**2 / 2 for v in names)) + pulls / (8 * dim))


def problem(name):
    """(update, exit, start)"""
    if name == "chain":
        landscape, dynamics, exit = coupled_chain(dim=3), SGLD(0.05, 0.3), "x1 + x2 + x3 >= 0"
    elif name == "valley":
        landscape, dynamics, exit = double_well(dim=5), SGLD(0.05, 0.2), "valley"
    elif name == "bridge":
        landscape, dynamics, exit = coupled_chain(dim=3), SDE(0.3, 0.05), "(x1 >= 0) | (x2 - x3/2 >= 0.4)"
    elif name == "curvature_noise":
        landscape, dynamics = styblinski_tang(dim=2), SGD(0.01, 0.01, noise="hessian", floor=0.1)
        exit = "(x1 > -2) & (x2 < 1) | (x2 > -2)"
    elif name == "full_covariance":
        root = np.random.default_rng(1).normal(size=(4, 4))
        noise = SGD(0.1, 0.4, noise="constant", covariance=root @ root.T / 4)
        landscape, dynamics, exit = all_to_all(4), noise, "x1 + 2*x2 - x3/3 + x4 >= -3"
    elif name == "momentum":
        landscape, dynamics, exit = all_to_all(3), SGLD(0.05, 0.1, momentum=0.7), "x1 > 0"
    elif name == "schedule":
        landscape, exit = coupled_chain(dim=3), "x1 + x2 + x3 >= 0"
        dynamics = SGLD("cosine(0.1, 0.02, 60)", "0.3/(1 + step/50)")
    start = -np.ones(landscape.dim) if name != "curvature_noise" else np.full(landscape.dim, -2.9)
    return dynamics.update(landscape), resolve_exit(exit, landscape, start), start


CASES = [
    ("chain", "float64", "standard", 16),
    ("chain", "float64", "standard", 2),
    ("chain", "float32", "wide", 16),
    ("valley", "float64", "wide", 16),
    ("bridge", "float64", "standard", 16),
    ("bridge", "float32", "standard", 16),
    ("bridge", "float32", "standard", 2),
    ("curvature_noise", "float64", "standard", 16),
    ("full_covariance", "float64", "standard", 16),
    ("full_covariance", "float64", "standard", 2),
    ("momentum", "float32", "standard", 16),
    ("schedule", "float64", "standard", 16),
    ("schedule", "float32", "standard", 2),
]
"""Problem, dtype, normals, and how long a sum is one that gets a loop."""

QUICK = {CASES[0], CASES[6], CASES[11]}


@pytest.mark.parametrize(
    ("name", "dtype", "noise", "long"),
    [case if case in QUICK else pytest.param(*case, marks=pytest.mark.exhaustive) for case in CASES],
)
def test_same_bits_as_unrolled(monkeypatch, name, dtype, noise, long):
    update, exit, start = problem(name)
    options = {"dtype": dtype, "noise": noise}
    monkeypatch.setattr(shapes, "LONG", long)
    engines = []
    for limit in (40, 0):
        monkeypatch.setattr(cuda_kernels, "MOST_UNROLLED", limit)
        engines.append(GpuEngine(update, exit, device=DeviceUnderTest(), **options))
    assert "take_step" in engines[1].source
    assert "take_step" not in engines[0].source
    points = update.at_rest(start + np.random.default_rng(0).normal(size=(400, update.dim)) / 10)
    # Neither end of the run is at the end of a group of steps.
    whole, loops = (e.integrate(points, steps=21, seed=3, first_step=1) for e in engines)
    assert whole.tobytes() == loops.tobytes()
    assert np.isfinite(whole).all()
    first, second = (e.first_passage(start, paths=2500, max_steps=151, seed=3) for e in engines)
    assert np.array_equal(first.steps, second.steps)
    assert np.array_equal(first.code, second.code)
    np.testing.assert_array_equal(first.state, second.state)
    assert first.exited.sum() > 100
    assert len(set(first.steps.tolist())) > 20


@pytest.mark.exhaustive
@pytest.mark.parametrize("rate", [0.02, "0.04/(1 + step/20)"], ids=["constant", "schedule"])
def test_same_bits_as_the_cpu_engine(rate):
    landscape = coupled_chain(dim=50)
    start = -np.ones(50)
    update = SGLD(rate, 0.3).update(landscape)
    exit = resolve_exit("(x1 >= 0) | (x50 >= 0.2)", landscape, start)
    cpu, gpu = CpuEngine(update, exit, threads=1), GpuEngine(update, exit, device=DeviceUnderTest())
    points = np.random.default_rng(0).normal(size=(300, 50))
    run = {"steps": 13, "seed": 3, "first_step": 5}
    assert np.array_equal(cpu.integrate(points, **run), gpu.integrate(points, **run))
    first, second = (e.first_passage(start, paths=400, max_steps=300, seed=3) for e in (cpu, gpu))
    assert np.array_equal(first.steps, second.steps)
    assert np.array_equal(first.code, second.code)
    np.testing.assert_array_equal(first.state, second.state)
    assert 100 < first.exited.sum() < 400


def test_the_text_does_not_grow_with_the_coordinates():
    texts = []
    for dim in (50, 500):
        update = SGLD(0.02, 0.3).update(coupled_chain(dim=dim))
        texts.append(cuda_kernels.cuda_kernels_of(lower(update), "float64", False).source)
    assert abs(len(texts[0]) - len(texts[1])) < 100


@needs_nvrtc
@pytest.mark.parametrize("name", ["chain", "full_covariance", "bridge"])
def test_loops_compile(monkeypatch, name, record_property):
    monkeypatch.setattr(cuda_kernels, "MOST_UNROLLED", 0)
    update, exit, _ = problem(name)
    source = cuda_kernels.cuda_kernels_of(lower(update, exit), "float64", False).source
    for architecture in ("sm_80", "sm_90"):
        for kernel, usage in usage_of(source, architecture).items():
            record_property(f"{kernel} {architecture}", f"{usage.registers} registers, {usage.stack} stack")
            assert usage.spilled == 0
