"""Philox words, normals and elementary functions as CUDA C: the arithmetic of `simdyn.noise.device`.

Both do the same IEEE 754 operations in the same order. Every multiply-add is an explicit `fused`; the
compiler must make no others (`COMPILER_OPTIONS`). The coefficients are those of `simdyn.noise.polynomials`,
in constant memory: as literals, each would cost two instructions to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from simdyn.noise import polynomials as poly

COMPILER_OPTIONS = ("--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true")
"""What device sources are to be compiled with, so that every operation is rounded as IEEE 754 asks."""

_TURN_SIN = tuple(c * 2.0 ** (-22 * (2 * n + 1)) for n, c in enumerate(poly.TURN_SIN_64))
_TURN_COS = tuple(c * 2.0 ** (-44 * n) for n, c in enumerate(poly.TURN_COS_64))

_POLYNOMIALS_64 = {
    "radius_even_64": poly.RADIUS_64[::2],
    "radius_odd_64": poly.RADIUS_64[1::2],
    "radius_wide": poly.RADIUS_WIDE,
    "turn_sin_64": _TURN_SIN,
    "turn_cos_64": _TURN_COS,
    "turn_sin_wide": poly.TURN_SIN_WIDE,
    "turn_cos_wide": poly.TURN_COS_WIDE,
    "exp_series_64": poly.EXP_64,
    "log_series_64": poly.LOG_64,
    "sin_series_64": poly.SIN_64,
    "cos_series_64": poly.COS_64,
}
_POLYNOMIALS_32 = {
    "radius_32": poly.RADIUS_32,
    "turn_sin_32": poly.TURN_SIN_32,
    "turn_cos_32": poly.TURN_COS_32,
    "exp_series_32": poly.EXP_32,
    "log_series_32": poly.LOG_32,
    "sin_series_32": poly.SIN_32,
    "cos_series_32": poly.COS_32,
}

_BASIS = """
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;
#define DEVICE __device__ __forceinline__

DEVICE double fused(double a, double b, double c) { return __fma_rn(a, b, c); }
DEVICE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
DEVICE double root(double x) { return __dsqrt_rn(x); }
DEVICE float root(float x) { return __fsqrt_rn(x); }
DEVICE double magnitude(double x) { return fabs(x); }
DEVICE float magnitude(float x) { return fabsf(x); }
DEVICE u64 bits_of(double x) { return (u64)__double_as_longlong(x); }
DEVICE u32 bits_of(float x) { return __float_as_uint(x); }
DEVICE double double_of(u64 bits) { return __longlong_as_double((i64)bits); }
DEVICE float float_of(u32 bits) { return __uint_as_float(bits); }
#define INFINITE_64 double_of(0x7FF0000000000000ull)
#define NAN_64 double_of(0x7FF8000000000000ull)
#define INFINITE_32 float_of(0x7F800000u)
#define NAN_32 float_of(0x7FC00000u)
"""

_FUNCTIONS = """
// Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011).

struct Words { u32 w0, w1, w2, w3; };

DEVICE Words philox(u32 c0, u32 c1, u32 c2, u32 c3, u32 k0, u32 k1) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        u64 a = (u64)c0 * 0xD2511F53u, b = (u64)c2 * 0xCD9E8D57u;
        c0 = (u32)(b >> 32) ^ c1 ^ k0;
        c2 = (u32)(a >> 32) ^ c3 ^ k1;
        c1 = (u32)b;
        c3 = (u32)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {c0, c1, c2, c3};
}

// The counter: block in the low 56 bits, purpose in the 8 above, path in the other 64.
DEVICE Words words_of(u64 block, u32 purpose, u64 path, u32 k0, u32 k1) {
    return philox((u32)block, (u32)(block >> 32) | purpose << 24, (u32)path, (u32)(path >> 32), k0, k1);
}

// Normals.

struct Pair { double first, second; };
struct Pair32 { float first, second; };

