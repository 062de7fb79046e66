"""From a person's seed to the 64-bit key of a run."""

from __future__ import annotations

import numpy as np

from simdyn.errors import InputError

Seed = int | np.random.SeedSequence


def key_of(seed: Seed) -> tuple[int, int]:
    """The two 32-bit words of the Philox key: the first 64 bits of state of the seed's SeedSequence.

    Parameters
    ----------
    seed
        A non-negative integer, or a `numpy.random.SeedSequence` (children of one differ by their spawn key).

    Raises
    ------
    InputError
        Anything else.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer | np.random.SeedSequence):
        raise InputError(f"seed is {seed!r}, but it must be a non-negative integer or a numpy SeedSequence.")
    if not isinstance(seed, np.random.SeedSequence):
        if seed < 0:
            raise InputError(f"seed is {seed}, but it must not be negative.")
        seed = np.random.SeedSequence(int(seed))
    low, high = seed.generate_state(2, np.uint32)
    return int(low), int(high)


def key_words(seed: Seed) -> tuple[np.uint64, np.uint64]:
    """The same in the type that kernels take."""
    low, high = key_of(seed)
    return np.uint64(low), np.uint64(high)


def seed_record(seed: Seed) -> dict[str, object]:
    """What has to be stored in order to make the same key again."""
    if isinstance(seed, np.random.SeedSequence):
        return {"entropy": seed.entropy, "spawn_key": [int(k) for k in seed.spawn_key]}
    return {"entropy": int(seed), "spawn_key": []}
