// Standard normal deviates for the scalar reference loops: xoshiro256++ and a 256-layer ziggurat.
// Blackman & Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021);
// Marsaglia & Tsang, "The ziggurat method for generating random variables", J. Stat. Softw. 5 (2000).
#pragma once

#include <cmath>
#include <cstdint>

class Xoshiro256pp {
public:
    explicit Xoshiro256pp(uint64_t seed) {
        for (uint64_t& word : state_) word = splitmix64(seed);
    }

    [[gnu::always_inline]] uint64_t next() {
        const uint64_t result = rotate_left(state_[0] + state_[3], 23) + state_[0];
        const uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = rotate_left(state_[3], 45);
        return result;
    }

    // In (0, 1), never an end point, so that its logarithm is finite.
    [[gnu::always_inline]] double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

private:
    static uint64_t rotate_left(uint64_t word, int bits) { return (word << bits) | (word >> (64 - bits)); }

    static uint64_t splitmix64(uint64_t& state) {
        uint64_t word = state += 0x9e3779b97f4a7c15u;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
        return word ^ (word >> 31);
    }

    uint64_t state_[4];
};

// 256 layers of equal area under exp(-x^2/2), x >= 0; layer 0 is the base strip with the tail beyond TAIL.
struct ZigguratLayers {
    static constexpr int COUNT = 256;
    static constexpr double TAIL = 3.6541528853610088;

    double edge[COUNT + 1];   // right edge of each layer, falling
    double height[COUNT + 1]; // density at the edge
    double scale[COUNT];      // edge / 2^52

    ZigguratLayers() {
        const double tail_area = std::sqrt(std::acos(0.0)) * std::erfc(TAIL / std::sqrt(2.0));
        const double area = TAIL * density(TAIL) + tail_area;
        edge[0] = area / density(TAIL);
        edge[1] = TAIL;
        for (int i = 1; i < COUNT - 1; ++i)
            edge[i + 1] = std::sqrt(-2.0 * std::log(density(edge[i]) + area / edge[i]));
        edge[COUNT] = 0.0;
        for (int i = 0; i <= COUNT; ++i) height[i] = density(edge[i]);
        for (int i = 0; i < COUNT; ++i) scale[i] = edge[i] * 0x1p-52;
    }

    static double density(double x) { return std::exp(-0.5 * x * x); }
};

static const ZigguratLayers LAYERS;

// Forced inline, as are the generator's members: one call would take the generator's state out of registers.
[[gnu::always_inline]] inline double standard_normal(Xoshiro256pp& generator) {
    for (;;) {
        const uint64_t word = generator.next();
        const int layer = word & (ZigguratLayers::COUNT - 1);
        // The upper 53 bits as a signed number: sign and magnitude in one conversion.
        const double x = static_cast<double>(static_cast<int64_t>(word) >> 11) * LAYERS.scale[layer];
        if (__builtin_expect(std::fabs(x) < LAYERS.edge[layer + 1], 1)) return x;
        if (layer == 0) {
            double beyond, trial;
            do {
                beyond = -std::log(generator.uniform()) / ZigguratLayers::TAIL;
                trial = -std::log(generator.uniform());
            } while (2.0 * trial < beyond * beyond);
            return std::copysign(ZigguratLayers::TAIL + beyond, x);
        }
        const double low = LAYERS.height[layer], high = LAYERS.height[layer + 1];
        if (low + (high - low) * generator.uniform() < ZigguratLayers::density(x)) return x;
    }
}
