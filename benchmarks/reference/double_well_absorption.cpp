#include "langevin_step.hpp"
#include "ziggurat.hpp"

// stopped: the step after which each path is at or above exit_above, or `steps`.
template <Order ORDER>
static void run(int64_t* stopped, int64_t paths, int64_t steps, double start, double exit_above, double dt,
                double noise, uint64_t seed) {
    Xoshiro256pp generator(seed);
    for (int64_t path = 0; path < paths; ++path) {
        double q = start;
        int64_t step = 0;
        while (step < steps) {
            q = langevin_step<ORDER>(q, dt, q * q * q - q, noise * standard_normal(generator));
            ++step;
            if (q >= exit_above) break;
        }
        stopped[path] = step;
    }
}

extern "C" void as_written(int64_t* stopped, int64_t paths, int64_t steps, double start, double exit_above,
                           double dt, double noise, uint64_t seed) {
    run<Order::AS_WRITTEN>(stopped, paths, steps, start, exit_above, dt, noise, seed);
}

extern "C" void kick_first(int64_t* stopped, int64_t paths, int64_t steps, double start, double exit_above,
                           double dt, double noise, uint64_t seed) {
    run<Order::KICK_FIRST>(stopped, paths, steps, start, exit_above, dt, noise, seed);
}
