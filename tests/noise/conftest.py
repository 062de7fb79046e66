from __future__ import annotations

import pytest

SOURCE = '''
import numpy as np
from numba import njit, uint64
from simdyn.noise.device import (
    cos, cos32, exp, exp32, log, log32, normal_pair, normal_pair32, normal_pair_wide, philox, sin, sin32,
    uniform, uniform32,
)

@njit
def words(c0, c1, c2, c3, k0, k1):
    return philox(c0, c1, c2, c3, k0, k1)

@njit
def pairs(w0, w1):
    out = np.empty((len(w0), 2))
    for i in range(len(w0)):
        out[i, 0], out[i, 1] = normal_pair(w0[i], w1[i])
    return out

@njit
def pairs32(w0, w1):
    out = np.empty((len(w0), 2), dtype=np.float32)
    for i in range(len(w0)):
        out[i, 0], out[i, 1] = normal_pair32(w0[i], w1[i])
    return out

@njit
def pairs_wide(w0, w1, w2, w3):
    out = np.empty((len(w0), 2))
    for i in range(len(w0)):
        out[i, 0], out[i, 1] = normal_pair_wide(w0[i], w1[i], w2[i], w3[i])
    return out

@njit
def stream(blocks, path, k0, k1):
    """Words of purpose 0 of one path, shape (blocks, 4)."""
    out = np.empty((blocks, 4), dtype=np.uint64)
    for b in range(blocks):
        out[b, 0], out[b, 1], out[b, 2], out[b, 3] = philox(
            uint64(b), uint64(b) >> uint64(32), path, path >> uint64(32), k0, k1
        )
    return out
'''
for _name in ("exp", "log", "sin", "cos", "exp32", "log32", "sin32", "cos32", "uniform", "uniform32"):
    _kind = "np.float32" if _name.endswith("32") else "np.float64"
    SOURCE += f"""
@njit
def {_name}_of(x):
    out = np.empty(len(x), dtype={_kind})
    for i in range(len(x)):
        out[i] = {_name}(x[i])
    return out
"""


@pytest.fixture(scope="session")
def device():
    """Device functions over arrays, in a module that is cached under the hash of all it is made of."""
    from simdyn.lowering import load_kernels

    return load_kernels(SOURCE.replace("@njit", "@njit(cache=True)"))
