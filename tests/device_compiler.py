"""Device sources compiled by NVRTC, NVIDIA's run-time compiler, which needs no GPU."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from simdyn.noise.cuda_source import COMPILER_OPTIONS


def _missing() -> str:
    try:
        from cuda.bindings import nvrtc
    except ImportError:
        return "NVRTC is not installed (pip install simdyn[nvrtc])"
    try:
        nvrtc.nvrtcVersion()
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


def compiled(source: str, architecture: str) -> dict[str, Usage]:
    """What each kernel of a source takes on an architecture such as "sm_90"; fails where it does not
    compile."""
    from cuda.bindings import nvrtc

    options = [*COMPILER_OPTIONS, f"--gpu-architecture={architecture}", "--ptxas-options=-v"]
    _, program = nvrtc.nvrtcCreateProgram(source.encode(), b"kernels.cu", 0, [], [])
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), [o.encode() for o in options])
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = b" " * size
    nvrtc.nvrtcGetProgramLog(program, log)
    text = log.decode(errors="replace")
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, text[:3000]
    assert "error" not in text, text[:3000]
    found = _ENTRY.findall(text)
    return {
        name: Usage(int(registers), int(spilled), int(stack)) for name, stack, spilled, registers in found
    }
