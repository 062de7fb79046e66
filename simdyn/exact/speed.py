"""The medium that a one-dimensional diffusion moves in: slope of its potential over D, and 1/D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simdyn.exact.panels import Array, Function, nodes_between, resolve, rule, to_coefficients

RESOLVED = 2e-13


@dataclass(frozen=True)
class Medium:
    """dx = a dt + (2D)^(1/2) dW with phi' = -a/D.

    Attributes
    ----------
    drift, diffusion
        a(x) and D(x), vectorised.
    order
        Nodes per panel.
    stride
        Largest variation of phi over a panel.
    alpha
        Convention: 0 Ito, 1/2 Stratonovich, 1 Haenggi-Klimontovich. Scale density exp(phi) D^-alpha, speed
        density exp(-phi) D^(alpha - 1), for a drift without the noise-induced part.
    """

    drift: Function
    diffusion: Function
    order: int
    stride: float
    alpha: float = 0.0

    def sample(self, x: Array) -> tuple[Array, Array]:
        """phi' and 1/D at `x`."""
        with np.errstate(all="ignore"):
            inverse = 1.0 / np.broadcast_to(np.asarray(self.diffusion(x), dtype=float), x.shape)
            return -np.broadcast_to(np.asarray(self.drift(x), dtype=float), x.shape) * inverse, inverse

    def refine(self, edges: Array) -> Array:
        """Edges fine enough that phi and 1/D are resolved to rounding on every panel."""
        matrix = to_coefficients(self.order)
        weights = rule(self.order)[1]

        def accept(low: Array, high: Array) -> Array:
            slope, inverse = self.sample(nodes_between(low, high, self.order))
            half = 0.5 * (high - low)
            with np.errstate(all="ignore"):
                climb = half * (np.abs(slope) @ weights)
                ripple = half * np.abs(slope @ matrix[-3:].T).max(axis=1)
                uneven = np.abs(inverse @ matrix[-3:].T).max(axis=1) / np.abs(inverse).max(axis=1)
                # What the rounding of x itself does to values on so narrow a panel cannot be refined away.
                noise = 8 * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high)) / (high - low)
                fine = (ripple <= (RESOLVED + noise) * (1 + climb)) & (uneven <= RESOLVED + noise)
                return (climb <= self.stride) & fine

        return resolve(edges, accept)

    def mass(self, edges: Array, phi: float) -> tuple[float, float]:
        """log of the speed measure of refined panels, with phi given at the first edge.

        `edges` may run downwards; the second number is phi at the last edge.
        """
        sign = 1.0 if edges[-1] >= edges[0] else -1.0
        half = 0.5 * np.diff(edges)
        low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
        slope, inverse = self.sample(nodes_between(low, high, self.order))
        weights = rule(self.order)[1]
        rises = half * (slope @ weights)
        levels = phi + np.concatenate([[0.0], np.cumsum(rises)])
        # Half a stride of slack in the level inside a panel is irrelevant to a truncation criterion.
        middle = 0.5 * (levels[:-1] + levels[1:])
        parts = np.log(sign * half * (inverse ** (1.0 - self.alpha) @ weights)) - middle
        return float(np.logaddexp.reduce(parts)), float(levels[-1])
