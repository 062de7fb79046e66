"""Linear systems of killed Markov chains, solved without a single subtraction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

BLOCK = 64


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
            here = slice(first, last)
            # Of what leaves the block its own states need the sum alone.
            leaving = np.column_stack([rates[here, last:].sum(axis=1), killing[here]])
            block = np.concatenate([rates[here, here], leaving], axis=1)
            for k in range(last - first):
                pivot = block[k, k + 1 :].sum()
                if not pivot > 1e-305:
                    raise ZeroDivisionError(f"state {first + k} cannot be left in double precision")
                pivots[first + k] = pivot
                block[k + 1 :, k] /= pivot
                block[k + 1 :, k + 1 :] += np.outer(block[k + 1 :, k], block[k, k + 1 :])
            rates[here, here] = block[:, :-2]
            killing[here] = block[:, -1]
            if last < size:
                lower, upper = _factors(block[:, :-2], pivots[here])
                right = solve_triangular(
                    lower, rates[here, last:], lower=True, unit_diagonal=True, check_finite=False
                )
                below = solve_triangular(upper, rates[last:, here].T, trans="T", check_finite=False).T
                rates[here, last:] = right
                rates[last:, here] = below
                rates[last:, last:] += below @ right
                killing[last:] += below @ killing[here]
        return cls(*_factors(rates, pivots))

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


def _factors(eliminated: Array, pivots: Array) -> tuple[Array, Array]:
    """I - K = L U from the multipliers below the diagonal and the rates above it."""
    return np.eye(len(pivots)) - np.tril(eliminated, -1), np.diag(pivots) - np.triu(eliminated, 1)