// u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
DEVICE void split(double u, double &e, double &f) {
    u64 shifted = bits_of(u) + 0x00195F619980C433ull;
    e = double_of((shifted >> 52) | 0x4330000000000000ull) - (4503599627370496.0 + 1024.0);
    f = double_of((shifted & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull) - 1.0;
}

DEVICE Pair rotated(double radius, double sine, double cosine, bool negate, bool swap) {
    double turned = negate ? -cosine : cosine;
    return {radius * (swap ? sine : turned), radius * (swap ? turned : sine)};
}

// 40 bits of radius and 24 of angle.
DEVICE Pair normal_pair(u32 w0, u32 w1) {
    u64 radius_bits = ((u64)w0 << 20) | ((w1 >> 12) & 0xFF000u) | 0x3FF0000000000000ull;
    double e, f;
    split(double_of(radius_bits) - (1.0 - 0x1p-41), e, f);
    double square = f * f;
    double log_part = fused(radius_odd_64(square), f, radius_even_64(square));
    double radius = root(fused(e, -1.3862943611198906, f * log_part));
    double turn = double_of((w1 & 0x7FFFFEu) | 0x4320000000000001ull) - (0x1p51 + 0x1p21);
    square = turn * turn;
    double sine = turn * turn_sin_64(square), cosine = turn_cos_64(square);
    return rotated(radius, sine, cosine, w1 & 0x800000u, w1 & 1u);
}

// 52 bits of radius and 52 of angle.
DEVICE Pair normal_pair_wide(u32 w0, u32 w1, u32 w2, u32 w3) {
    u64 radius_bits = ((u64)w0 << 20) | (w1 >> 12) | 0x3FF0000000000000ull;
    double e, f;
    split(double_of(radius_bits) - (1.0 - 0x1p-53), e, f);
    double radius = root(fused(e, -1.3862943611198906, f * radius_wide(f)));
    u64 angle_bits = ((u64)(w2 & 0x3FFFFFFFu) << 22) | ((w3 >> 10) & 0x3FFFFCu) | 0x3FF0000000000002ull;
    double turn = double_of(angle_bits) - 1.5;
    double square = turn * turn;
    double sine = turn * turn_sin_wide(square), cosine = turn_cos_wide(square);
    return rotated(radius, sine, cosine, w2 & 0x80000000u, w2 & 0x40000000u);
}

// In single precision: 31 bits of radius; the place in the quarter turn has 32 bits, rounded.
DEVICE Pair32 normal_pair32(u32 w0, u32 w1) {
    float u = (float)(int)(w0 & 0x7FFFFFFFu) + 0.5f;
    u32 shifted = bits_of(u) + 0x00CAFB0Du;
    // Faster than a conversion, for which a GPU has few units.
    float e = float_of(shifted >> 23 | 0x4B000000u) - (8388608.0f + 159.0f);
    float f = float_of((shifted & 0x7FFFFFu) + 0x3F3504F3u) - 1.0f;
    float radius = root(fused(e, (float)-1.3862943611198906, f * radius_32(f)));
    float turn = fused((float)(int)w1, 0x1p-32f, 0x1p-33f);
    float square = turn * turn;
    float sine = turn * turn_sin_32(square);
    float cosine = float_of(bits_of(turn_cos_32(square)) ^ (w0 & 0x80000000u));
    bool swap = w1 & 1u;
    return {radius * (swap ? sine : cosine), radius * (swap ? cosine : sine)};
}

DEVICE double uniform_64(u32 w) { return fused((double)w, 0x1p-32, 0x1p-33); }
DEVICE float uniform_32(u32 w) { return fused((float)w, 0x1p-32f, 0x1p-33f); }

// Elementary functions.

DEVICE double exp_64(double x) {
    double shifted = fused(x, 1.4426950408889634, 6755399441055744.0), k = shifted - 6755399441055744.0;
    double r = fused(k, -1.9082149292705877e-10, fused(k, -0.6931471803691238, x));
    double y = exp_series_64(r) * 2.0 * double_of((bits_of(shifted) + 1022u) << 52);
    y = x < -707.5 ? 0.0 : y;
    return x > 709.782712893384 ? INFINITE_64 : y;
}

DEVICE double log_64(double x) {
    bool tiny = x < 2.2250738585072014e-308;
    u64 bits = bits_of(tiny ? x * 18014398509481984.0 : x), exponent = (bits + 0x00195F619980C433ull) >> 52;
    double e = double_of(exponent | 0x4330000000000000ull) - (4503599627370496.0 + (tiny ? 1078.0 : 1024.0));
    double f = double_of(bits - (exponent << 52) + 0x4000000000000000ull) - 1.0;
    double value = fused(e, 0.6931471805599453, fused(f, log_series_64(f), e * 2.3190468138462996e-17));
    value = x > 0.0 ? value : (x == 0.0 ? -INFINITE_64 : NAN_64);
    return x == INFINITE_64 ? INFINITE_64 : value;
}

// x = k pi/2 + r with |r| <= pi/4; the lowest two bits of what is returned are k mod 4.
DEVICE u64 quarter_turns(double x, double &r) {
    double shifted = fused(x, 0.6366197723675814, 6755399441055744.0), k = shifted - 6755399441055744.0;
    r = fused(k, -1.5707963267948966, x);
    r = fused(k, -6.123233995736766e-17, r);
    r = fused(k, 1.4973849048591833e-33, r);
    return bits_of(shifted);
}

DEVICE double sin_64(double x) {
    double r;
    u64 k = quarter_turns(x, r);
    double square = r * r, value = k & 1u ? cos_series_64(square) : r * sin_series_64(square);
    return double_of(bits_of(value) ^ ((k & 2u) << 62));
}

DEVICE double cos_64(double x) {
    double r;
    u64 k = quarter_turns(x, r);
    double square = r * r, value = k & 1u ? r * sin_series_64(square) : cos_series_64(square);
    return double_of(bits_of(value) ^ (((k + 1u) & 2u) << 62));
}

DEVICE float exp_32(float x) {
    float shifted = fused(x, (float)1.4426950408889634, 12582912.0f), k = shifted - 12582912.0f;
    float r = fused(k, (float)-1.428606765330187e-06, fused(k, (float)-0.693145751953125, x));
    float y = exp_series_32(r) * 2.0f * float_of((bits_of(shifted) + 126u) << 23);
    y = x < (float)-86.9 ? 0.0f : y;
    return x > (float)88.72 ? INFINITE_32 : y;
}

DEVICE float log_32(float x) {
    u32 bits = bits_of(x), exponent = (bits + 0x00CAFB0Du) >> 23;
    float e = float_of(exponent | 0x4B000000u) - (8388608.0f + 128.0f);
    float f = float_of(bits - (exponent << 23) + 0x40000000u) - 1.0f;
    float small = e * (float)1.428606765330187e-06;
    float value = fused(e, (float)0.693145751953125, fused(f, log_series_32(f), small));
    value = x > 0.0f ? value : (x == 0.0f ? -INFINITE_32 : NAN_32);
    return x == INFINITE_32 ? INFINITE_32 : value;
}

DEVICE u32 quarter_turns(float x, float &r) {
    float shifted = fused(x, (float)0.6366197723675814, 12582912.0f), k = shifted - 12582912.0f;
    r = fused(k, (float)-1.5707963705062866, x);
    r = fused(k, (float)4.371138828673793e-08, r);
    return bits_of(shifted);
}

DEVICE float sin_32(float x) {
    float r;
    u32 k = quarter_turns(x, r);
    float square = r * r, value = k & 1u ? cos_series_32(square) : r * sin_series_32(square);
    return float_of(bits_of(value) ^ ((k & 2u) << 30));
}

DEVICE float cos_32(float x) {
    float r;
    u32 k = quarter_turns(x, r);
    float square = r * r, value = k & 1u ? r * sin_series_32(square) : cos_series_32(square);
    return float_of(bits_of(value) ^ (((k + 1u) & 2u) << 30));
}
"""


def literal(value: float, dtype: str) -> str:
    """A C literal of exactly this number, rounded to the dtype first."""
    kind = "32" if dtype == "float32" else "64"
    value = float(np.dtype(dtype).type(value))
    if np.isnan(value):
        return f"NAN_{kind}"
    if np.isinf(value):
        return f"INFINITE_{kind}" if value > 0 else f"(-INFINITE_{kind})"
    text = repr(value) + ("f" if dtype == "float32" else "")
    return f"({text})" if text.startswith("-") else text


@cache
def device_functions() -> str:
    """The text that every device source begins with."""
    tables = [_polynomial(name, c, "float64") for name, c in _POLYNOMIALS_64.items()]
    tables += [_polynomial(name, c, "float32") for name, c in _POLYNOMIALS_32.items()]
    return _BASIS + "\n// Polynomials, lowest power first.\n\n" + "\n".join(tables) + _FUNCTIONS


def _polynomial(name: str, coefficients: Sequence[float], dtype: str) -> str:
    """A table, and a function that evaluates it by Horner's rule."""
    kind = "double" if dtype == "float64" else "float"
    table = name.upper()
    entries = ", ".join(literal(c, dtype) for c in coefficients)
    body = f"{table}[{len(coefficients) - 1}]"
    for k in range(len(coefficients) - 2, -1, -1):
        body = f"fused({body}, x, {table}[{k}])"
    return (
        f"static __constant__ {kind} {table}[] = {{{entries}}};\n"
        f"DEVICE {kind} {name}({kind} x) {{ return {body}; }}"
    )
