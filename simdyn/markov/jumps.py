"""Jump processes between n states, by their rates k_ij from i to j (the diagonal does not count)."""

from __future__ import annotations

import math

import numpy as np

from simdyn.markov.elimination import Elimination
from simdyn.markov.slowest import MODES, slowest_decay

Array = np.ndarray


def connected(rates: Array) -> bool:
    """Whether every state can be reached from every other."""
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(rates > 0, directed=True, connection="strong")[0]) == 1


def passage_times(rates: Array, target: int) -> Array:
    """Mean time from each state until `target` is first reached, shape (n,); infinite from where it is not.

    Every digit counts, however far apart the rates are.
    """
    times = np.full(len(rates), math.inf)
    times[target] = 0.0
    sure = _reaching(rates, target)
    while True:
        # A state from which the target may be missed for good has an infinite mean, as has all before it.
        missed = ~sure
        missed[target] = False
        doubtful = sure & (rates[:, missed] > 0).any(axis=1)
        if not doubtful.any():
            break
        sure &= ~doubtful
    if sure.any():
        inner = Elimination.of(rates[np.ix_(sure, sure)], rates[sure, target])
        times[sure] = inner.solve(np.ones(int(sure.sum())))
    return times


def stationary_law(rates: Array) -> Array:
    """Stationary probabilities of a connected process, shape (n,), each with all its digits.

    State 0 has the mass 1, and every other the time spent there between two visits of state 0 (Grassmann,
    Taksar & Heyman 1985).
    """
    law = np.ones(len(rates))
    law[1:] = Elimination.of(rates[1:, 1:], rates[1:, 0]).solve_left(rates[0, 1:])
    return law / law.sum()


def relaxation_rate(rates: Array) -> float | None:
    """Smallest rate at which a connected process approaches its stationary law; None if it oscillates."""
    law = stationary_law(rates)
    home = int(np.argmax(law))
    rest = np.delete(np.arange(len(law)), home)
    solver = Elimination.of(rates[np.ix_(rest, rest)], rates[rest, home])
    begin = np.random.default_rng(0).standard_normal((len(law), MODES))
    logarithm = slowest_decay(solver.solve, law, begin, home)
    return None if logarithm is None else math.exp(logarithm)


def _reaching(rates: Array, target: int) -> Array:
    """The other states from which there is some way to `target`."""
    from scipy.sparse.csgraph import breadth_first_order

    order = breadth_first_order((rates > 0).T, target, directed=True, return_predecessors=False)
    found = np.zeros(len(rates), dtype=bool)
    found[order] = True
    found[target] = False
    return found
