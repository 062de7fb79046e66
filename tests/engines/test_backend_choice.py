"""When "auto" takes the GPU."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

import simdyn
from potentials import FiniteSum, double_well
from simdyn.dynamics import SGD, SGLD, AlphaStable
from simdyn.engines import engine_for
from simdyn.engines.backends import GPU_PATHS, GPU_WORK
from simdyn.exits import resolve_exit

pytestmark = pytest.mark.own_backend

START = np.array([-1.0])
LARGE = {"start": START, "paths": GPU_PATHS, "steps": int(GPU_WORK / GPU_PATHS) + 1}


def update():
    return SGLD(0.05, 0.12).update(double_well())


@pytest.fixture
def gpu(monkeypatch):
    """Puts a class of devices where CuPy's would be."""

    def put(device=DeviceUnderTest):
        monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "")
        monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", device)

    return put


def test_without_a_gpu_it_is_the_cpu(monkeypatch):
    monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "CuPy finds no GPU")
    assert engine_for("auto", update(), **LARGE).backend == "cpu"


@needs_compiler
def test_large_work_goes_to_the_gpu_and_small_work_does_not(gpu):
    gpu()
    exit = resolve_exit("x >= 0", double_well(), START)
    assert engine_for("auto", update(), exit, **LARGE).backend == "gpu"
    for small in ({"paths": GPU_PATHS - 1, "steps": 10**9}, {"steps": 1000}, {"start": None}):
        assert engine_for("auto", update(), exit, **(LARGE | small)).backend == "cpu"
    assert engine_for("auto", update(), exit, **LARGE, threads=2).backend == "cpu"


def test_a_rule_that_runs_on_the_cpu_alone_stays_there(gpu):
    gpu()
    jumps = SGD(0.1, 1.0, noise=AlphaStable(1.5, 0.1)).update(double_well(dim=13))
    large = LARGE | {"start": np.full(13, -1.0)}
    assert engine_for("auto", jumps, **large).backend == "cpu"
    samples = FiniteSum("(x - a)**2/2", {"a": [0.0, 1.0]}, variables=["x"])
    rule = SGD(0.1, 1).update(samples)
    assert engine_for("auto", rule, dtype="float32", **LARGE).backend == "cpu"


@needs_compiler
def test_a_gpu_whose_bits_differ_is_not_trusted(gpu):
    class Inexact(DeviceUnderTest):
        def download(self, array):
            found = super().download(array)
            return np.nextafter(found, np.inf, dtype=found.dtype) if found.dtype.kind == "f" else found

    gpu(Inexact)
    with pytest.warns(RuntimeWarning, match="not give the paths of the CPU to the bit"):
        assert engine_for("auto", update(), **LARGE).backend == "cpu"


@needs_compiler
def test_answers_say_where_they_come_from(gpu, monkeypatch):
    gpu()
    monkeypatch.setattr("simdyn.engines.backends.GPU_PATHS", 100)
    monkeypatch.setattr("simdyn.engines.backends.GPU_WORK", 0.0)
    asked = {"start": "x=-1", "exit": "x >= 0", "paths": 500, "max_steps": 5000, "seed": 1}
    found = simdyn.escape_time(double_well(), SGLD(0.05, 0.12), method="direct", **asked)
    assert found.backend == "gpu"
    assert "on gpu" in str(found)
    ensemble = simdyn.simulate(double_well(), SGLD(0.05, 0.12), "x=-1", paths=500, steps=20)
    assert ensemble.attrs["backend"] == "gpu"
