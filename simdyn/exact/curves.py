"""Exact answers that are functions: survival over time, densities over space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from simdyn.errors import InputError
from simdyn.exact.panels import Array, Panels, to_coefficients
from simdyn.results import Unit

ORDER = 20


@dataclass(frozen=True, kw_only=True)
class Survival:
    """P(T > t) at given times.

    Attributes
    ----------
    times
        Shape (k,), in `unit`.
    values
        Probabilities, shape (k,).
    error
        Bound for the absolute error of each value, from two resolutions.
    unit
        "steps" or "time".
    method
        How it was computed, in one sentence.
    """

    times: Array
    values: Array
    error: Array
    unit: Unit
    method: str


@dataclass(frozen=True, kw_only=True)
class Density:
    """A probability density in one or two dimensions.

    Attributes
    ----------
    points
        Nodes of a quadrature rule, shape (n, d).
    weights
        Its weights, shape (n,): the sum of `weights * values` is 1.
    values
        Density at the nodes, shape (n,).
    error
        Estimate of the largest error of a value, from two resolutions.
    method
        How it was computed, in one sentence.
    edges
        In one dimension the ends of the panels on which the density is smooth.
    """

    points: Array
    weights: Array
    values: Array
    error: float
    method: str
    edges: Array | None = None
    _at: Callable[[Array], Array] = field(repr=False)

    def __call__(self, x: Array) -> Array:
        """Density at points of shape (..., d) (or (...) in one dimension); shape (...)."""
        x = np.asarray(x, dtype=float)
        if self.points.shape[1] == 1 and (x.ndim == 0 or x.shape[-1] != 1):
            x = x[..., None]
        return self._at(x.reshape(-1, x.shape[-1])).reshape(x.shape[:-1])

    def expectation(self, function: Callable[[Array], Array]) -> float:
        """Mean of `function`, which maps points of shape (n, d) to shape (n,)."""
        return float(self.weights * self.values @ np.asarray(function(self.points), dtype=float))

    def mass(self, lower: float = -np.inf, upper: float = np.inf) -> float:
        """Probability of (lower, upper) in one dimension."""
        if self.edges is None:
            raise InputError("mass() is for densities on a line; in the plane use expectation().")
        inner = self.edges[(self.edges > lower) & (self.edges < upper)]
        ends = np.clip([lower, upper], self.edges[0], self.edges[-1])
        panels = Panels(np.unique(np.concatenate([ends[:1], inner, ends[1:]])), ORDER)
        return float((panels.weights * self(panels.nodes)).sum())


def density_on_panels(fine: tuple[Panels, Array], coarse: tuple[Panels, Array], method: str) -> Density:
    """Density from its logarithm at the nodes of panels where it is smooth, at two resolutions."""
    panels, log_values = fine
    values = np.exp(log_values).ravel()
    nodes = panels.nodes.ravel()
    error = np.abs(_interpolated(*coarse, nodes) - values).max() + 1e-14 * values.max()
    return Density(
        points=nodes[:, None],
        weights=panels.weights.ravel(),
        values=values,
        error=float(error),
        method=method,
        edges=panels.edges,
        _at=lambda x: _interpolated(panels, log_values, x[:, 0]),
    )


def _interpolated(panels: Panels, log_values: Array, x: Array) -> Array:
    """exp(log_values) at points of shape (k,), by the polynomial of its panel; zero outside."""
    place = np.clip(np.searchsorted(panels.edges, x, side="right") - 1, 0, len(panels.half) - 1)
    shift = log_values.max(axis=1)
    coefficients = np.exp(log_values - shift[:, None]) @ to_coefficients(panels.order).T
    local = (x - 0.5 * (panels.edges[place] + panels.edges[place + 1])) / panels.half[place, 0]
    basis = np.polynomial.legendre.legvander(np.clip(local, -1.0, 1.0), panels.order - 1)
    values = np.exp(shift[place]) * np.einsum("kn,kn->k", basis, coefficients[place])
    return np.where((x >= panels.edges[0]) & (x <= panels.edges[-1]), np.maximum(values, 0.0), 0.0)
