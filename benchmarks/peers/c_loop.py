"""A scalar C++ loop over paths, compiled on first use with g++ for this machine, called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.contest import Contestant, PeerUnavailable, Sample, Workload
from benchmarks.path_blocks import in_blocks

NAME = "C, xoshiro256++ and ziggurat"
SOURCES = Path(__file__).parent.parent / "reference"
FLAGS = ("-O3", "-march=native", "-std=c++17", "-shared", "-fPIC")

if shutil.which("g++") is None:
    raise PeerUnavailable("g++ is not on the PATH")

_build_folder = tempfile.TemporaryDirectory(prefix="simdyn-benchmark-")


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """Compile reference/<source>.cpp and load it."""
    target = Path(_build_folder.name) / f"{source}.so"
    subprocess.run(["g++", *FLAGS, str(SOURCES / f"{source}.cpp"), "-o", str(target)], check=True)
    loaded = ctypes.CDLL(str(target))
    loaded.simulate.restype = None
    return loaded


def final_positions(workload: Workload, paths: int, threads: int, seed: int) -> Sample:
    simulate = library(workload.name).simulate
    x = np.full((paths, workload.dim), workload.start)

    def block(first: int, last: int) -> None:
        simulate(
            ctypes.c_void_p(x[first:last].ctypes.data),
            ctypes.c_int64(last - first),
            ctypes.c_int64(workload.steps),
            ctypes.c_double(workload.dt),
            ctypes.c_double(workload.noise),
            ctypes.c_uint64((seed << 32) + first),
        )

    in_blocks(block, paths, threads)
    return x


def stopping_steps(workload: Workload, paths: int, threads: int, seed: int) -> Sample:
    simulate = library(workload.name).simulate
    stopped = np.empty(paths, np.int64)

    def block(first: int, last: int) -> None:
        simulate(
            ctypes.c_void_p(stopped[first:last].ctypes.data),
            ctypes.c_int64(last - first),
            ctypes.c_int64(workload.steps),
            ctypes.c_double(workload.start),
            ctypes.c_double(workload.exit_above),
            ctypes.c_double(workload.dt),
            ctypes.c_double(workload.noise),
            ctypes.c_uint64((seed << 32) + first),
        )

    in_blocks(block, paths, threads)
    return stopped


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    simulate = final_positions if workload.exit_above is None else stopping_steps
    paths = 20_000 // workload.dim
    return [Contestant(name=NAME, paths=paths, run=lambda seed: simulate(workload, paths, threads, seed))]
