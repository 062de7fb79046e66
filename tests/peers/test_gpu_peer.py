"""The GPU contestant computes what the CPU contestant does."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

from benchmarks.workloads import WORKLOADS
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine


@needs_compiler
def test_it_computes_the_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "")
    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)
    from benchmarks.peers import simdyn_gpu
    from potentials import double_well

    workload = WORKLOADS["double_well"]
    double, single = simdyn_gpu.contestants(workload, 1, paths=300)
    engine = CpuEngine(SGLD(workload.dt, workload.diffusion).update(double_well()), threads=1)
    expected = engine.integrate(np.full((300, 1), workload.start), steps=workload.steps, seed=5)
    np.testing.assert_array_equal(double.run(5), expected)
    assert single.run(5).dtype == np.float32
    (leaving,) = simdyn_gpu.contestants(WORKLOADS["double_well_absorption"], 1, paths=300)
    assert leaving.run(5).shape == (300,)
