"""Hand-written vector kernels in C++, with the same random words as simdyn's: what the processor can do.

Compiled on first use with g++ for this machine; a register of paths at a time, four or eight. The
coefficients of logarithm, sine, cosine and exponential are simdyn's, so that both are equally accurate, and
with the same key both compute the same paths but for rounding.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import PeerUnavailable
from simdyn.noise import polynomials

SOURCES = Path(__file__).parent.parent / "reference"
FLAGS = ("-O3", "-march=native", "-std=c++17", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")

if shutil.which("g++") is None:
    raise PeerUnavailable("g++ is not on the PATH")

_build_folder = tempfile.TemporaryDirectory(prefix="simdyn-benchmark-")


def coefficients() -> Mapping[str, Sequence[float]]:
    """The tables of reference/philox_normals.hpp; angles come in units of 2^-22 quarter turns."""
    sine, cosine = polynomials.TURN_SIN_64, polynomials.TURN_COS_64
    return {
        "RADIUS_EVEN": polynomials.RADIUS_64[::2],
        "RADIUS_ODD": polynomials.RADIUS_64[1::2],
        "TURN_SIN": [c * 2.0 ** (-22 * (2 * n + 1)) for n, c in enumerate(sine)],
        "TURN_COS": [c * 2.0 ** (-44 * n) for n, c in enumerate(cosine)],
        "EXP": polynomials.EXP_64,
    }


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """Compile reference/<source>_lanes.cpp and load it."""
    folder = Path(_build_folder.name)
    tables = (
        f"static constexpr double {name}[] = {{{', '.join(float(c).hex() for c in values)}}};\n"
        for name, values in coefficients().items()
    )
    (folder / "coefficients.hpp").write_text("#pragma once\n" + "".join(tables))
    target = folder / f"{source}_lanes.so"
    command = ["g++", *FLAGS, f"-I{folder}", str(SOURCES / f"{source}_lanes.cpp"), "-o", str(target)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(target))


def advance(
    source: str, x: NDArray[np.float64], steps: int, dt: float, noise: float, key: tuple[int, int]
) -> None:
    """Advance the columns of x, shape (dim, paths), in place."""
    function = library(source).advance
    function.restype = None
    function(
        ctypes.c_void_p(x.ctypes.data),
        ctypes.c_int64(x.shape[1]),
        ctypes.c_int64(steps),
        ctypes.c_double(dt),
        ctypes.c_double(noise),
        ctypes.c_uint32(key[0]),
        ctypes.c_uint32(key[1]),
    )
