// As many paths side by side as a register of this processor holds: GCC's vector types, and the two operations
// that they lack.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
static constexpr int LANES = 8;
#else
static constexpr int LANES = 4;
#endif

typedef double Reals __attribute__((vector_size(8 * LANES)));
typedef uint64_t Words __attribute__((vector_size(8 * LANES)));

// Lower halves of the words times a 32-bit number, in full; without the intrinsic the compiler does not see that
// the other half of a 64-bit product is not needed.
inline Words low_product(Words words, uint32_t factor) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return (Words)_mm512_mul_epu32((__m512i)words, _mm512_set1_epi64(factor));
#elif defined(__AVX2__)
    return (Words)_mm256_mul_epu32((__m256i)words, _mm256_set1_epi64x(factor));
#else
    return (words & 0xFFFFFFFFu) * factor;
#endif
}

inline Reals square_root(Reals x) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
    return (Reals)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
    return (Reals)_mm256_sqrt_pd((__m256d)x);
#else
    for (int lane = 0; lane < LANES; ++lane) x[lane] = std::sqrt(x[lane]);
    return x;
#endif
}

inline Reals magnitude(Reals x) { return (Reals)((Words)x & 0x7FFFFFFFFFFFFFFFu); }

inline Words consecutive(uint64_t first) {
    Words words;
    for (int lane = 0; lane < LANES; ++lane) words[lane] = first + lane;
    return words;
}

inline Reals load(const double* source) {
    Reals x;
    std::memcpy(&x, source, sizeof x);
    return x;
}

inline void store(double* target, Reals x) { std::memcpy(target, &x, sizeof x); }
