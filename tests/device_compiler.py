"""Device sources compiled as on a machine with a GPU: NVRTC, NVIDIA's run-time compiler, needs none."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from simdyn.engines.device import compiled


def _missing() -> str:
    try:
        from cupy.cuda import nvrtc
    except ImportError:
        return "CuPy is not installed, nor with it NVRTC (pip install simdyn[cuda12])"
    try:
        nvrtc.getVersion()
    except Exception as error:  # whatever the loader of NVIDIA's libraries raises
        return f"NVRTC cannot be loaded: {str(error).splitlines()[0]}"
    return ""


needs_nvrtc = pytest.mark.skipif(bool(_missing()), reason=_missing() or "NVRTC is there")


@dataclass(frozen=True)
class Usage:
    """What a thread of a kernel takes: registers, bytes that do not fit them, bytes of its stack frame."""

    registers: int
    spilled: int
    stack: int


_ENTRY = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores.*?"
    r"Used (\d+) registers",
    re.DOTALL,
)


def usage_of(source: str, architecture: str) -> dict[str, Usage]:
    """What each kernel of a source takes on an architecture such as "sm_90"."""
    machine_code, said = compiled(source, architecture, "--ptxas-options=-v")
    assert machine_code[:4] == b"\x7fELF"
    found = _ENTRY.findall(said)
    assert len(found) == source.count('extern "C" __global__ void')
    return {
        name: Usage(int(registers), int(spilled), int(stack)) for name, stack, spilled, registers in found
    }
