"""The noise in CUDA C, built for the host, gives the bits of the Numba functions."""

from __future__ import annotations

import numpy as np
import pytest
import reference_philox as reference
from host_build import HostModule, needs_compiler

from simdyn.noise import Purpose, polynomials
from simdyn.noise.cuda_source import device_functions, literal

pytestmark = needs_compiler

N = 4096
RNG = np.random.default_rng(3)
WORDS = RNG.integers(0, 2**32, (4, N), dtype=np.uint32)
EDGES = np.array(
    [0, 1, 2, 0x7FFFFF, 0x800000, 0x3FFFFFFF, 0x7FFFFFFF, 0x80000000, 2**32 - 1], dtype=np.uint32
)
WORDS[:, : EDGES.size**2] = np.stack(np.meshgrid(EDGES, EDGES)).reshape(2, -1)[[0, 1, 1, 0]]

KERNELS = """
extern "C" __global__ void draw(u64 first_block, u32 purpose, u64 path, u32 k0, u32 k1, u32 *out) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    Words w = words_of(first_block + i, purpose, path, k0, k1);
    out[4 * i] = w.w0; out[4 * i + 1] = w.w1; out[4 * i + 2] = w.w2; out[4 * i + 3] = w.w3;
}
extern "C" __global__ void pairs(const u32 *w, int n, double *out, double *wide, float *single) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Pair p = normal_pair(w[i], w[n + i]);
    Pair q = normal_pair_wide(w[i], w[n + i], w[2 * n + i], w[3 * n + i]);
    Pair32 s = normal_pair32(w[i], w[n + i]);
    out[2 * i] = p.first; out[2 * i + 1] = p.second;
    wide[2 * i] = q.first; wide[2 * i + 1] = q.second;
    single[2 * i] = s.first; single[2 * i + 1] = s.second;
}
extern "C" __global__ void uniforms(const u32 *w, double *out, float *single) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = uniform_64(w[i]);
    single[i] = uniform_32(w[i]);
}
"""
for _name in ("exp", "log", "sin", "cos"):
    for _kind, _real in (("64", "double"), ("32", "float")):
        KERNELS += f"""
extern "C" __global__ void apply_{_name}_{_kind}(const {_real} *x, {_real} *y) {{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = {_name}_{_kind}(x[i]);
}}"""


@pytest.fixture(scope="module")
def built():
    return HostModule(device_functions() + KERNELS)


def run(built, name, *arguments, threads=N):
    built.get_function(name)((-(-threads // 64),), (64,), arguments)


@pytest.mark.parametrize(("path", "block"), [(0, 0), (3, 2**32 - 20), (2**40 + 7, 2**55)])
def test_words_are_those_of_the_specification(built, path, block):
    """In plain integers; the counter runs over the border between its first two words."""
    key, out = (0x12345678, 0x9ABCDEF0), np.zeros((64, 4), dtype=np.uint32)
    scalars = np.uint64(block), np.uint32(Purpose.LEVY), np.uint64(path), *map(np.uint32, key)
    run(built, "draw", *scalars, out, threads=64)
    assert out.tolist() == [reference.words(path, Purpose.LEVY, block + i, key) for i in range(64)]


def test_normals_have_the_bits_of_the_numba_functions(built, device):
    pairs, wide, single = np.zeros((N, 2)), np.zeros((N, 2)), np.zeros((N, 2), dtype=np.float32)
    run(built, "pairs", WORDS, np.int32(N), pairs, wide, single)
    lanes = WORDS.astype(np.uint64)
    assert pairs.tobytes() == device.pairs(lanes[0], lanes[1]).tobytes()
    assert wide.tobytes() == device.pairs_wide(*lanes).tobytes()
    assert single.tobytes() == device.pairs32(lanes[0], lanes[1]).tobytes()
    assert np.isfinite(pairs).all()
    assert 5 < np.abs(pairs).max() < 7.55


def test_uniforms_have_the_bits_of_the_numba_functions(built, device):
    double, single = np.zeros(N), np.zeros(N, dtype=np.float32)
    run(built, "uniforms", WORDS[0], double, single)
    assert double.tobytes() == device.uniform_of(WORDS[0].astype(np.uint64)).tobytes()
    assert single.tobytes() == device.uniform32_of(WORDS[0].astype(np.uint64)).tobytes()


@pytest.mark.parametrize("kind", ["64", "32"])
@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos"])
def test_elementary_functions_have_the_bits_of_the_numba_functions(built, device, name, kind):
    real = np.float64 if kind == "64" else np.float32
    size = 700.0 if kind == "64" else 90.0
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e-310, 710.0, -708.0, 1e300]
    x = np.concatenate([special, RNG.uniform(-size, size, N // 2), RNG.normal(size=N // 4)])
    with np.errstate(over="ignore"):
        x = np.concatenate([x, np.exp(RNG.uniform(-size, size, N - x.size))]).astype(real)
    y = np.zeros(N, dtype=real)
    run(built, f"apply_{name}_{kind}", x, y)
    expected = getattr(device, name + ("32" if kind == "32" else "") + "_of")(x)
    # Which of its many bit patterns a NaN has depends on the processor.
    nan = np.isnan(expected)
    assert np.array_equal(nan, np.isnan(y))
    assert y[~nan].tobytes() == expected[~nan].tobytes()
    assert np.isfinite(y).sum() > N // 4


def test_a_coefficient_off_by_its_last_bit_would_be_seen(device):
    """The comparisons above reach every coefficient's last bit, or this one would pass as well."""
    first = literal(polynomials.TURN_SIN_64[0] * 2.0**-22, "float64")
    other = literal(float(np.nextafter(polynomials.TURN_SIN_64[0], 2)) * 2.0**-22, "float64")
    source = device_functions()
    assert source.count(first) == 1
    spoiled = HostModule(source.replace(first, other) + KERNELS)
    pairs, wide, single = np.zeros((N, 2)), np.zeros((N, 2)), np.zeros((N, 2), dtype=np.float32)
    run(spoiled, "pairs", WORDS, np.int32(N), pairs, wide, single)
    lanes = WORDS.astype(np.uint64)
    assert pairs.tobytes() != device.pairs(lanes[0], lanes[1]).tobytes()


def test_literals_are_exact():
    for value in (0.1, -1 / 3, 1e-310, 6.02e23, -0.0):
        for dtype in ("float64", "float32"):
            text = literal(value, dtype).strip("()").removesuffix("f")
            rounded = np.dtype(dtype).type(value)
            assert np.dtype(dtype).type(float(text)).tobytes() == rounded.tobytes()
    assert [literal(v, "float64") for v in (np.inf, -np.inf, np.nan)] == [
        "INFINITE_64",
        "(-INFINITE_64)",
        "NAN_64",
    ]
