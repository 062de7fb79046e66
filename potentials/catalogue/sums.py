"""The two-function landscape of Wu, Ma & E: one minimum that SGD keeps, and one that it leaves."""

from __future__ import annotations

from potentials.finite_sum import FiniteSum

__all__ = ["two_functions"]


def two_functions() -> FiniteSum:
    """Two equally sharp minima that SGD tells apart: the mean of min(x**2, h*(x - 1)**2) over h = 0.1, 1.9.

    Both functions have curvature 2 at x = 0; at x = 1 they have 0.2 and 3.8, the mean of which is 2 as well.
    Gradient descent with learning rate 0.7 stays at either; SGD with batches of one leaves x = 1. Wu, Ma & E,
    How SGD selects the global minima (NeurIPS 2018).
    """
    return FiniteSum(
        "min(x**2, h*(x - 1)**2)", {"h": [0.1, 1.9]}, variables="x", name="two_functions", domain=(-2.0, 5.0)
    )
