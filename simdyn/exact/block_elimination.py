"""Killed Markov jump processes on a strip of blocks, solved block by block without a single subtraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simdyn.exact.panels import Array
from simdyn.markov.elimination import Elimination

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class BlockElimination:
    """Factors of M = diag(total rate out of each state) - rates, where jumps go to neighbouring blocks alone.

    As in `Elimination`, the diagonal is a sum of what leaves a state, and every operation adds or multiplies
    numbers that are not negative: solutions are relatively accurate however slowly the process is killed.
    Time and memory grow with the number of blocks times the third and second power of their size.
    """

    ends: Array
    inner: tuple[Elimination, ...]
    onwards: tuple[csr_array, ...]
    backwards: tuple[csr_array, ...]

    @classmethod
    def of(cls, rates: csr_array, killing: Array, ends: Array) -> BlockElimination:
        """Factors for jump rates (n, n; diagonal ignored) and killing rates (n,).

        `ends` are the first states of the blocks, and n.

        Raises
        ------
        ZeroDivisionError
            A state from which there is no way out.
        """
        inner, onwards, backwards = [], [], []
        fill: Array | float = 0.0
        gone: Array | float = 0.0
        last = len(ends) - 2
        for i in range(last + 1):
            here = slice(int(ends[i]), int(ends[i + 1]))
            rows = rates[here]
            up = rows[:, ends[i + 1] : ends[i + 2]] if i < last else rows[:, :0]
            killed = killing[here] + gone
            leaving = np.asarray(up.sum(axis=1)).ravel() if i < last else 0.0
            one = Elimination.of(rows[:, here].toarray() + fill, killed + leaving)
            inner.append(one)
            onwards.append(up)
            if i < last:
                down = rates[int(ends[i + 1]) : int(ends[i + 2]), here]
                backwards.append(down)
                through = one.solve(np.column_stack([up.toarray(), killed]))
                fill, gone = down @ through[:, :-1], down @ through[:, -1]
        return cls(np.asarray(ends), tuple(inner), tuple(onwards), tuple(backwards))

    def solve(self, source: Array) -> Array:
        """x with M x = `source`, for a source of shape (n,) or (n, k) that is not negative."""
        parts = self._parts(source)
        for i, down in enumerate(self.backwards):
            parts[i + 1] = parts[i + 1] + down @ self.inner[i].solve(parts[i])
        parts[-1] = self.inner[-1].solve(parts[-1])
        for i in range(len(parts) - 2, -1, -1):
            parts[i] = self.inner[i].solve(parts[i] + self.onwards[i] @ parts[i + 1])
        return np.concatenate(parts)

    def solve_left(self, source: Array) -> Array:
        """x with x M = `source`, for a source of shape (n,) that is not negative."""
        parts = self._parts(source)
        for i in range(len(self.backwards)):
            parts[i + 1] = parts[i + 1] + self.inner[i].solve_left(parts[i]) @ self.onwards[i]
        parts[-1] = self.inner[-1].solve_left(parts[-1])
        for i in range(len(parts) - 2, -1, -1):
            parts[i] = self.inner[i].solve_left(parts[i] + parts[i + 1] @ self.backwards[i])
        return np.concatenate(parts)

    def _parts(self, source: Array) -> list[Array]:
        return [source[a:b] for a, b in zip(self.ends[:-1], self.ends[1:], strict=True)]
