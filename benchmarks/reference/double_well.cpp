#include "ziggurat.hpp"

// x: position of each path, advanced in place.
extern "C" void simulate(double* x, int64_t paths, int64_t steps, double dt, double noise, uint64_t seed) {
    Xoshiro256pp generator(seed);
    for (int64_t path = 0; path < paths; ++path) {
        double q = x[path];
        for (int64_t step = 0; step < steps; ++step)
            q += -dt * (q * q * q - q) + noise * standard_normal(generator);
        x[path] = q;
    }
}
