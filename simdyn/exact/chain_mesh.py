"""Panels on which every Gaussian step of a chain is resolved."""

from __future__ import annotations

import numpy as np

from simdyn.exact.errors import NoReference
from simdyn.exact.hops import Steps
from simdyn.exact.panels import Array, Panels, nodes_between, to_coefficients

MAX_NODES = 4500
SMOOTH = 1e-11


def chain_panels(steps: Steps, breakpoints: Array, *, order: int, stride: float, reach: float) -> Panels:
    """Panels such that a step which lands on one has an sd of at least its width over `stride`.

    Parameters
    ----------
    steps
        The chain on its interval.
    breakpoints
        Kinks and zeros of mean and sd.
    order
        Nodes per panel.
    stride
        Widest panel in units of the sd of the steps that begin or end there.
    reach
        How many sd a step may go and still count.

    Raises
    ------
    NoReference
        More than `MAX_NODES` nodes.
    """
    inner = breakpoints[(breakpoints > steps.lower) & (breakpoints < steps.upper)]
    edges = np.unique(np.concatenate([[steps.lower], inner, [steps.upper]]))
    zeros = np.array([b for b in inner if float(steps.law(np.array([b]))[1][0]) == 0.0 or _is_zero(steps, b)])
    matrix = to_coefficients(order)
    for _ in range(60):
        low, high = edges[:-1], edges[1:]
        nodes = nodes_between(low, high, order)
        mean, sd = steps.law(nodes)
        width = high - low
        smooth = _smooth(sd**2, matrix) & _smooth(mean, matrix)
        slope = np.abs(np.gradient(mean, axis=1) / np.gradient(nodes, axis=1)).max(axis=1)
        begins = width <= stride * sd.min(axis=1) / np.maximum(1.0, slope)
        if zeros.size:
            begins |= _glides(nodes, mean, sd, reach) & (width <= stride * np.abs(mean - nodes).min(axis=1))
            gap = np.maximum(low[:, None] - zeros, zeros - high[:, None]).min(axis=1)
            adjacent = gap <= 0
            smooth &= adjacent | (width <= gap)
        ends = width <= stride * _finest_arrival(low, high, mean.ravel(), sd.ravel(), reach)
        split = ~(smooth & begins & ends) & (width > 1e-13 * (1 + np.abs(low)))
        if not split.any():
            return Panels(edges, order)
        edges = np.sort(np.concatenate([edges, 0.5 * (low + high)[split]]))
        if len(edges) * order > MAX_NODES:
            raise NoReference(
                "The noise of one step is so small against the way to the exit that the transfer operator "
                f"would need more than {MAX_NODES} nodes; ask for the SDE of this rule, or raise the "
                "learning rate."
            )
    raise NoReference(
        "The noise of the discrete rule varies too sharply for a transfer operator; give it a floor."
    )


def _is_zero(steps: Steps, point: float) -> bool:
    around = steps.law(point + np.array([-1e-3, 1e-3]) * (1 + abs(point)))[1].min()
    return bool(steps.law(np.array([point]))[1][0] < 1e-6 * around)


def _smooth(values: Array, matrix: Array) -> Array:
    """Whether values at the nodes of each panel are a polynomial to `SMOOTH`."""
    tail = np.abs(values @ matrix[-2:].T).max(axis=1)
    return tail <= SMOOTH * np.abs(values).max(axis=1)


def _glides(nodes: Array, mean: Array, sd: Array, reach: float) -> Array:
    """Panels that a path leaves almost without noise, so that their width owes nothing to the local sd."""
    return reach * sd.max(axis=1) <= np.abs(mean - nodes).min(axis=1)


def _finest_arrival(low: Array, high: Array, mean: Array, sd: Array, reach: float) -> Array:
    """Least sd among the steps that may land in each panel."""
    order = np.argsort(sd)
    first, last = (mean - reach * sd)[order], (mean + reach * sd)[order]
    ranked = np.append(sd[order], np.inf)
    finest = np.empty(len(low))
    for k, (a, b) in enumerate(zip(low, high, strict=True)):
        lands = (first < b) & (last > a)
        finest[k] = ranked[int(np.argmax(lands))] if lands.any() else np.inf
    return finest
