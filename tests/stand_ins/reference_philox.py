"""Philox4x32-10 and the normal transform once more, in plain integers and long decimals, from their
descriptions.
"""

from __future__ import annotations

import mpmath as mp

MASK = 0xFFFFFFFF


def philox(counter, key):
    """Ten rounds of Salmon, Moraes, Dror & Shaw 2011, on four and two 32-bit words."""
    c, k = list(counter), list(key)
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [
            (second >> 32) ^ c[1] ^ k[0],
            second & MASK,
            (first >> 32) ^ c[3] ^ k[1],
            first & MASK,
        ]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def words(path, purpose, block, key):
    """The four words of a block: the counter is block (56 bits), purpose (8), path (64) from the least bit
    up.
    """
    number = block | purpose << 56 | path << 64
    return philox([(number >> 32 * i) & MASK for i in range(4)], key)


def _pair(radius_number, radius_bits, angle_number, angle_bits, high):
    """sqrt(-2 log u) times cos and sin; `high` holds the sign of the cosine and whether the two change
    places.
    """
    u = (mp.mpf(radius_number) + 0.5) / mp.mpf(2) ** radius_bits
    turn = (mp.mpf(angle_number) + 0.5) / mp.mpf(2) ** angle_bits - 0.5
    radius = mp.sqrt(-2 * mp.log(u))
    cosine, sine = mp.cos(turn * mp.pi / 2), mp.sin(turn * mp.pi / 2)
    if high & 2:
        cosine = -cosine
    return (radius * sine, radius * cosine) if high & 1 else (radius * cosine, radius * sine)


def normal_pair(w0, w1):
    """40 bits of radius: w0, top byte of w1; 22 of the place in a quarter; bits 23 and 0 choose it."""
    return _pair(w0 << 8 | w1 >> 24, 40, (w1 >> 1) & 0x3FFFFF, 22, (w1 >> 23 & 1) << 1 | w1 & 1)


def normal_pair_wide(w0, w1, w2, w3):
    """52 bits of radius: w0, the high 20 of w1; 50 of the angle: the low 30 of w2, the high 20 of w3."""
    return _pair(w0 << 20 | w1 >> 12, 52, (w2 & 0x3FFFFFFF) << 20 | w3 >> 12, 50, w2 >> 30)


def normal_pair32(w0, w1):
    """31 bits of radius: all of w0 but its top bit, which with the lowest bit of w1 chooses the quarter; the
    place in it is w1 as a signed number.
    """
    return _pair(w0 & 0x7FFFFFFF, 31, w1 ^ 0x80000000, 32, (w0 >> 31) << 1 | w1 & 1)
