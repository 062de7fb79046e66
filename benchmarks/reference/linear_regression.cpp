#include <cstring>
#include <vector>

#include "ziggurat.hpp"

// Rows of 20 numbers in vectors of four: the compiler keeps a dot product written as a plain loop in order, one
// addition after the other, and so would waste three quarters of every register.
static constexpr int DIM = 20;
typedef double Vector __attribute__((vector_size(32), aligned(8)));
static constexpr int VECTORS = DIM / 4;

// Uniform in 0 ... bound - 1 without bias: Lemire, ACM TOMACS 29 (2019).
[[gnu::always_inline]] static inline uint32_t below(Xoshiro256pp& generator, uint32_t bound) {
    uint64_t product = (generator.next() >> 32) * bound;
    if (__builtin_expect(static_cast<uint32_t>(product) < bound, 0)) {
        const uint32_t threshold = -bound % bound;
        while (static_cast<uint32_t>(product) < threshold) product = (generator.next() >> 32) * bound;
    }
    return product >> 32;
}

// x: one row of DIM parameters a path, advanced in place by SGD on the mean of (rows[i] . x - targets[i])^2 / 2.
template <bool DISTINCT>
static void run(double* x, int64_t paths, int64_t steps, const double* rows, const double* targets, int64_t samples,
                int64_t batch, double rate, uint64_t seed) {
    Xoshiro256pp generator(seed);
    std::vector<uint32_t> chosen(batch);
    for (int64_t path = 0; path < paths; ++path) {
        Vector q[VECTORS];
        std::memcpy(q, x + path * DIM, sizeof q);
        for (int64_t step = 0; step < steps; ++step) {
            for (int64_t m = 0; m < batch; ++m) {
                if (!DISTINCT) {
                    chosen[m] = below(generator, samples);
                    continue;
                }
                // Floyd's subset; for small batches looking through the list is the fastest test.
                const uint32_t last = samples - batch + m;
                uint32_t index = below(generator, last + 1);
                bool known = false;
                for (int64_t k = 0; k < m; ++k) known |= chosen[k] == index;
                chosen[m] = known ? last : index;
            }
            Vector gradient[VECTORS] = {};
            for (int64_t m = 0; m < batch; ++m) {
                const Vector* row = reinterpret_cast<const Vector*>(rows + chosen[m] * DIM);
                Vector sums = row[0] * q[0];
                for (int k = 1; k < VECTORS; ++k) sums += row[k] * q[k];
                const double error = ((sums[0] + sums[2]) + (sums[1] + sums[3])) - targets[chosen[m]];
                for (int k = 0; k < VECTORS; ++k) gradient[k] += error * row[k];
            }
            const double scale = rate / static_cast<double>(batch);
            for (int k = 0; k < VECTORS; ++k) q[k] -= scale * gradient[k];
        }
        std::memcpy(x + path * DIM, q, sizeof q);
    }
}

extern "C" void fresh_subset(double* x, int64_t paths, int64_t steps, const double* rows, const double* targets,
                             int64_t samples, int64_t batch, double rate, uint64_t seed) {
    run<true>(x, paths, steps, rows, targets, samples, batch, rate, seed);
}

extern "C" void independent_draws(double* x, int64_t paths, int64_t steps, const double* rows, const double* targets,
                                  int64_t samples, int64_t batch, double rate, uint64_t seed) {
    run<false>(x, paths, steps, rows, targets, samples, batch, rate, seed);
}
