from __future__ import annotations

import math

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.noise import key_of, seed_record


def test_key_is_the_state_of_the_seed_sequence():
    # Numpy promises that SeedSequence never changes; these two words are part of every published result.
    assert key_of(0) == (0xB0F478BE, 0xDB2CD7E7)
    assert key_of(1) == tuple(int(w) for w in np.random.SeedSequence(1).generate_state(2, np.uint32))


def test_integers_and_sequences_agree():
    assert key_of(42) == key_of(np.random.SeedSequence(42)) == key_of(np.int64(42))


def test_large_seeds_and_children_differ():
    parent = np.random.SeedSequence(5)
    keys = [key_of(5), key_of(2**64 + 5), *(key_of(child) for child in parent.spawn(50))]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("seed", [-1, 1.0, True, "7", None, math.nan, np.array([1, 2])])
def test_other_seeds_are_refused(seed):
    with pytest.raises(InputError, match="seed is"):
        key_of(seed)


def test_record_makes_the_key_again():
    for seed in (3, np.int64(3), np.random.SeedSequence(9).spawn(3)[2]):
        record = seed_record(seed)
        again = np.random.SeedSequence(record["entropy"], spawn_key=tuple(record["spawn_key"]))
        assert key_of(again) == key_of(seed)
