#include "ziggurat.hpp"

// stopped: the step after which each path is at or above exit_above, or `steps`.
extern "C" void simulate(int64_t* stopped, int64_t paths, int64_t steps, double start, double exit_above, double dt,
                         double noise, uint64_t seed) {
    Xoshiro256pp generator(seed);
    for (int64_t path = 0; path < paths; ++path) {
        double q = start;
        int64_t step = 0;
        while (step < steps) {
            q += -dt * (q * q * q - q) + noise * standard_normal(generator);
            ++step;
            if (q >= exit_above) break;
        }
        stopped[path] = step;
    }
}
