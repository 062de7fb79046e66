"""Survival of a discrete chain: step by step until one mode is left, geometric from there on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simdyn.exact.errors import NoReference
from simdyn.exact.hops import Hops
from simdyn.exact.panels import Array

SPARSE = 1e-20
ONE_MODE = 1e-12
MAX_WORK = 4e9
SETTLED = 1024


@dataclass(frozen=True)
class ChainSurvival:
    """P(N > n) of the exit step N.

    Attributes
    ----------
    early
        P(N > n) for n = 0 ... m, shape (m + 1,).
    rate
        1 - lambda, the chance to leave per step once one mode is left, relatively accurate however small.
    """

    early: Array
    rate: float

    def up_to(self, last: int) -> Array:
        """P(N > n) for n = 0 ... last >= m."""
        more = np.arange(1, last - len(self.early) + 2)
        return np.concatenate([self.early, self.early[-1] * np.exp(more * math.log1p(-self.rate))])


def chain_survival(hops: Hops, start: float) -> ChainSurvival:
    """Survival from `start` inside.

    The leading eigenvalue comes from powers of (I - K)^-1, which keeps 1 - lambda relatively accurate.

    Raises
    ------
    NoReference
        Several slow modes, so that too many steps would be needed.
    """
    from scipy.sparse import csr_array

    mode = np.ones(len(hops.points))
    growth = 0.0
    for _ in range(500):
        larger = hops.elimination.solve(mode)
        previous, growth = growth, float(larger.max())
        mode = larger / growth
        if abs(growth / previous - 1 if previous else 1.0) < 1e-15:
            break
    row, _ = hops.from_start(start)
    dense = hops.corrected()
    dense[np.abs(dense) < SPARSE] = 0.0
    matrix = csr_array(dense)
    peak = int(np.argmax(mode))
    now, early = np.ones(len(mode)), [1.0]
    allowed = MAX_WORK / max(matrix.nnz, 1)
    last = np.inf
    # A test each step would cost as much as the step.
    while True:
        for _ in range(16):
            early.append(float(row @ now))
            now = matrix @ now
        rest = float(np.abs(now / now[peak] - mode / mode[peak]).max())
        if rest < ONE_MODE:
            return ChainSurvival(np.array(early), 1.0 / growth)
        ahead = 16 * math.log(rest / ONE_MODE) / math.log(last / rest) if rest < last else math.inf
        if len(early) >= SETTLED and len(early) + ahead > allowed:
            raise NoReference(
                "The discrete rule relaxes too slowly for its survival to be followed step by step; raise "
                "the learning rate or ask for one coordinate."
            )
        last = rest


def first_of(parts: list[tuple[ChainSurvival, int]]) -> tuple[float, float]:
    """E N and E N^2 of the first of independent chains, given each kind and how many there are of it."""
    last = max(len(part.early) for part, _ in parts)
    product = np.ones(last + 1)
    log_decay = 0.0
    for part, count in parts:
        product *= part.up_to(last) ** count
        log_decay += count * math.log1p(-part.rate)
    leave = -math.expm1(log_decay)
    n = np.arange(last)
    head, tail = product[:-1], product[-1]
    mean = float(head.sum()) + tail / leave
    decay = math.exp(log_decay)
    with np.errstate(over="ignore"):
        square = float(((2 * n + 1) * head).sum()) + tail * ((2 * last + 1) + 2 * decay / leave) / leave
    return float(mean), float(square)
