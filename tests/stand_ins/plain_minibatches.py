"""Steps on means over samples as plain loops: which samples a path draws, and where they take it."""

from __future__ import annotations

import numpy as np

from simdyn.noise import key_of
from simdyn.noise.indices import SPARE, batch_bounds, draw_below, fill_normals, keep_distinct, shuffle


def _keys(seed):
    return tuple(np.uint64(word) for word in key_of(seed))


def size_of(update, step):
    """The batch size of a step."""
    return int(update.batch_sizes[min(step, len(update.batch_sizes) - 1)])


def samples_of(update, path, step, seed):
    """The samples of one step, drawn on their own."""
    n = update.potential.size
    sizes = [size_of(update, earlier) for earlier in range(step + 1)]
    batch = sizes[step]
    bounds, words = np.empty(max(n, batch), np.uint64), np.empty(2 * max(n, batch) + SPARE, np.uint64)
    if update.noise != "minibatch":
        return np.arange(n)
    if update.sampling == "epoch_shuffle":
        epoch, used = 0, 0
        for size in sizes:
            # What is left of an epoch and is too little for a batch sits out.
            epoch, used = (epoch, used + size) if used + size <= n else (epoch + 1, size)
        order = np.empty(n, np.int64)
        shuffle(order, epoch, np.uint64(path), *_keys(seed), np.empty(n, np.int64), bounds, words)
        return order[used - batch : used]
    found, distinct = np.empty(batch, np.int64), update.sampling == "without_replacement"
    bounds = bounds[:batch]
    batch_bounds(bounds, batch, n, distinct)
    draw_below(found, bounds, sum(sizes[:-1]), batch, np.uint64(path), *_keys(seed), words)
    if distinct:
        keep_distinct(found, 1, batch, n, np.zeros(n, np.int64), 0)
        assert len(set(found.tolist())) == batch
    return found


def normals_for(update, path, steps, seed):
    """The normals of a path, one row a step."""
    size = update.potential.size if update.noise == "empirical" else update.dim
    found, words = np.empty(steps * size + SPARE), np.empty(2 * steps * size + SPARE, np.uint64)
    fill_normals(found, 0, steps * size, np.uint64(path), *_keys(seed), words)
    return found[: steps * size].reshape(steps, size)


def plain_run(update, x, steps, seed, path, normals, first_step=0):
    """Positions and velocities after each step, in NumPy."""
    x, v, course = np.array(x, dtype=float), np.zeros(update.dim), []
    n = update.potential.size
    for step in range(first_step, first_step + steps):
        rate = update.rates[min(step, len(update.rates) - 1)]
        kick = update.kicks[min(step, len(update.kicks) - 1)]
        gradients = update.potential.sample_gradients(x)
        if update.noise == "empirical":
            deviation = gradients - gradients.mean(0)
            b = update.batch_sizes[min(step, len(update.batch_sizes) - 1)]
            p = update.scales[min(step, len(update.scales) - 1)] * (n - b) / (b * (n - 1))
            move = -rate * gradients.mean(0) + rate * np.sqrt(p / n) * normals[step] @ deviation
        else:
            move = -rate * gradients[samples_of(update, path, step, seed)].mean(0)
        v = update.momentum * v + move
        if update.kicks.any():
            v = v + kick * normals[step]
        x = x + v
        course.append((x, v))
    return course
