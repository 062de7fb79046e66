#include "philox_normals.hpp"

// Vectors that are advanced together, so that the processor has something to do while a chain of operations waits.
#ifndef TOGETHER
#define TOGETHER 2
#endif

// x: position of each path, advanced in place; paths in a multiple of TOGETHER * LANES, steps in one of four.
extern "C" void advance(double* x, int64_t paths, int64_t steps, double dt, double noise, uint32_t key0,
                        uint32_t key1) {
    const RoundKeys keys(key0, key1);
    for (int64_t path = 0; path < paths; path += TOGETHER * LANES) {
        Reals q[TOGETHER];
        for (int v = 0; v < TOGETHER; ++v) q[v] = load(x + path + v * LANES);
        for (int64_t block = 0; block < steps / 4; ++block)
            for (int v = 0; v < TOGETHER; ++v) {
                Reals z[4];
                four_normals(block, consecutive(path + v * LANES), keys, z);
                for (int step = 0; step < 4; ++step)
                    q[v] = (q[v] + noise * z[step]) - dt * (q[v] * q[v] * q[v] - q[v]);
            }
        for (int v = 0; v < TOGETHER; ++v) store(x + path + v * LANES, q[v]);
    }
}
