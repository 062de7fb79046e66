// Normal deviates by number, for vectors of paths: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011) and the
// Box-Muller transform with polynomials for logarithm, sine and cosine.
//
// Counter: block (56 bits) | purpose (8 bits, here 0) | path (64 bits); four normals to a block, from 40 bits of
// radius and 24 bits of angle each pair. The coefficients, in `coefficients.hpp`, are written by the program that
// compiles this.
#pragma once

#include "coefficients.hpp"
#include "lanes.hpp"

// The key of each round, repeated in every lane once, not in every call.
struct RoundKeys {
    Words even[10], odd[10];

    RoundKeys(uint32_t key0, uint32_t key1) {
        for (uint32_t round = 0; round < 10; ++round) {
            even[round] = Words{} + (key0 + round * 0x9E3779B9u);
            odd[round] = Words{} + (key1 + round * 0xBB67AE85u);
        }
    }
};

// Words in the lower halves of the lanes; the upper halves hold what is left over from products.
struct Block {
    Words word[4];
};

inline Block philox(uint64_t block, Words path, const RoundKeys& keys) {
    Words c0 = Words{} + block, c1 = Words{} + (block >> 32), c2 = path, c3 = path >> 32;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const Words a = low_product(c0, 0xD2511F53u), b = low_product(c2, 0xCD9E8D57u);
        c0 = (b >> 32) ^ c1 ^ keys.even[round];
        c2 = (a >> 32) ^ c3 ^ keys.odd[round];
        c1 = b;
        c3 = a;
    }
    return {{c0, c1, c2, c3}};
}

// Horner's rule, lowest power first.
template <int COUNT>
inline Reals polynomial(const double (&coefficients)[COUNT], Reals x) {
    Reals value = Reals{} + coefficients[COUNT - 1];
#pragma GCC unroll 32
    for (int n = COUNT - 2; n >= 0; --n) value = value * x + coefficients[n];
    return value;
}

// sqrt(-2 log u) for 0 < u < 1, by splitting u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
inline Reals radius_of(Reals u) {
    const Words shifted = (Words)u + 0x00195F619980C433u;
    const Reals e = (Reals)((shifted >> 52) | 0x4330000000000000u) - (0x1p52 + 1024.0);
    const Reals f = (Reals)((shifted & 0x000FFFFFFFFFFFFFu) + 0x3FE6A09E667F3BCDu) - 1.0;
    // Even and odd powers apart: half as long a chain of operations.
    const Reals square = f * f;
    const Reals log_over_f = polynomial(RADIUS_ODD, square) * f + polynomial(RADIUS_EVEN, square);
    return square_root(e * -1.3862943611198906 + f * log_over_f);
}

inline void normal_pair(Words w0, Words w1, Reals& first, Reals& second) {
    const Words radius_bits = (w0 << 20) & 0x000FFFFFFFF00000u;
    const Words u_bits = radius_bits | ((w1 >> 12) & 0xFF000u) | 0x3FF0000000000000u;
    const Reals radius = radius_of((Reals)u_bits - (1.0 - 0x1p-41));
    // 2^51 + j + 1/2, so that the angle comes in units of 2^-22 quarter turns, between -2^21 and 2^21.
    const Reals turn = (Reals)((w1 & 0x7FFFFEu) | 0x4320000000000001u) - (0x1p51 + 0x1p21);
    const Reals square = turn * turn;
    const Reals sine = radius * turn * polynomial(TURN_SIN, square);
    const Reals cosine = (Reals)((Words)(radius * polynomial(TURN_COS, square)) ^ ((w1 & 0x800000u) << 40));
    const auto swap = (w1 & 1u) != 0u;
    first = swap ? sine : cosine;
    second = swap ? cosine : sine;
}

// Normals 4 block ... 4 block + 3 of each path.
inline void four_normals(uint64_t block, Words path, const RoundKeys& keys, Reals (&z)[4]) {
    const Block drawn = philox(block, path, keys);
    normal_pair(drawn.word[0], drawn.word[1], z[0], z[1]);
    normal_pair(drawn.word[2], drawn.word[3], z[2], z[3]);
}
