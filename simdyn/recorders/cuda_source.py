"""Passes over states on the device: moments, histograms, and counts of paths that have left all bounds.

They compute what `simdyn.recorders.kernels` computes, to the bit. Sums of real numbers go over the paths of a
leaf by halving, one block of threads for each leaf, and then over the tree of pairs, level by level: which
numbers are added to which depends on the numbers of the paths alone. All else is counted in integers, or is a
least or greatest value, for which the order in which threads come does not matter.
"""

from __future__ import annotations

from functools import cache

from simdyn.lowering import DIVERGENCE_BOUND
from simdyn.noise.cuda_source import device_functions
from simdyn.recorders.pairs import LEAF

_PASSES = """
typedef {real} REAL;
#define LEAF {leaf}

// Column p of x, which has dim rows and `paths` columns, is one path.
DEVICE bool is_inside(const REAL *x, i64 paths, int dim, i64 p) {{
    bool inside = true;
    for (int i = 0; i < dim; i++) inside = inside & (magnitude(x[i * paths + p]) < (REAL){bound});
    return inside;
}}

extern "C" __global__ void count_outside(const REAL *x, i64 paths, int dim, u64 *count) {{
    const i64 p = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (p < paths && !is_inside(x, paths, dim, p)) atomicAdd(count, (u64)1);
}}

// The sum over a block of LEAF threads, by halving; every thread gets it.
DEVICE double sum_of_leaf(double term, double *terms) {{
    const int t = threadIdx.x;
    terms[t] = term;
    __syncthreads();
    for (int half = LEAF / 2; half; half /= 2) {{
        if (t < half) terms[t] += terms[t + half];
        __syncthreads();
    }}
    const double sum = terms[0];
    __syncthreads();
    return sum;
}}

// Node b of `nodes` gets the moments of the LEAF paths from first + b LEAF on: count, means, and sums of
// a_i a_j, a_i^2 a_j and a_i^2 a_j^2 over the deviations a from the means. `size` numbers lie between nodes.
extern "C" __global__ void __launch_bounds__(LEAF) moments_of_leaves(
    const REAL *x, i64 paths, int dim, i64 first, double *nodes, int size) {{
    __shared__ double terms[LEAF];
    const i64 p = first + (i64)blockIdx.x * LEAF + threadIdx.x;
    const bool inside = p < paths && is_inside(x, paths, dim, p);
    double *node = nodes + (i64)blockIdx.x * size, *second = node + 1 + dim;
    double *third = second + dim * dim, *fourth = third + dim * dim;
    const bool writes = threadIdx.x == 0;
    const double count = sum_of_leaf(inside ? 1.0 : 0.0, terms);
    if (writes) node[0] = count;
    if (count == 0.0) return;
    for (int i = 0; i < dim; i++) {{
        const double mean = sum_of_leaf(inside ? (double)x[i * paths + p] : 0.0, terms) / count;
        if (writes) node[1 + i] = mean;
    }}
    __syncthreads();
    for (int i = 0; i < dim; i++) {{
        const double a = inside ? (double)x[i * paths + p] - node[1 + i] : 0.0;
        for (int k = 0; k < dim; k++) {{
            const double b = inside ? (double)x[k * paths + p] - node[1 + k] : 0.0;
            const double sum = sum_of_leaf(a * a * b, terms);
            if (writes) third[i * dim + k] = sum;
            if (k > i) continue;
            const double product = a * b;
            const double square = sum_of_leaf(product, terms), power = sum_of_leaf(product * product, terms);
            if (!writes) continue;
            second[i * dim + k] = second[k * dim + i] = square;
            fourth[i * dim + k] = fourth[k * dim + i] = power;
        }}
    }}
}}

// Sums over deviations from another point: with a' = a + e and sum(a) = 0, by expanding the products.
DEVICE void recentre(double *node, int dim, const double *centre) {{
    const double n = node[0];
    double *second = node + 1 + dim, *third = second + dim * dim, *fourth = third + dim * dim;
    for (int i = 0; i < dim; i++) {{
        const double e = node[1 + i] - centre[i];
        for (int k = 0; k < dim; k++) {{
            const double f = node[1 + k] - centre[k];
            fourth[i * dim + k] += 2.0 * f * third[i * dim + k] + 2.0 * e * third[k * dim + i]
                + 4.0 * e * f * second[i * dim + k] + f * f * second[i * dim + i]
                + e * e * second[k * dim + k] + n * (e * f) * (e * f);
        }}
    }}
    for (int i = 0; i < dim; i++) {{
        const double e = node[1 + i] - centre[i];
        for (int k = 0; k < dim; k++) {{
            const double f = node[1 + k] - centre[k];
            third[i * dim + k] += f * second[i * dim + i] + 2.0 * e * second[i * dim + k] + n * e * e * f;
        }}
    }}
    for (int i = 0; i < dim; i++) {{
        const double e = node[1 + i] - centre[i];
        for (int k = 0; k < dim; k++) second[i * dim + k] += n * e * (node[1 + k] - centre[k]);
    }}
    for (int i = 0; i < dim; i++) node[1 + i] = centre[i];
}}

// One level of the tree: node 2 s b gets what node 2 s b + s holds besides. The last dim numbers of a node
// are room for its centre.
extern "C" __global__ void merge_pairs(double *nodes, int dim, int size, i64 count, i64 s) {{
    const i64 place = 2 * s * ((i64)blockIdx.x * blockDim.x + threadIdx.x);
    if (place + s >= count) return;
    double *left = nodes + place * size, *right = left + s * size, *centre = left + size - dim;
    const int numbers = 1 + dim + 3 * dim * dim;
    if (right[0] == 0.0) return;
    if (left[0] == 0.0) {{
        for (int k = 0; k < numbers; k++) left[k] = right[k];
        return;
    }}
    const double share = right[0] / (left[0] + right[0]);
    for (int i = 0; i < dim; i++) centre[i] = left[1 + i] + (right[1 + i] - left[1 + i]) * share;
    recentre(left, dim, centre);
    recentre(right, dim, centre);
    left[0] += right[0];
    for (int k = 1 + dim; k < numbers; k++) left[k] += right[k];
}}

// Whole numbers in the order of the doubles that they stand for.
DEVICE i64 ordered(double value) {{
    const i64 bits = (i64)bits_of(value);
    return bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFFll);
}}

// Paths by the bin [edge, next) of one row, the last one closed; behind these, how many lie below all bins,
// above all bins and nowhere, for being outside. `ends` gets the least and the greatest value over the paths
// inside, as `ordered` numbers. The edges are (almost) equally spaced, so that a division finds the bin to
// within one; the edges have the last word.
extern "C" __global__ void count_in_bins(
    const REAL *x, i64 paths, int dim, int row, const double *edges, int bins, u64 *counts, i64 *ends) {{
    const i64 p = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (p >= paths) return;
    if (!is_inside(x, paths, dim, p)) {{
        atomicAdd(&counts[bins + 2], (u64)1);
        return;
    }}
    const double value = (double)x[row * paths + p], low = edges[0], high = edges[bins];
    const double scale = (double)bins / (high - low);
    atomicMin(&ends[0], ordered(value));
    atomicMax(&ends[1], ordered(value));
    int k;
    if (value < low) k = bins;
    else if (value > high) k = bins + 1;
    else {{
        k = (int)((value - low) * scale);
        k = k < 0 ? 0 : k > bins - 1 ? bins - 1 : k;
        while (k > 0 && value < edges[k]) k--;
        while (k < bins - 1 && value >= edges[k + 1]) k++;
    }}
    atomicAdd(&counts[k], (u64)1);
}}
"""


@cache
def passes_source(dtype: str) -> str:
    """The device text of the passes over states of a dtype."""
    real = "double" if dtype == "float64" else "float"
    return device_functions() + _PASSES.format(real=real, leaf=LEAF, bound=repr(DIVERGENCE_BOUND))
