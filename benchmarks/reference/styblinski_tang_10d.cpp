#include "ziggurat.hpp"

static constexpr int DIM = 10;

// x: positions, one row of DIM coordinates a path, advanced in place.
extern "C" void as_written(double* x, int64_t paths, int64_t steps, double dt, double noise, uint64_t seed) {
    Xoshiro256pp generator(seed);
    for (int64_t path = 0; path < paths; ++path) {
        double q[DIM];
        for (int i = 0; i < DIM; ++i) q[i] = x[path * DIM + i];
        for (int64_t step = 0; step < steps; ++step)
            for (int i = 0; i < DIM; ++i) {
                const double kick = noise * standard_normal(generator);
                q[i] = q[i] - dt * (2.0 * q[i] * q[i] * q[i] - 16.0 * q[i] + 2.5) + kick;
            }
        for (int i = 0; i < DIM; ++i) x[path * DIM + i] = q[i];
    }
}
