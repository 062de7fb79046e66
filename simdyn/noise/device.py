"""Philox words, normals and elementary functions as Numba device functions.

Every kernel is built from these. They are branch-free, so that loops over lanes vectorise, and each
multiply-add is an explicit fma with typed constants, so that the arithmetic is fully specified: any processor
with IEEE 754 fused multiply-add, and any other backend that does the same operations, gives the same bits.

Words are 32-bit numbers in 64-bit lanes, whose upper halves may hold garbage that the next mask drops: that
is the form in which 32 x 32 -> 64 bit multiplication exists as one vector instruction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from numba import float32, float64, int32, njit, types, uint32, uint64
from numba.extending import intrinsic

from simdyn.noise import polynomials as poly

_U = uint64
_LOW = uint64(0xFFFFFFFF)
_32 = uint64(32)
_device: Callable[..., Any] = njit(error_model="numpy", forceinline=True)

inner: Callable[..., Any] = njit(
    nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
)
"""Decorator of functions that Python never calls; to wrap them for it would take a sixth of the time."""


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c with one rounding; all three float64 or all three float32."""
    if not (a == b == c and isinstance(a, types.Float)):
        return None
    return a(a, a, a), lambda context, builder, signature, args: builder.fma(*args)


@intrinsic
def prefer_wide_vectors(typingctx: Any) -> Any:
    """Mark the function that calls this as one to be vectorised with the widest registers there are.

    By default LLVM keeps to 256 bits on many processors with AVX-512; these kernels gain about 1.3x from 512.
    Constants for which no register is left are kept on the stack, which begins at a multiple of 16 bytes
    only: there each of them could lie on two cache lines, by chance anew in each process (1.1x).
    """

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite only knows some attributes, without a value; set.add puts these past its check of names.
        for attribute in ('"prefer-vector-width"="512"', "alignstack(64)"):
            set.add(builder.function.attributes, attribute)
        return context.get_dummy_value()

    return types.void(), lower


@intrinsic
def never_inlined(typingctx: Any) -> Any:
    """Keep the function that calls this in one piece: to compile it again for each caller takes long."""

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), lower


@intrinsic
def distinct_arrays(typingctx: Any) -> Any:
    """Promise that no two array arguments of the function that calls this share memory.

    Without it LLVM would have to test that at each loop before it vectorises.
    """

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir

        # The first two arguments are Numba's own: where the result and where an exception goes.
        for argument in builder.function.args[2:]:
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), lower


def _bitcast(source: Any, target: Any) -> Any:
    @intrinsic
    def cast(typingctx: Any, value: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), lower

    return cast


_bits64 = _bitcast(types.float64, types.uint64)
_float64 = _bitcast(types.uint64, types.float64)
_bits32 = _bitcast(types.float32, types.uint32)
_float32 = _bitcast(types.uint32, types.float32)


def _written(name: str, arguments: Sequence[str], body: Sequence[str], names: dict[str, Any]) -> Any:
    """A device function from its lines; `names` are the globals that they use."""
    text = "\n    ".join([f"def {name}({', '.join(arguments)}):", *body])
    exec(text, names)
    return _device(names[name])


def _horner_lines(target: str, variable: str, coefficients: Sequence[float], real: str) -> list[str]:
    """Lines that evaluate a polynomial of `variable` by Horner's rule with explicit fma."""
    first, *others = (f"{real}({coefficient!r})" for coefficient in reversed(coefficients))
    return [f"{target} = {first}", *(f"{target} = fma({target}, {variable}, {other})" for other in others)]


def _horner(coefficients: Sequence[float], real: str) -> Any:
    """A device function that evaluates a polynomial."""
    body = [*_horner_lines("value", "x", coefficients, real), "return value"]
    return _written("polynomial", ["x"], body, {"fma": fma, "float64": float64, "float32": float32})


def _in_turns(*chains: Sequence[str]) -> list[str]:
    """A line of each chain, then the next of each, until the longest has ended."""
    return [line for lines in zip_longest(*chains) for line in lines if line is not None]


_radius_wide = _horner(poly.RADIUS_WIDE, "float64")
_turn_sin_wide = _horner(poly.TURN_SIN_WIDE, "float64")
_turn_cos_wide = _horner(poly.TURN_COS_WIDE, "float64")
_log64, _log32 = _horner(poly.LOG_64, "float64"), _horner(poly.LOG_32, "float32")
_exp64, _exp32 = _horner(poly.EXP_64, "float64"), _horner(poly.EXP_32, "float32")
_sin64, _cos64 = _horner(poly.SIN_64, "float64"), _horner(poly.COS_64, "float64")
_sin32, _cos32 = _horner(poly.SIN_32, "float32"), _horner(poly.COS_32, "float32")


