"""Survival of a one-dimensional diffusion as a sum of decaying modes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simdyn.exact.errors import NoReference
from simdyn.exact.first_passage import solve
from simdyn.exact.panels import Array, Function, Panels, to_coefficients
from simdyn.exact.speed import Medium

MAX_UNKNOWNS = 2000
STATIONS = 12

_LIGHTEST = -60.0
"""Log of the mass of a panel on an open side, next to that around the start, that nothing feels any more."""


@dataclass(frozen=True)
class Modes:
    """P(T > t) = sum of c_k exp(-rate_k t).

    Attributes
    ----------
    rates
        Increasing, in 1/time, shape (n,).
    weights
        c_k, which add up to 1, shape (n,).
    """

    rates: Array
    weights: Array

    def survival(self, t: Array) -> Array:
        """P(T > t) at times of shape (m,); shape (m,)."""
        return np.clip(np.exp(-np.multiply.outer(t, self.rates)) @ self.weights, 0.0, 1.0)


def diffusion_modes(
    drift: Function,
    diffusion: Function,
    start: float,
    lower: float,
    upper: float,
    breakpoints: tuple[float, ...],
    order: int,
    stride: float,
) -> Modes:
    """Modes of the generator by spectral elements; the slowest from the exact first two moments.

    The generator is symmetric in the speed measure. Its eigenvalues carry an absolute error of a rounding of
    the largest one, which would ruin the slowest; two moments, known from quadrature to relative accuracy,
    fix its rate and its weight instead.

    Raises
    ------
    NoReference
        More than one rate below the rounding of the largest, or a mesh that grows too large.
    """
    medium = Medium(drift, diffusion, order, stride)
    precise = Medium(drift, diffusion, 20, 2.5)
    moments = solve(precise, start, lower, upper, breakpoints, 2, 1e-20)
    solution = solve(medium, start, lower, upper, _with_stations(start, lower, upper, breakpoints), 1, 1e-19)
    edges = _without_light_ends(medium, solution.panels, start, lower, upper)
    if (len(edges) - 1) * order > MAX_UNKNOWNS:
        raise NoReference(
            f"The survival of one coordinate needs more than {MAX_UNKNOWNS} unknowns; raise the noise or "
            "move the exit."
        )
    keep = np.ones((len(edges) - 1) * order + 1, dtype=bool)
    keep[0], keep[-1] = math.isinf(lower), math.isinf(upper)
    matrix, mass = _generator(medium, edges, order)
    values, vectors = np.linalg.eigh(matrix[np.ix_(keep, keep)])
    position = int(np.searchsorted(edges, start)) * order - int(not keep[0])
    # Masses are relative to that of the start, so that neither end of a deep well overflows.
    root = np.exp(0.5 * (mass[keep] - mass[keep][position]))
    weights = vectors[position] * (vectors.T @ root)
    if len(values) > 1 and values[1] < 1e6 * np.finfo(float).eps * values[-1]:
        raise NoReference(
            "The coordinate has several slow modes (more wells than one inside the exit), which the survival "
            "of a diffusion does not resolve; ask for one coordinate."
        )
    first, second = math.exp(moments.log_moment(1)), math.exp(moments.log_moment(2))
    area = first - float((weights[1:] / values[1:]).sum())
    centre = 0.5 * second - float((weights[1:] / values[1:] ** 2).sum())
    return Modes(
        np.concatenate([[area / centre], values[1:]]), np.concatenate([[area * area / centre], weights[1:]])
    )


def _without_light_ends(medium: Medium, panels: Panels, start: float, lower: float, upper: float) -> Array:
    """Edges without panels far out on an open side, where the mesh of the moments reaches for the tail."""
    slope, inverse = medium.sample(panels.nodes)
    phi, _ = panels.integral(slope)
    mass = (np.log(panels.weights * inverse) - phi).max(axis=1)
    at = int(np.searchsorted(panels.edges, start))
    felt = np.flatnonzero(mass > min(mass[at - 1], mass[at]) + _LIGHTEST)
    first = felt[0] if math.isinf(lower) else 0
    last = felt[-1] if math.isinf(upper) else len(mass) - 1
    return panels.edges[first : last + 2]


def _with_stations(start: float, lower: float, upper: float, breakpoints: tuple[float, ...]) -> list[float]:
    """Breakpoints that bound the width of panels: early times ask for more than the landscape."""
    way = min(abs(end - start) for end in (lower, upper) if math.isfinite(end))
    stations = start + way / STATIONS * np.arange(-STATIONS + 1, STATIONS)
    return [*breakpoints, *(float(x) for x in stations if lower < x < upper and x != start)]


def _generator(medium: Medium, edges: Array, order: int) -> tuple[Array, Array]:
    """Minus the symmetrised generator and the log of the lumped masses, on the panels' Lobatto nodes."""
    points, weights, derivative = lobatto(order)
    half = 0.5 * np.diff(edges)[:, None]
    nodes = 0.5 * (edges[:-1] + edges[1:])[:, None] + half * points
    # Ends of panels are looked at from inside: D may jump there.
    inside = nodes + half * (np.abs(points) == 1) * -np.sign(points) * 1e-14
    _, inverse = medium.sample(inside)
    gauss = Panels(edges, order)
    within = gauss.half * (medium.sample(gauss.nodes)[0] @ _lobatto_integrals(order).T)
    phi = np.concatenate([[0.0], np.cumsum(within[:, -1])])[:-1, None] + within
    count = half.shape[0]
    size = count * order + 1
    place = np.arange(count)[:, None] * order + np.arange(order + 1)
    level = np.zeros(size)
    level[place] = phi
    lumped = np.zeros(size)
    np.add.at(lumped, place, half * weights * inverse)
    matrix = np.zeros((size, size))
    for e in range(count):
        at = place[e]
        scale = np.sqrt(lumped[at])
        tilt = np.exp(0.5 * (phi[e][:, None] - phi[e][None, :]))
        # Row q, column i: derivative of basis i at node q, weighted by exp(-phi_q / 2) against exp(phi_i /
        # 2).
        part = derivative * tilt.T * np.sqrt(weights / half[e])[:, None] / scale
        matrix[np.ix_(at, at)] += part.T @ part
    return matrix, np.log(lumped) - level


