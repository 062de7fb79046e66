"""The processor, as far as it matters to the kernels."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from simdyn.engines.threads import default_threads

_EXTENSIONS = {"avx512f": "AVX-512", "avx2": "AVX2", "fma": "FMA", "sve": "SVE", "neon": "NEON"}
"""LLVM's names of the extensions that kernels gain from."""


@dataclass(frozen=True)
class Machine:
    """A processor.

    Attributes
    ----------
    processor
        Its name.
    cores, usable_cores
        Logical cores of the machine, and those that this process may use.
    extensions
        Vector extensions that compiled kernels use.
    """

    processor: str
    cores: int
    usable_cores: int
    extensions: tuple[str, ...]

    def record(self) -> dict[str, object]:
        """Plain data."""
        return {**asdict(self), "extensions": list(self.extensions)}

    def __str__(self) -> str:
        said = ", ".join(self.extensions) or "no vector extensions that kernels know"
        return f"{self.processor}; {self.usable_cores} of {self.cores} cores usable; {said}"


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(_processor(), os.cpu_count() or 1, default_threads(None), vector_extensions())


def vector_extensions() -> tuple[str, ...]:
    """What LLVM, which compiles the kernels, finds in the processor."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return tuple(said for name, said in _EXTENSIONS.items() if features.get(name))


def _processor() -> str:
    system = platform.system()
    if system == "Linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    if system == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()