# --- Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011) -------------------------------------------------------


def _side_by_side(lines: Sequence[str], lanes: str) -> list[str]:
    """Each line once for every lane, with @ in its names replaced by the lane's letter.

    A single lane is a long chain in which every operation waits for the one before. Of two chains that take
    turns, one has work for the processor while the other waits; it could not look far enough ahead to find
    that work by itself.
    """
    return [line.replace("@", lane) for line in lines for lane in lanes]


def _one_by_one(lines: Sequence[str], lanes: str) -> list[str]:
    """All lines for one lane, then for the next."""
    return [line.replace("@", lane) for lane in lanes for line in lines]


def _rounds(first: int) -> list[str]:
    """The rounds of Philox from number `first` on, of ten."""
    lines = []
    for r in range(first, 10):
        w0, w1 = (0x9E3779B9 * r) & 0xFFFFFFFF, (0xBB67AE85 * r) & 0xFFFFFFFF
        lines += [
            f"a{r}@ = (c0@ & LOW) * M0",
            f"b{r}@ = (c2@ & LOW) * M1",
            f"c0@ = (b{r}@ >> S32) ^ c1@ ^ (k0 + U({w0}))",
            f"c2@ = (a{r}@ >> S32) ^ c3@ ^ (k1 + U({w1}))",
            f"c1@ = b{r}@",
            f"c3@ = a{r}@",
        ]
    return lines


def _words_of(name: str, arguments: Sequence[str], lines: Sequence[str], results: Sequence[str]) -> Any:
    """A device function of these arguments and of the key."""
    names = {"LOW": _LOW, "U": _U, "S32": _32, "M0": _U(0xD2511F53), "M1": _U(0xCD9E8D57)}
    return _written(name, [*arguments, "k0", "k1"], [*lines, f"return {', '.join(results)}"], names)


_COUNTER = [f"c{n}a" for n in range(4)]

philox = _words_of("philox", _COUNTER, _side_by_side(_rounds(0), "a"), [f"{word} & LOW" for word in _COUNTER])
"""(c0, c1, c2, c3, k0, k1), all uint64 with the word in the lower half -> four words, clean."""

# The first round multiplies the block by M0 and the path by M1; the second multiplies by M0 what the first
# made of the path, and by M1 what it made of the block. So half of both belongs to the path.
philox_opening = _words_of(
    "philox_opening",
    ["c1", "path"],
    [
        "b0 = (path & LOW) * M1",
        "a1 = (((b0 >> S32) ^ c1 ^ k0) & LOW) * M0",
    ],
    ["b0 ^ (k0 + U(0x9E3779B9))", "a1", "(a1 >> S32) ^ (k1 + U(0xBB67AE85))"],
)
"""(c1, path, k0, k1) -> what the first two rounds make of a path and the upper word of its block, as three
words; it serves as long as that upper word stays the same."""

_OPENED = [
    "a0@ = (block@ & LOW) * M0",
    "b1@ = (((a0@ >> S32) ^ far@ ^ k1) & LOW) * M1",
    "c0@ = (b1@ >> S32) ^ p0@",
    "c1@ = b1@",
    "c2@ = a0@ ^ p2@",
    "c3@ = p1@",
]

philox_twice = _words_of(
    "philox_twice",
    [f"{word}{lane}" for lane in "ab" for word in ("block", "far", "p0", "p1", "p2")],
    _side_by_side([*_OPENED, *_rounds(2)], "ab"),
    [f"c{n}{lane}{' & LOW' if n in (0, 2) else ''}" for lane in "ab" for n in range(4)],
)
"""The words of two counters: for each its block, the upper word of its path and the three of an opening,
then the key -> eight words.

The second and the fourth of each four come with garbage in their upper halves: those who make numbers of them
mask what they need of them anyway.
"""


@_device
def count_alike(numbers, begin, most):  # type: ignore[no-untyped-def]
    """How many paths from entry `begin` on have one upper word of their numbers, up to `most`."""
    first, differing = numbers[begin], _U(0)
    for i in range(most):
        differing |= numbers[begin + i] ^ first
    if differing >> _32 == 0:
        return most
    count = 1
    while (numbers[begin + count] ^ first) >> _32 == 0:
        count += 1
    return count


