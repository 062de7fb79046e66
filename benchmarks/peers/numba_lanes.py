"""Kernels in Numba, written by hand for each landscape: what code that is generated should be measured by.

They are built of the same device functions for words, normals and exponentials as simdyn's and laid out as an
expert would: loops over 256 paths that vectorise, one for words, one for normals, one for steps. Gradient and
noise are written out. With the same key they compute the same paths as simdyn but for rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, uint64

from simdyn.noise.device import (
    distinct_arrays,
    exp,
    fma,
    four_normals,
    philox_opening,
    philox_twice,
    prefer_wide_vectors,
)

LANES = 256
_HALF = np.uint64(LANES // 2)
_1, _2, _3 = np.uint64(LANES), np.uint64(2 * LANES), np.uint64(3 * LANES)
_kernel: Any = njit(nogil=True, error_model="numpy")
_inlined: Any = njit(error_model="numpy", inline="always")


@_kernel
def open_paths(opened: Any, first_path: Any, key0: Any, key1: Any) -> None:
    """What words owe to the numbers of 256 paths alone."""
    distinct_arrays()
    prefer_wide_vectors()
    for j in range(_1):
        opened[j], opened[_1 + j], opened[_2 + j] = philox_opening(uint64(0), first_path + j, key0, key1)


@_kernel
def draw(normals: Any, words: Any, opened: Any, block: Any, key0: Any, key1: Any) -> None:
    """Four normals for each of 256 paths; paths and blocks below 2^32."""
    distinct_arrays()
    prefer_wide_vectors()
    for j in range(_HALF):
        k = j + _HALF
        words[j], words[_1 + j], words[_2 + j], words[_3 + j], a, b, c, d = philox_twice(
            block, uint64(0), opened[j], opened[_1 + j], opened[_2 + j],
            block, uint64(0), opened[k], opened[_1 + k], opened[_2 + k], key0, key1,
        )  # fmt: skip
        words[k], words[_1 + k], words[_2 + k], words[_3 + k] = a, b, c, d
    for j in range(_1):
        a, b, c, d = four_normals(words[j], words[_1 + j], words[_2 + j], words[_3 + j])
        normals[j], normals[_1 + j], normals[_2 + j], normals[_3 + j] = a, b, c, d


@_kernel
def step_double_well(x: Any, normals: Any, dt: Any, noise: Any) -> None:
    """Four steps of 256 paths."""
    distinct_arrays()
    prefer_wide_vectors()
    for j in range(_1):
        q = x[0, j]
        for row in range(4):
            q = fma(-dt, q * fma(q, q, -1.0), fma(noise, normals[uint64(row) * _1 + j], q))
        x[0, j] = q


@_inlined
def gaussian(p: Any, q: Any, height: Any, a: Any, b: Any, c: Any, x: Any, y: Any) -> Any:
    """First derivatives and second ones by the same coordinate of height exp(a u^2 + b u v + c v^2)."""
    u, v = p - x, q - y
    term = height * exp(fma(u, fma(a, u, b * v), c * v * v))
    along_p, along_q = fma(2.0 * a, u, b * v), fma(b, u, 2.0 * c * v)
    curve_p, curve_q = fma(along_p, along_p, 2.0 * a), fma(along_q, along_q, 2.0 * c)
    return term * along_p, term * along_q, term * curve_p, term * curve_q


@_inlined
def kicked(q: Any, slope: Any, curve: Any, z: Any, dt: Any, noise: Any) -> Any:
    return fma(-dt, slope, fma(noise * math.sqrt(math.fabs(curve)), z, q))


@_inlined
def once_muller_brown(p: Any, q: Any, z: Any, w: Any, dt: Any, noise: Any) -> Any:
    g0, h0, k0, m0 = gaussian(p, q, -200.0, -1.0, 0.0, -10.0, 1.0, 0.0)
    g1, h1, k1, m1 = gaussian(p, q, -100.0, -1.0, 0.0, -10.0, 0.0, 0.5)
    g2, h2, k2, m2 = gaussian(p, q, -170.0, -6.5, 11.0, -6.5, -0.5, 1.5)
    g3, h3, k3, m3 = gaussian(p, q, 15.0, 0.7, 0.6, 0.7, -1.0, 1.0)
    moved = kicked(p, g0 + g1 + g2 + g3, k0 + k1 + k2 + k3, z, dt, noise)
    return moved, kicked(q, h0 + h1 + h2 + h3, m0 + m1 + m2 + m3, w, dt, noise)


@_kernel
def step_muller_brown(x: Any, normals: Any, dt: Any, noise: Any) -> None:
    """Two steps of 256 paths."""
    distinct_arrays()
    prefer_wide_vectors()
    for j in range(_1):
        # Both steps are written out: a loop around them would keep the loop over paths from being vectorised.
        p, q = once_muller_brown(x[0, j], x[1, j], normals[j], normals[_1 + j], dt, noise)
        x[0, j], x[1, j] = once_muller_brown(p, q, normals[_2 + j], normals[_3 + j], dt, noise)


def kernel_of(step: Any, steps_of_block: int) -> Any:
    """A function (x, steps, dt, noise, key0, key1) that advances the columns of x, shape (dim, paths), in
    place; paths in a multiple of `LANES`, steps in one of `steps_of_block`."""

    @_kernel
    def advance(x: Any, steps: Any, dt: Any, noise: Any, key0: Any, key1: Any) -> None:
        normals, words = np.empty(4 * LANES), np.empty(4 * LANES, np.uint64)
        opened = np.empty(3 * LANES, np.uint64)
        for begin in range(0, x.shape[1], LANES):
            open_paths(opened, uint64(begin), key0, key1)
            lanes = x[:, begin : begin + LANES].copy()
            for block in range(steps // steps_of_block):
                draw(normals, words, opened, uint64(block), key0, key1)
                step(lanes, normals, dt, noise)
            x[:, begin : begin + LANES] = lanes

    return advance


KERNELS = {"double_well": kernel_of(step_double_well, 4), "muller_brown": kernel_of(step_muller_brown, 2)}
