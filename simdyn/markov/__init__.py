"""Markov chains with finitely many states, solved without a subtraction."""

from simdyn.markov.elimination import Elimination
from simdyn.markov.jumps import connected, passage_times, relaxation_rate, stationary_law
from simdyn.markov.slowest import slowest_decay

__all__ = [
    "Elimination",
    "connected",
    "passage_times",
    "relaxation_rate",
    "slowest_decay",
    "stationary_law",
]