# --- normals ------------------------------------------------------------------------------------------------


# The pair of coordinates at that radius, in the quarter that two bits choose.
_ROTATED = [
    "first@ = radius@ * (sine@ if swap@ else cosine@)",
    "second@ = radius@ * (cosine@ if swap@ else sine@)",
]

# The angle is 2^51 + j + 1/2 before 2^51 + 2^21 is taken off: it comes in units of 2^-22 quarter turns,
# between -2^21 and 2^21; powers of two scale the coefficients without rounding. Right shifts only for the
# second word of the radius: LLVM would fuse a left shift into the product that the word comes from, and the
# full 64-bit multiplication which that makes is three times as slow.
_PAIR = [
    "u@ = real((v@ << U(20)) | ((w@ >> U(12)) & U(0xFF000)) | U(0x3FF0000000000000)) - (1.0 - 2.0**-41)",
    # u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    "shifted@ = bits(u@) + U(0x00195F619980C433)",
    "e@ = real((shifted@ >> U(52)) | U(0x4330000000000000)) - (4503599627370496.0 + 1024.0)",
    "f@ = real((shifted@ & U(0x000FFFFFFFFFFFFF)) + U(0x3FE6A09E667F3BCD)) - 1.0",
    "f_square@ = f@ * f@",
    "turn@ = real((w@ & U(0x7FFFFE)) | U(0x4320000000000001)) - (2.0**51 + 2.0**21)",
    "square@ = turn@ * turn@",
    # Even and odd powers of the logarithm apart: half as long a chain.
    *_in_turns(
        _horner_lines("even@", "f_square@", poly.RADIUS_64[::2], "float64"),
        _horner_lines("odd@", "f_square@", poly.RADIUS_64[1::2], "float64"),
        _horner_lines(
            "sine@",
            "square@",
            [c * 2.0 ** (-22 * (2 * n + 1)) for n, c in enumerate(poly.TURN_SIN_64)],
            "float64",
        ),
        _horner_lines(
            "cosine@", "square@", [c * 2.0 ** (-44 * n) for n, c in enumerate(poly.TURN_COS_64)], "float64"
        ),
    ),
    "log_over_f@ = fma(odd@, f@, even@)",
    "sine@ = turn@ * sine@",
    "radius@ = sqrt(fma(e@, -1.3862943611198906, f@ * log_over_f@))",
    "cosine@ = real(bits(cosine@) ^ ((w@ << U(40)) & U(0x8000000000000000)))",
    "swap@ = (w@ & U(1)) != U(0)",
    *_ROTATED,
]

_PAIR32 = [
    "v@, w@ = uint32(v@), uint32(w@)",
    # u = 2^(31 + e) (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    "u@ = float32(int32(v@ & uint32(0x7FFFFFFF))) + float32(0.5)",
    "shifted@ = uint32(bits32(u@) - uint32(0x4EB504F3))",
    "e@ = float32(int32(int32(shifted@) >> int32(23)))",
    "f@ = real32(uint32(uint32(shifted@ & uint32(0x7FFFFF)) + uint32(0x3F3504F3))) - float32(1.0)",
    "turn@ = fma(float32(int32(w@)), float32(2.0**-32), float32(2.0**-33))",
    "square@ = turn@ * turn@",
    *_in_turns(
        _horner_lines("log_over_f@", "f@", poly.RADIUS_32, "float32"),
        _horner_lines("sine@", "square@", poly.TURN_SIN_32, "float32"),
        _horner_lines("cosine@", "square@", poly.TURN_COS_32, "float32"),
    ),
    "sine@ = turn@ * sine@",
    "radius@ = sqrt(fma(e@, float32(-1.3862943611198906), f@ * log_over_f@))",
    "cosine@ = real32(uint32(bits32(cosine@) ^ (v@ & uint32(0x80000000))))",
    "swap@ = (w@ & uint32(1)) != uint32(0)",
    *_ROTATED,
]


def _pairs(
    lines: Sequence[str], lanes: str, ordered: Callable[[Sequence[str], str], list[str]] = _side_by_side
) -> Any:
    """A device function that makes a pair of normals of every two words."""
    names = {
        "U": _U, "bits": _bits64, "real": _float64, "bits32": _bits32, "real32": _float32, "fma": fma,
        "sqrt": math.sqrt, "int32": int32, "uint32": uint32, "float32": float32, "float64": float64,
    }  # fmt: skip
    words = [f"{word}{lane}" for lane in lanes for word in ("v", "w")]
    result = ", ".join(f"first{lane}, second{lane}" for lane in lanes)
    return _written("pairs", words, [*ordered(lines, lanes), f"return {result}"], names)


