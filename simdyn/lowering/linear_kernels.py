"""The kernel of products of random matrices: lengths of paths in log scale, renormalised on the way."""

from __future__ import annotations

from simdyn.lowering.machine_code import MachineCode, loaded_code

LANES = 64
"""Paths that are advanced side by side."""

SOURCE = f'''"""Written by simdyn; do not edit. Its name is the hash of its content."""
import math

import numpy as np
from numba import njit, uint64
from simdyn.noise.device import inner, log, prefer_wide_vectors
from simdyn.noise.indices import (
    SPARE, batch_bounds, draw_below, fill_normals, keep_distinct, shuffle,
)

LANES = {LANES}


@inner
def draw_block(index, lanes, first_path, block, span, batch, mode, order, draws, bounds, words, stamps, tick,
               key0, key1):
    """The samples of `span` steps of every lane: index[k, lane] for draw k. Modes: 0 with replacement, 1
    subsets, 2 one epoch, 3 all samples in every step."""
    size = stamps.size
    if mode == 3:
        for s in range(span):
            for m in range(batch):
                for lane in range(lanes):
                    index[s * batch + m, lane] = m
        return
    for lane in range(lanes):
        path = uint64(first_path + lane)
        if mode == 2:
            shuffle(order, block, path, key0, key1, draws, bounds, words)
            for k in range(span * batch):
                index[k, lane] = order[k]
            continue
        count = span * batch
        batch_bounds(bounds[:count], batch, size, mode == 1)
        draw_below(draws, bounds, block * count, count, path, key0, key1, words)
        if mode == 1 and batch > 1:
            tick[0] = keep_distinct(draws, span, batch, size, stamps, tick[0])
        for k in range(count):
            index[k, lane] = draws[k]


@inner
def start_directions(x, lanes, first_path, key0, key1, words, normals):
    """A uniformly random direction for each lane, from the first normals of its path; x[i, lane]."""
    dim = x.shape[0]
    for lane in range(lanes):
        offset = fill_normals(normals, 0, dim, uint64(first_path + lane), key0, key1, words)
        total = 0.0
        for i in range(dim):
            total += normals[offset + i] * normals[offset + i]
        for i in range(dim):
            x[i, lane] = normals[offset + i] / math.sqrt(total)


@inner
def renormalise(x, v, momentum, scale, lanes):
    """Bring states to length 1 and add the logarithms of their lengths to `scale`."""
    dim = x.shape[0]
    for lane in range(lanes):
        total = 0.0
        for i in range(dim):
            total += x[i, lane] * x[i, lane]
            if momentum != 0.0:
                total += v[i, lane] * v[i, lane]
        if total > 0.0:
            length = math.sqrt(total)
            scale[lane] += log(length)
            for i in range(dim):
                x[i, lane] /= length
                v[i, lane] /= length
        else:
            scale[lane] = -math.inf


@inner
def record(x, scale, lanes, out, mark):
    """The logarithms of |x|."""
    dim = x.shape[0]
    for lane in range(lanes):
        total = 0.0
        for i in range(dim):
            total += x[i, lane] * x[i, lane]
        out[lane, mark] = scale[lane] + 0.5 * log(total) if total > 0.0 else -math.inf


@inner
def pull_of_matrices(hessians, x, g, index, first, batch, lanes):
    """g = sum of H_i x over a batch, one matrix after the other."""
    dim = x.shape[0]
    if dim == 1:
        for lane in range(lanes):
            g[0, lane] = 0.0
        for m in range(batch):
            for lane in range(lanes):
                g[0, lane] += hessians[index[first + m, lane], 0, 0] * x[0, lane]
        return
    for i in range(dim):
        for lane in range(lanes):
            g[i, lane] = 0.0
    for m in range(batch):
        for i in range(dim):
            for j in range(dim):
                for lane in range(lanes):
                    g[i, lane] += hessians[index[first + m, lane], i, j] * x[j, lane]


@inner
def pull_of_factors(factors, x, g, index, first, batch, lanes, row, turned):
    """The same for H_i = F_i' F_i."""
    dim, outputs = x.shape[0], factors.shape[1]
    for lane in range(lanes):
        for i in range(dim):
            row[i] = x[i, lane]
            turned[i] = 0.0
        for m in range(batch):
            sample = index[first + m, lane]
            for c in range(outputs):
                product = 0.0
                for i in range(dim):
                    product += factors[sample, c, i] * row[i]
                for i in range(dim):
                    turned[i] += factors[sample, c, i] * product
        for i in range(dim):
            g[i, lane] = turned[i]


@njit(nogil=True, error_model="numpy")
def grow(out, first_path, steps, marks, curvatures, factored, rate, momentum, batch, mode, span, every,
         key0, key1):
    """log|x| of each path at the steps of `marks`, for |x| = 1 at step 0; out[path, mark]."""
    prefer_wide_vectors()
    size, dim = curvatures.shape[0], curvatures.shape[2]
    count = max(span * batch, size if mode == 2 else 0)
    index = np.empty((span * batch, LANES), dtype=np.int64)
    draws = np.empty(count + SPARE, dtype=np.int64)
    order = np.empty(size, dtype=np.int64)
    bounds = np.empty(count, dtype=np.uint64)
    words = np.empty(max(count, dim) + SPARE, dtype=np.uint64)
    normals = np.empty(dim + SPARE)
    stamps, tick = np.zeros(size, dtype=np.int64), np.zeros(1, dtype=np.int64)
    x, v, g = np.empty((dim, LANES)), np.empty((dim, LANES)), np.empty((dim, LANES))
    scale, row, turned = np.empty(LANES), np.empty(dim), np.empty(dim)
    factor = rate / batch
    for begin in range(0, out.shape[0], LANES):
        lanes = min(LANES, out.shape[0] - begin)
        start_directions(x, lanes, first_path + begin, key0, key1, words, normals)
        for lane in range(lanes):
            scale[lane] = 0.0
            for i in range(dim):
                v[i, lane] = 0.0
        mark, step, block = 0, 0, 0
        while step < steps:
            draw_block(index, lanes, first_path + begin, block, span, batch, mode, order, draws, bounds,
                       words, stamps, tick, key0, key1)
            block += 1
            for s in range(min(span, steps - step)):
                if factored:
                    pull_of_factors(curvatures, x, g, index, s * batch, batch, lanes, row, turned)
                else:
                    pull_of_matrices(curvatures, x, g, index, s * batch, batch, lanes)
                if momentum == 0.0:
                    for i in range(dim):
                        for lane in range(lanes):
                            x[i, lane] -= factor * g[i, lane]
                else:
                    for i in range(dim):
                        for lane in range(lanes):
                            v[i, lane] = momentum * v[i, lane] - factor * g[i, lane]
                            x[i, lane] += v[i, lane]
                step += 1
                if step % every == 0:
                    renormalise(x, v, momentum, scale, lanes)
                if mark < marks.size and step == marks[mark]:
                    record(x, scale, lanes, out[begin:begin + LANES], mark)
                    mark += 1
'''


def linear_kernels() -> MachineCode:
    """The kernel `grow`."""
    return loaded_code(SOURCE)
