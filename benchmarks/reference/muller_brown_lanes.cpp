#include "philox_normals.hpp"

static constexpr int TERMS = 4;
static constexpr double HEIGHT[TERMS] = {-200.0, -100.0, -170.0, 15.0}, A[TERMS] = {-1.0, -1.0, -6.5, 0.7},
                        B[TERMS] = {0.0, 0.0, 11.0, 0.6}, C[TERMS] = {-10.0, -10.0, -6.5, 0.7},
                        X[TERMS] = {1.0, 0.0, -0.5, -1.0}, Y[TERMS] = {0.0, 0.5, 1.5, 1.0};

// exp(x) for -707 < x < 709; the exponent goes into the bits of a power of two.
inline Reals exponential(Reals x) {
    const Reals shifted = x * 1.4426950408889634 + 6755399441055744.0;
    const Reals k = shifted - 6755399441055744.0;
    const Reals r = k * -1.9082149292705877e-10 + (k * -0.6931471803691238 + x);
    return polynomial(EXP, r) * (Reals)(((Words)shifted + 1023) << 52);
}

// x: first coordinates of all paths, then second ones, advanced in place by
// q_i - dt dL/dq_i + noise sqrt(|d2L/dq_i^2|) xi_i; paths in a multiple of LANES, steps in one of two.
extern "C" void advance(double* x, int64_t paths, int64_t steps, double dt, double noise, uint32_t key0,
                        uint32_t key1) {
    const RoundKeys keys(key0, key1);
    for (int64_t path = 0; path < paths; path += LANES) {
        Reals p = load(x + path), q = load(x + paths + path);
        for (int64_t block = 0; block < steps / 2; ++block) {
            Reals z[4];
            four_normals(block, consecutive(path), keys, z);
            for (int step = 0; step < 2; ++step) {
                Reals slope_p{}, slope_q{}, curve_p{}, curve_q{};
#pragma GCC unroll 4
                for (int i = 0; i < TERMS; ++i) {
                    const Reals u = p - X[i], v = q - Y[i];
                    const Reals term = HEIGHT[i] * exponential(u * (A[i] * u + B[i] * v) + C[i] * v * v);
                    const Reals along_p = 2.0 * A[i] * u + B[i] * v, along_q = B[i] * u + 2.0 * C[i] * v;
                    slope_p += term * along_p;
                    slope_q += term * along_q;
                    curve_p += term * (along_p * along_p + 2.0 * A[i]);
                    curve_q += term * (along_q * along_q + 2.0 * C[i]);
                }
                p = (p + noise * square_root(magnitude(curve_p)) * z[2 * step]) - dt * slope_p;
                q = (q + noise * square_root(magnitude(curve_q)) * z[2 * step + 1]) - dt * slope_q;
            }
        }
        store(x + path, p);
        store(x + paths + path, q);
    }
}