normal_pair, four_normals = _pairs(_PAIR, "a"), _pairs(_PAIR, "ab")
"""Two independent normals from two words, four from four: 40 bits of radius (|z| <= 7.54), 24 bits of angle.

The radius uniform is (k + 1/2) 2^-40, with k from the first word and the top 8 bits of the second. The angle
is the midpoint of one of 2^24 equal arcs: bits 23 and 0 of the second word choose the quarter, bits 1 to 22
the place in it. Accurate to 5e-10, far below what any number of samples could show.
"""

# Short enough for the processor to look ahead from one pair to the next; side by side, the two would need
# more registers than there are without AVX-512.
normal_pair32, four_normals32 = _pairs(_PAIR32, "a"), _pairs(_PAIR32, "ab", _one_by_one)
"""The same in float32: 31 bits of radius (|z| <= 6.66), and 32 of the place in a quarter turn, rounded.

The top bit of the first word and the lowest of the second choose the quarter; the radius has the rest of the
first, and the place is the second as a signed number. Accurate to 2e-6, and near zero, where a uniform that
is close to one has but 24 bits, to 3e-4.
"""


@_device
def _radius(u, log_of):  # type: ignore[no-untyped-def]
    """sqrt(-2 log u) for 0 < u < 1, by splitting u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2))."""
    shifted = _bits64(u) + _U(0x00195F619980C433)
    e = _float64((shifted >> _U(52)) | _U(0x4330000000000000)) - (4503599627370496.0 + 1024.0)
    f = _float64((shifted & _U(0x000FFFFFFFFFFFFF)) + _U(0x3FE6A09E667F3BCD)) - 1.0
    return math.sqrt(fma(e, -1.3862943611198906, f * log_of(f)))


@_device
def normal_pair_wide(w0, w1, w2, w3):  # type: ignore[no-untyped-def]
    """Two independent normals from four words: 52 bits of radius (|z| <= 8.57) and 52 bits of angle."""
    radius_bits = (w0 << _U(20)) | ((w1 & _LOW) >> _U(12)) | _U(0x3FF0000000000000)
    radius = _radius(_float64(radius_bits) - (1.0 - 2.0**-53), _radius_wide)
    angle_bits = ((w2 & _U(0x3FFFFFFF)) << _U(22)) | ((w3 >> _U(10)) & _U(0x3FFFFC)) | _U(0x3FF0000000000002)
    turn = _float64(angle_bits) - 1.5
    square = turn * turn
    sine, cosine = turn * _turn_sin_wide(square), _turn_cos_wide(square)
    cosine = -cosine if (w2 & _U(0x80000000)) != _U(0) else cosine
    swap = (w2 & _U(0x40000000)) != _U(0)
    return radius * (sine if swap else cosine), radius * (cosine if swap else sine)


@_device
def uniform(w):  # type: ignore[no-untyped-def]
    """A float64 in (0, 1) from one word: the midpoint of one of 2^32 equal intervals."""
    return fma(float64(w & _LOW), 2.0**-32, 2.0**-33)


@_device
def uniform32(w):  # type: ignore[no-untyped-def]
    """A float32 in (0, 1] from one word."""
    return fma(float32(uint32(w)), float32(2.0**-32), float32(2.0**-33))


# --- elementary functions -----------------------------------------------------------------------------------


@_device
def exp(x):  # type: ignore[no-untyped-def]
    """exp(x) to about 1 ulp; 0 below -707.5 and inf above 709.78."""
    shifted = fma(x, 1.4426950408889634, 6755399441055744.0)
    k = shifted - 6755399441055744.0
    r = fma(k, -1.9082149292705877e-10, fma(k, -0.6931471803691238, x))
    # 2^k in two factors, so that k = 1024 does not overflow before the product does.
    y = _exp64(r) * 2.0 * _float64((_bits64(shifted) + _U(1022)) << _U(52))
    y = 0.0 if x < -707.5 else y
    return math.inf if x > 709.782712893384 else y


