"""Gauss-Legendre panels: nodes, weights, and cumulative integrals of exponentials without overflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

Array = np.ndarray
Function = Callable[[Array], Array]

MAX_PANELS = 40_000


@cache
def rule(order: int) -> tuple[Array, Array]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1], each of shape (order,)."""
    return np.polynomial.legendre.leggauss(order)


@cache
def to_coefficients(order: int) -> Array:
    """Matrix from values at the nodes to Legendre coefficients, shape (order, order)."""
    nodes, weights = rule(order)
    values = np.polynomial.legendre.legvander(nodes, order - 1)
    return (values * weights[:, None]).T * (np.arange(order)[:, None] + 0.5)


@cache
def antiderivative(order: int) -> Array:
    """Matrix from values at the nodes to integrals from -1 to each node, shape (order, order)."""
    nodes, _ = rule(order)
    identity = np.polynomial.legendre.legint(to_coefficients(order), lbnd=-1, axis=0)
    return np.polynomial.legendre.legvander(nodes, order) @ identity


@dataclass(frozen=True)
class Panels:
    """Consecutive panels with `order` Gauss-Legendre nodes each.

    Attributes
    ----------
    edges
        Shape (p + 1,), increasing.
    order
        Nodes per panel.
    """

    edges: Array
    order: int

    @cached_property
    def half(self) -> Array:
        """Half widths, shape (p, 1)."""
        return 0.5 * np.diff(self.edges)[:, None]

    @cached_property
    def nodes(self) -> Array:
        """Shape (p, order)."""
        return nodes_between(self.edges[:-1], self.edges[1:], self.order)

    @cached_property
    def weights(self) -> Array:
        """Shape (p, order)."""
        return self.half * rule(self.order)[1]

    def integral(self, values: Array) -> tuple[Array, Array]:
        """Integral from the first edge to each node, (p, order), and to each edge, (p + 1,)."""
        totals = np.concatenate([[0.0], np.cumsum((values * self.weights).sum(axis=1))])
        return totals[:-1, None] + self.half * (values @ antiderivative(self.order).T), totals

    def log_integral(self, log_values: Array, backwards: bool = False) -> tuple[Array, Array]:
        """log of the integral of exp(log_values) from the first edge (or to the last), at nodes and edges.

        Relative accuracy holds throughout as long as `log_values` varies by a few units in a panel, however
        much it varies over the whole.
        """
        shift = log_values.max(axis=1, keepdims=True)
        scaled = np.exp(log_values - shift)
        matrix = antiderivative(self.order)
        if backwards:
            matrix = rule(self.order)[1] - matrix
        floor = np.finfo(float).tiny
        part = np.log(np.maximum(self.half * (scaled @ matrix.T), floor)) + shift
        whole = np.log((scaled * self.weights).sum(axis=1)) + shift[:, 0]
        if backwards:
            totals = np.concatenate([np.logaddexp.accumulate(whole[::-1])[::-1], [-np.inf]])
            return np.logaddexp(totals[1:, None], part), totals
        totals = np.concatenate([[-np.inf], np.logaddexp.accumulate(whole)])
        return np.logaddexp(totals[:-1, None], part), totals


def nodes_between(low: Array, high: Array, order: int) -> Array:
    """Nodes of the panels [low_i, high_i], shape (p, order)."""
    return 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * rule(order)[0]


def resolve(edges: Array, accept: Callable[[Array, Array], Array]) -> Array:
    """Halve the panels between `edges` until `accept(low, high)` holds for each; the new edges.

    Panels that have shrunk to rounding size are taken as they are: a kink that nobody announced costs a
    graded mesh.
    """
    low, high = edges[:-1], edges[1:]
    done = [edges[-1:]]
    while low.size:
        good = accept(low, high) | (high - low <= 4e-15 * np.maximum(np.abs(low), np.abs(high)))
        done.append(low[good])
        low, high = low[~good], high[~good]
        middle = 0.5 * (low + high)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        if low.size > MAX_PANELS:
            raise OverflowError(f"more than {MAX_PANELS} panels")
    return np.sort(np.concatenate(done))
