// One Langevin step in the two orders of its two additions, which differ in speed and in rounding only.
#pragma once

enum class Order {
    // (q - dt g) + kick, as the formula is written: the kick waits for the gradient.
    AS_WRITTEN,
    // (q + kick) - dt g: kick and gradient are computed side by side, a shorter chain from step to step.
    KICK_FIRST,
};

template <Order ORDER>
inline double langevin_step(double q, double dt, double gradient, double kick) {
    return ORDER == Order::KICK_FIRST ? (q + kick) - dt * gradient : (q - dt * gradient) + kick;
}