@_device
def log(x):  # type: ignore[no-untyped-def]
    """log(x) to about 1 ulp; -inf at 0 and NaN below."""
    tiny = x < 2.2250738585072014e-308
    y = x * 18014398509481984.0 if tiny else x
    bits = _bits64(y)
    exponent = (bits + _U(0x00195F619980C433)) >> _U(52)
    e = _float64(exponent | _U(0x4330000000000000)) - (4503599627370496.0 + (1078.0 if tiny else 1024.0))
    f = _float64(bits - (exponent << _U(52)) + _U(0x4000000000000000)) - 1.0
    value = fma(e, 0.6931471805599453, fma(f, _log64(f), e * 2.3190468138462996e-17))
    value = value if x > 0.0 else (-math.inf if x == 0.0 else math.nan)
    return math.inf if x == math.inf else value


@_device
def _quarter_turns(x):  # type: ignore[no-untyped-def]
    """x = k pi/2 + r with |r| <= pi/4: (r, bits whose lowest two are k mod 4)."""
    shifted = fma(x, 0.6366197723675814, 6755399441055744.0)
    k = shifted - 6755399441055744.0
    r = fma(k, -1.5707963267948966, x)
    r = fma(k, -6.123233995736766e-17, r)
    return fma(k, 1.4973849048591833e-33, r), _bits64(shifted)


@_device
def sin(x):  # type: ignore[no-untyped-def]
    """sin(x) to about 1 ulp for |x| up to 2^20; the error grows in proportion to |x| beyond."""
    r, k = _quarter_turns(x)
    square = r * r
    value = _cos64(square) if (k & _U(1)) != _U(0) else r * _sin64(square)
    return _float64(_bits64(value) ^ ((k & _U(2)) << _U(62)))


@_device
def cos(x):  # type: ignore[no-untyped-def]
    """cos(x), as accurate as `sin`."""
    r, k = _quarter_turns(x)
    square = r * r
    value = r * _sin64(square) if (k & _U(1)) != _U(0) else _cos64(square)
    return _float64(_bits64(value) ^ (((k + _U(1)) & _U(2)) << _U(62)))


@_device
def exp32(x):  # type: ignore[no-untyped-def]
    """float32 exp(x) to about 2 ulp; 0 below -86.9 and inf above 88.72."""
    shifted = fma(x, float32(1.4426950408889634), float32(12582912.0))
    k = shifted - float32(12582912.0)
    r = fma(k, float32(-1.428606765330187e-06), fma(k, float32(-0.693145751953125), x))
    scale = _float32(uint32(uint32(_bits32(shifted) + uint32(126)) << uint32(23)))
    y = _exp32(r) * float32(2.0) * scale
    y = float32(0.0) if x < float32(-86.9) else y
    return float32(math.inf) if x > float32(88.72) else y


@_device
def log32(x):  # type: ignore[no-untyped-def]
    """float32 log(x) to about 2 ulp for normal x; -inf at 0 and NaN below."""
    bits = _bits32(x)
    exponent = uint32(uint32(bits + uint32(0x00CAFB0D)) >> uint32(23))
    e = _float32(uint32(exponent | uint32(0x4B000000))) - float32(8388608.0 + 128.0)
    f = _float32(uint32(bits - uint32(exponent << uint32(23)) + uint32(0x40000000))) - float32(1.0)
    value = fma(e, float32(0.693145751953125), fma(f, _log32(f), e * float32(1.428606765330187e-06)))
    value = value if x > float32(0.0) else (float32(-math.inf) if x == float32(0.0) else float32(math.nan))
    return float32(math.inf) if x == float32(math.inf) else value


@_device
def _quarter_turns32(x):  # type: ignore[no-untyped-def]
    shifted = fma(x, float32(0.6366197723675814), float32(12582912.0))
    k = shifted - float32(12582912.0)
    r = fma(k, float32(-1.5707963705062866), x)
    return fma(k, float32(4.371138828673793e-08), r), _bits32(shifted)


@_device
def sin32(x):  # type: ignore[no-untyped-def]
    """float32 sin(x) for |x| up to about 1000."""
    r, k = _quarter_turns32(x)
    square = r * r
    value = _cos32(square) if (k & uint32(1)) != uint32(0) else r * _sin32(square)
    return _float32(uint32(_bits32(value) ^ uint32((k & uint32(2)) << uint32(30))))


@_device
def cos32(x):  # type: ignore[no-untyped-def]
    """float32 cos(x) for |x| up to about 1000."""
    r, k = _quarter_turns32(x)
    square = r * r
    value = r * _sin32(square) if (k & uint32(1)) != uint32(0) else _cos32(square)
    return _float32(uint32(_bits32(value) ^ uint32(uint32((k + uint32(1)) & uint32(2)) << uint32(30))))
