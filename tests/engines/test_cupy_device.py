"""The calls that reach CuPy, with a stand-in for it whose modules run on this machine."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from host_build import HostModule, needs_compiler

import simdyn.engines.device as device
from potentials import double_well
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.gpu import GpuEngine
from simdyn.errors import InputError


class StandIn:
    """As much of CuPy as the engine calls; arrays are NumPy's."""

    class Device:
        compute_capability = "90"
        id = 1
        entered = threading.local()

        def __init__(self, number):
            assert number == 0

        def __enter__(self):
            self.entered.depth = getattr(self.entered, "depth", 0) + 1

        def __exit__(self, *_):
            self.entered.depth -= 1

    class RawModule:
        """Its file holds the source text here, not machine code."""

        def __init__(self, *, path):
            with open(path) as file:
                self.built = HostModule(file.read())

        def get_function(self, name):
            function = self.built.get_function(name)

            def kernel(grid, block, arguments):
                # A launch goes to the device that is current in its thread.
                assert StandIn.Device.entered.depth == 1
                assert all(isinstance(part, tuple) for part in (grid, block, arguments))
                assert all(isinstance(a, np.ndarray | np.generic) for a in arguments)
                function(grid, block, arguments)

            return kernel

    class CUDARuntimeError(RuntimeError):
        pass

    def __init__(self, devices=1, architectures=(80, 90)):
        def count():
            if devices is None:
                raise self.CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
            return devices

        properties = {"name": b"Test GPU", "multiProcessorCount": 2}
        self.cuda = SimpleNamespace(
            Device=self.Device,
            runtime=SimpleNamespace(
                getDeviceCount=count,
                getDeviceProperties=lambda number: properties,
                memGetInfo=lambda: (1 << 30, 1 << 34),
                CUDARuntimeError=self.CUDARuntimeError,
            ),
            nvrtc=SimpleNamespace(getVersion=lambda: (12, 9), getSupportedArchs=lambda: list(architectures)),
        )
        self.array, self.asnumpy = np.array, np.array
        self.get_default_memory_pool = lambda: SimpleNamespace(free_bytes=lambda: 1 << 20)


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Puts a stand-in where CuPy would be."""
    compilations = []

    def compiled(source, architecture):
        compilations.append(architecture)
        return source.encode(), ""

    def put(**options):
        cupy = StandIn(**options)
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: name)
        monkeypatch.setattr(device, "compiled", compiled)
        monkeypatch.setenv("SIMDYN_CACHE", str(tmp_path))
        device.missing_device.cache_clear()
        return compilations

    yield put
    device.missing_device.cache_clear()


@needs_compiler
def test_an_engine_runs_through_it_and_compiles_once(stand_in):
    update = SGLD(0.05, 0.1).update(double_well())
    points = np.linspace(-1, 1, 500)[:, None]
    run = {"steps": 9, "seed": 1}
    # Before the cache is another, empty one.
    expected = CpuEngine(update, threads=1).integrate(points, **run)
    compilations = stand_in()
    for _ in range(2):
        engine = GpuEngine(update)
        assert (engine.device.name, engine.device.processors) == ("Test GPU", 2)
        assert engine.device.free_memory() == (1 << 30) + (1 << 20)
        found = []
        worker = threading.Thread(target=lambda e=engine, f=found: f.append(e.integrate(points, **run)))
        worker.start()
        worker.join()
    assert compilations == ["sm_90"]
    assert np.array_equal(found[0], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": 0}, "CuPy finds no GPU"),
        ({"devices": None}, "cudaErrorNoDevice"),
        ({"architectures": (80,)}, "NVRTC 12.9 does not know the Test GPU .compute capability 90."),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(stand_in, options, message):
    stand_in(**options)
    with pytest.raises(InputError, match=message) as refusal:
        GpuEngine(SGLD(0.05, 0.1).update(double_well()))
    assert str(refusal.value).startswith('backend="gpu" cannot be used: ')
    assert str(refusal.value).endswith('use backend="cpu".')


def test_a_missing_compiler_is_named(stand_in, monkeypatch):
    stand_in()
    import cupy

    def fail():
        raise RuntimeError("libnvrtc.so.12 not found\nin any folder")

    monkeypatch.setattr(cupy.cuda.nvrtc, "getVersion", fail)
    with pytest.raises(InputError, match=r"not the compiler NVRTC \(libnvrtc.so.12 not found\); use"):
        GpuEngine(SGLD(0.05, 0.1).update(double_well()))
