"""Counter-based noise: Philox4x32-10 and the normal transform, one specification for every backend.

Counter = block (56 bits) | purpose (8) | path (64), least significant first; key = 64 bits from a
SeedSequence. The words of a path depend on (seed, path, purpose, block) and on nothing else. Normal n of a
path, counted over steps and within a step over coordinates, is number n mod 4 of block n div 4 (n mod 2 and n
div 2 for the wide variant).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.noise.key import Seed, key_of, key_words, seed_record
    from simdyn.noise.purposes import Purpose

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.noise.key": ["Seed", "key_of", "key_words", "seed_record"],
        "simdyn.noise.purposes": ["Purpose"],
    },
)

__all__ = ["Purpose", "Seed", "key_of", "key_words", "seed_record"]
