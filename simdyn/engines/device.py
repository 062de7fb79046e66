"""The device that a GPU engine runs on, by way of CuPy, in the few calls that engines make."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from simdyn.errors import InputError
from simdyn.lowering import cached_file
from simdyn.noise.cuda_source import COMPILER_OPTIONS

Kernel = Callable[[tuple[int], tuple[int], Sequence[Any]], None]
"""Launched with the number of blocks, the threads of each, and its arguments: device arrays and NumPy scalars
of the very types of its parameters."""


class Device(Protocol):
    """What a GPU engine needs of a device."""

    name: str
    processors: int

    def kernel(self, source: str, name: str) -> Kernel:
        """A kernel of a source text, compiled when it is first asked for."""

    def upload(self, array: np.ndarray) -> Any:
        """A copy on the device, contiguous."""

    def download(self, array: Any) -> np.ndarray:
        """A copy on the host; waits for kernels that have been launched."""

    def free_memory(self) -> int:
        """Bytes that arrays may take."""


@dataclass(frozen=True)
class OnDevice:
    """States of some paths where they are, shape (state_dim, n)."""

    device: Device
    states: Any


class CupyDevice:
    """One of the CUDA devices that CuPy sees.

    Parameters
    ----------
    number
        From 0; those that the environment variable CUDA_VISIBLE_DEVICES hides are not counted.

    Raises
    ------
    InputError
        No CuPy, or no device that it can use.
    """

    def __init__(self, number: int = 0) -> None:
        reason = missing_device()
        if reason:
            raise InputError(f'backend="gpu" cannot be used: {reason}; use backend="cpu".')
        import cupy

        self._cupy = cupy
        # Runs go on in other threads, each of which has a current device of its own.
        self._device = cupy.cuda.Device(number)
        properties = cupy.cuda.runtime.getDeviceProperties(self._device.id)
        self.name = properties["name"].decode()
        self.processors = int(properties["multiProcessorCount"])
        capability = self._device.compute_capability
        if int(capability) not in cupy.cuda.nvrtc.getSupportedArchs():
            version = ".".join(str(part) for part in cupy.cuda.nvrtc.getVersion())
            raise InputError(
                f'backend="gpu" cannot be used: NVRTC {version} does not know the {self.name} (compute '
                f'capability {capability}); install another version of CUDA, or use backend="cpu".'
            )
        self._architecture = f"sm_{capability}"
        self._module = cache(self._loaded)

    @staticmethod
    def count() -> int:
        """How many devices there are; 0 without CuPy, too."""
        if missing_device():
            return 0
        import cupy

        return int(cupy.cuda.runtime.getDeviceCount())

    def kernel(self, source: str, name: str) -> Kernel:
        """A kernel of a source text, compiled when it is first asked for."""
        with self._device:
            function = self._module(source).get_function(name)

        def launch(grid: tuple[int], block: tuple[int], arguments: Sequence[Any]) -> None:
            with self._device:
                function(grid, block, tuple(arguments))

        return launch

    def upload(self, array: np.ndarray) -> Any:
        """A copy on the device, contiguous."""
        with self._device:
            return self._cupy.array(np.ascontiguousarray(array))

    def download(self, array: Any) -> np.ndarray:
        """A copy on the host; waits for kernels that have been launched."""
        with self._device:
            return np.asarray(self._cupy.asnumpy(array))

    def _loaded(self, source: str) -> Any:
        """The module of a source text, from the cache folder."""
        text = repr((source, COMPILER_OPTIONS, self._architecture, self._cupy.cuda.nvrtc.getVersion()))
        name = f"simdyn_device_{hashlib.sha256(text.encode()).hexdigest()[:24]}.cubin"
        path = cached_file(name, lambda: compiled(source, self._architecture)[0])
        return self._cupy.RawModule(path=str(path))

    def free_memory(self) -> int:
        """Bytes that arrays may take: what is free, and what CuPy keeps in reserve."""
        with self._device:
            free, _ = self._cupy.cuda.runtime.memGetInfo()
            return int(free + self._cupy.get_default_memory_pool().free_bytes())


def compiled(source: str, architecture: str, *options: str) -> tuple[bytes, str]:
    """Machine code of a source text for an architecture such as "sm_90", and what the compiler said.

    By NVRTC itself, which needs no GPU: `cupy.RawModule` would compile with -ftz=true, and then float32
    numbers below 1e-38 would not be what they are on the CPU.

    Raises
    ------
    RuntimeError
        A text that does not compile, which no text of ours should be.
    """
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(source, "simdyn.cu", (), ())
    try:
        nvrtc.compileProgram(program, (*COMPILER_OPTIONS, f"--gpu-architecture={architecture}", *options))
        return nvrtc.getCUBIN(program), nvrtc.getProgramLog(program)
    except nvrtc.NVRTCError as error:
        raise RuntimeError(f"{error}: {nvrtc.getProgramLog(program)}") from None
    finally:
        nvrtc.destroyProgram(program)


_ENTRY = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores.*?"
    r"Used (\d+) registers",
    re.DOTALL,
)


@dataclass(frozen=True)
class Usage:
    """What a thread of a kernel takes: registers, bytes that do not fit them, bytes of its stack frame."""

    registers: int
    spilled: int
    stack: int


def usage_of(source: str, architecture: str) -> dict[str, Usage]:
    """What each kernel of a source takes on an architecture such as "sm_90"."""
    found = _ENTRY.findall(compiled(source, architecture, "--ptxas-options=-v")[1])
    if len(found) != source.count('extern "C" __global__ void'):
        raise RuntimeError(f"The compiler tells of {len(found)} kernels, but the source has more or fewer.")
    return {
        name: Usage(int(registers), int(spilled), int(stack)) for name, stack, spilled, registers in found
    }


@cache
def missing_device() -> str:
    """Why there is no GPU to run on, as a part of a sentence; empty if there is one."""
    if importlib.util.find_spec("cupy") is None:
        return 'CuPy is not installed (pip install "simdyn[cuda12]", or "simdyn[cuda13]" for CUDA 13)'
    import cupy

    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CuPy finds no usable GPU ({error})"
    if not count:
        return "CuPy finds no GPU"
    try:
        cupy.cuda.nvrtc.getVersion()
    except (ImportError, OSError, RuntimeError) as error:
        return f"CuPy finds a GPU, but not the compiler NVRTC ({str(error).splitlines()[0]})"
    return ""
