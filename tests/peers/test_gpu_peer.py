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


@needs_compiler
def test_rates_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import partial

    from benchmarks import device_rates
    from simdyn.engines.gpu import GpuEngine

    monkeypatch.setattr(device_rates, "_PATHS_OF_LANE", 1)
    monkeypatch.setattr(device_rates, "_STEPS", 8)
    monkeypatch.setattr(device_rates, "_MOST_STEPS", 16)
    engine_of = partial(GpuEngine, device=DeviceUnderTest())
    found = list(device_rates.rates(engine_of, lambda source, kernel, turn: 1e15 * turn, 1))
    assert [(rate.dtype, rate.dim) for rate in found] == [
        (dtype, dim) for dim in (1, 10) for dtype in ("float64", "float64", "float32", "float32")
    ]
    assert all(0 < rate.rate < 1e12 for rate in found)
    assert [rate.bound for rate in found[::4]] == [4e15, 2e15]
    assert found[1].line().startswith("| double well, until an exit | float64 | 1 | ")


@needs_compiler
def test_many_escapes_have_the_bits_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.device_rates import many_escapes
    from potentials import double_well
    from simdyn.exits import resolve_exit

    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)
    monkeypatch.setattr("simdyn.estimators.direct.KEPT_PATHS", 700)
    well, start = double_well(), np.array([-1.0])
    told = many_escapes(SGLD(0.1, 1.0).update(well), resolve_exit("x >= 0", well, start), start, 3_000)
    assert told.startswith("3,000 escapes in one call of ")
    assert told.endswith("; the first 700 are those of the CPU to the bit")
