"""A scalar C++ loop over paths, compiled on first use with g++ for this machine, called through ctypes.

In one dimension, beside the loop as the formula is written stands one that adds the kick first, which lets
the processor do more of a step at once (the compiler may not make this change by itself). With several
coordinates, which do not wait for each other, the order makes no difference.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Contestant, PeerUnavailable, Sample, Workload
from benchmarks.path_blocks import in_blocks

NAMES = {
    "as_written": "C, xoshiro256++ and ziggurat",
    "kick_first": "C, xoshiro256++ and ziggurat, kick first",
}
SOURCES = Path(__file__).parent.parent / "reference"
FLAGS = ("-O3", "-march=native", "-std=c++17", "-shared", "-fPIC")
INT, REAL, SEED = ctypes.c_int64, ctypes.c_double, ctypes.c_uint64

if shutil.which("g++") is None:
    raise PeerUnavailable("g++ is not on the PATH")

_build_folder = tempfile.TemporaryDirectory(prefix="simdyn-benchmark-")


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """Compile reference/<source>.cpp and load it."""
    target = Path(_build_folder.name) / f"{source}.so"
    subprocess.run(["g++", *FLAGS, str(SOURCES / f"{source}.cpp"), "-o", str(target)], check=True)
    return ctypes.CDLL(str(target))


def simulate(workload: Workload, function: str, sample: Sample, seed: int, *arguments: Any) -> None:
    """Call a function of the workload's library on a block of paths, which it fills."""
    compiled = library(workload.name)[function]
    compiled.restype = None
    step = REAL(workload.dt), REAL(workload.noise), SEED(seed)
    compiled(ctypes.c_void_p(sample.ctypes.data), INT(len(sample)), INT(workload.steps), *arguments, *step)


def final_positions(workload: Workload, function: str, paths: int, threads: int, seed: int) -> Sample:
    x = np.full((paths, workload.dim), workload.start)
    in_blocks(
        lambda first, last: simulate(workload, function, x[first:last], (seed << 32) + first), paths, threads
    )
    return x


def stopping_steps(workload: Workload, function: str, paths: int, threads: int, seed: int) -> Sample:
    stopped = np.empty(paths, np.int64)
    assert workload.exit_above is not None
    bounds = REAL(workload.start), REAL(workload.exit_above)

    def block(first: int, last: int) -> None:
        simulate(workload, function, stopped[first:last], (seed << 32) + first, *bounds)

    in_blocks(block, paths, threads)
    return stopped


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    sample = final_positions if workload.exit_above is None else stopping_steps
    paths = 20_000 // workload.dim
    return [
        Contestant(name=name, paths=paths, run=functools.partial(sample, workload, function, paths, threads))
        for function, name in NAMES.items()
        if function == "as_written" or workload.dim == 1
    ]
