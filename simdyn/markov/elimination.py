"""Linear systems of killed Markov chains, solved without a single subtraction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

BLOCK = 48


@dataclass(frozen=True)
class Elimination:
    """Triangular factors of I - K for a chain with non-negative transition rates and killing.

    The diagonal of I - K is never read: it is the sum of what leaves a state (Grassmann, Taksar & Heyman
    1985; Alfa, Xue & Ye 2002). All operations add or multiply non-negative numbers, so that every solution
    is accurate to a relative error of a few hundred roundings even where the mean time is 1e300 and I - K is
    singular to all digits.
    """

    multipliers: Array
    rates: Array

    @classmethod
    def of(cls, transitions: Array, killing: Array) -> Elimination:
        """Factors for K = `transitions` (n, n; the diagonal is ignored) and `killing` (n,).

        Raises
        ------
        ZeroDivisionError
            A state from which there is no way out in double precision.
        """
        from scipy.linalg import solve_triangular

        size = len(killing)
        rates = np.array(transitions, dtype=float, order="C")
        np.fill_diagonal(rates, 0.0)
        killing = np.array(killing, dtype=float)
        pivots = np.zeros(size)
        for first in range(0, size, BLOCK):
            last = min(first + BLOCK, size)
            for k in range(first, last):
                pivots[k] = killing[k] + rates[k, k + 1 :].sum()
                if not pivots[k] > 1e-305:
                    raise ZeroDivisionError(f"state {k} cannot be left in double precision")
                factors = rates[k + 1 : last, k] / pivots[k]
                rates[k + 1 : last, k] = factors
                rates[k + 1 : last, k + 1 :] += np.outer(factors, rates[k, k + 1 :])
                killing[k + 1 : last] += factors * killing[k]
            if last < size:
                upper = np.diag(pivots[first:last]) - np.triu(rates[first:last, first:last], 1)
                below = solve_triangular(upper, rates[last:, first:last].T, trans="T", check_finite=False).T
                rates[last:, first:last] = below
                rates[last:, last:] += below @ rates[first:last, last:]
                killing[last:] += below @ killing[first:last]
        lower = np.eye(size) - np.tril(rates, -1)
        return cls(lower, np.diag(pivots) - np.triu(rates, 1))

    def solve(self, source: Array) -> Array:
        """x with (I - K) x = `source`, for non-negative sources of shape (n,) or (n, k)."""
        from scipy.linalg import solve_triangular

        half = solve_triangular(self.multipliers, source, lower=True, unit_diagonal=True, check_finite=False)
        return solve_triangular(self.rates, half, check_finite=False)

    def solve_left(self, source: Array) -> Array:
        """x with x (I - K) = `source`, for a non-negative source of shape (n,)."""
        from scipy.linalg import solve_triangular

        half = solve_triangular(self.rates, source, trans="T", check_finite=False)
        return solve_triangular(
            self.multipliers, half, trans="T", lower=True, unit_diagonal=True, check_finite=False
        )
