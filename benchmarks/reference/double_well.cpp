#include "langevin_step.hpp"
#include "ziggurat.hpp"

// x: position of each path, advanced in place.
template <Order ORDER>
static void advance(double* x, int64_t paths, int64_t steps, double dt, double noise, uint64_t seed) {
    Xoshiro256pp generator(seed);
    for (int64_t path = 0; path < paths; ++path) {
        double q = x[path];
        for (int64_t step = 0; step < steps; ++step)
            q = langevin_step<ORDER>(q, dt, q * q * q - q, noise * standard_normal(generator));
        x[path] = q;
    }
}

extern "C" void as_written(double* x, int64_t paths, int64_t steps, double dt, double noise, uint64_t seed) {
    advance<Order::AS_WRITTEN>(x, paths, steps, dt, noise, seed);
}

extern "C" void kick_first(double* x, int64_t paths, int64_t steps, double dt, double noise, uint64_t seed) {
    advance<Order::KICK_FIRST>(x, paths, steps, dt, noise, seed);
}
