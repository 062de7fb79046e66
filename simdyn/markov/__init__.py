"""Markov chains with finitely many states, solved without a subtraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.markov.elimination import Elimination
    from simdyn.markov.jumps import connected, passage_times, relaxation_rate, stationary_law
    from simdyn.markov.slowest import slowest_decay

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.markov.elimination": ["Elimination"],
        "simdyn.markov.jumps": ["connected", "passage_times", "relaxation_rate", "stationary_law"],
        "simdyn.markov.slowest": ["slowest_decay"],
    },
)

__all__ = [
    "Elimination",
    "connected",
    "passage_times",
    "relaxation_rate",
    "slowest_decay",
    "stationary_law",
]