def lobatto(order: int) -> tuple[Array, Array, Array]:
    """Gauss-Lobatto nodes, weights and differentiation matrix of degree `order` on [-1, 1]."""
    legendre = np.polynomial.legendre
    top = np.zeros(order + 1)
    top[-1] = 1.0
    points = np.concatenate([[-1.0], np.sort(legendre.legroots(legendre.legder(top)).real), [1.0]])
    value = legendre.legval(points, top)
    weights = 2.0 / (order * (order + 1) * value**2)
    gap = points[:, None] - points[None, :]
    np.fill_diagonal(gap, 1.0)
    derivative = value[:, None] / value[None, :] / gap
    np.fill_diagonal(derivative, 0.0)
    derivative[0, 0], derivative[-1, -1] = -order * (order + 1) / 4, order * (order + 1) / 4
    return points, weights, derivative


def _lobatto_integrals(order: int) -> Array:
    """Matrix from values at Gauss nodes to integrals from -1 to Lobatto nodes, (order + 1, order)."""
    legendre = np.polynomial.legendre
    integrals = legendre.legint(to_coefficients(order), lbnd=-1, axis=0)
    return legendre.legvander(lobatto(order)[0], order) @ integrals


def first_of(parts: list[tuple[Modes, int]]) -> tuple[float, float]:
    """E T and E T^2 of the first of independent diffusions, given each kind and how many there are of it."""
    slowest = sum(count * part.rates[0] for part, count in parts)
    quickest = max(float(part.rates[min(1, len(part.rates) - 1)]) for part, _ in parts)
    begin = 1e-3 / max(quickest, slowest)
    end = 45.0 / slowest
    stations = [0.0, begin]
    while stations[-1] < end:
        stations.append(min(stations[-1] * 1.6, end))
    panels = Panels(np.array(stations), 20)
    product = np.ones(panels.nodes.shape)
    for part, count in parts:
        product *= part.survival(panels.nodes.ravel()).reshape(product.shape) ** count
    measure = panels.weights * product
    return float(measure.sum()), float((2 * panels.nodes * measure).sum())
