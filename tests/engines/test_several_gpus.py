"""Two devices share the paths of a run, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

import simdyn
from potentials import double_well
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.gpu import GpuEngine
from simdyn.engines.several_gpus import SeveralGpus
from simdyn.exits import resolve_exit
from simdyn.lowering.cuda_kernels import THREADS

pytestmark = needs_compiler

START = np.array([-1.0])


def engines(memory=1 << 40):
    landscape = double_well()
    update = SGLD(0.05, 0.12).update(landscape)
    exit = resolve_exit("x >= 0", landscape, START)
    devices = [DeviceUnderTest(memory) for _ in range(2)]
    several = SeveralGpus([GpuEngine(update, exit, device=device) for device in devices])
    return CpuEngine(update, exit, threads=1), several, devices


@pytest.mark.parametrize("memory", [1 << 40, 30_000], ids=["at_once", "in_batches"])
def test_exits_are_those_of_the_cpu(memory):
    cpu, several, devices = engines(memory)
    run = {"paths": 3001, "max_steps": 400, "seed": 3, "first_path": 10}
    totals = []
    expected, found = (
        cpu.first_passage(START, **run),
        several.first_passage(START, **run, report=totals.append),
    )
    assert np.array_equal(expected.steps, found.steps)
    assert np.array_equal(expected.code, found.code)
    assert np.array_equal(expected.state, found.state, equal_nan=True)
    assert found.complete
    assert totals[-1] == found.tally
    for device in devices:
        launches = [threads for name, threads in device.launches if name == "first_passage"]
        assert launches
        # 24 bytes of a record, in half of the memory; whole blocks of threads.
        assert memory > 30_000 or max(launches) < 15_000 / 24 + THREADS


def test_final_states_are_those_of_the_cpu():
    cpu, several, devices = engines()
    points = np.linspace(-1, 1, 901)[:, None]
    run = {"steps": 33, "seed": 2, "first_path": 7}
    assert np.array_equal(cpu.integrate(points, **run), several.integrate(points, **run))
    assert all(device.launches for device in devices)


def test_fewer_paths_than_devices():
    cpu, several, _ = engines()
    run = {"paths": 1, "max_steps": 400, "seed": 3}
    assert (
        several.first_passage(START, **run).steps.tolist() == cpu.first_passage(START, **run).steps.tolist()
    )


def test_an_interrupt_stops_all_and_keeps_what_has_ended(monkeypatch):
    monkeypatch.setattr("simdyn.engines.gpu._CALL_SECONDS", 0.0)
    monkeypatch.setattr("simdyn.engines.gpu._SHORTEST", 4)
    _, several, _ = engines()
    run = {"paths": 20_000, "max_steps": 2000, "seed": 6}

    def interrupt(tally):
        if tally.events >= 1000 and not interrupted:
            interrupted.append(tally.events)
            raise KeyboardInterrupt

    interrupted: list[int] = []
    part = several.first_passage(START, **run, report=interrupt)
    assert interrupted
    assert not part.complete
    assert interrupted[0] <= part.exited.sum() < 20_000


def test_questions_use_all_devices(monkeypatch):
    """With recorders, too, which look at states on the device that holds them."""
    devices = []

    class Numbered(DeviceUnderTest):
        def __init__(self, number=0):
            super().__init__()
            devices.append(self)

        @staticmethod
        def count():
            return 2

    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", Numbered)
    asked = {"paths": 1100, "steps": 40, "record": ["final", "moments", "histogram"]}
    first, second = (
        simdyn.simulate(double_well(), SGLD(0.05, 0.12), "x=-1", backend=b, **asked) for b in ("cpu", "gpu")
    )
    assert first.equals(second)
    assert len(devices) == 2
    assert {name for device in devices for name, _ in device.launches} >= {"integrate", "moments_of_leaves"}
    assert all(device.launches for device in devices)
