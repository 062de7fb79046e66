"""Coordinates that make a planar SDE nearly isotropic, with its exits, where possible, along the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from simdyn.dynamics import Update
from simdyn.exact.panels import Array
from simdyn.exact.plane_mesh import INSIDE, Diffusion
from simdyn.exits import Exit

STRAIGHT = 1e-10


@dataclass(frozen=True)
class PlaneCoordinates:
    """x = start + matrix xi.

    Attributes
    ----------
    start
        Shape (2,); xi = 0 there.
    matrix
        Shape (2, 2).
    problem
        The diffusion and its exits in xi.
    walls
        walls[axis] = (lower, upper), each a pair of position and region, or None where that side is open.
    straight
        Whether the walls are all the exits there are.
    period
        After which everything repeats itself along the second axis of xi, or None.
    """

    start: Array
    matrix: Array
    problem: Diffusion
    walls: tuple[tuple[tuple[float, int] | None, tuple[float, int] | None], ...]
    straight: bool
    period: float | None = None

    def to_plane(self, xi: Array) -> Array:
        """x at points of shape (n, 2)."""
        return self.start + xi @ self.matrix.T

    def from_plane(self, x: Array) -> Array:
        """xi at points of shape (n, 2)."""
        return np.linalg.solve(self.matrix, (x - self.start).T).T

    @property
    def cell(self) -> float:
        """Area in x of a unit square in xi."""
        return float(abs(np.linalg.det(self.matrix)))


def plane_coordinates(
    update: Update, start: Array, exits: Sequence[Exit], closed: tuple[int, float] | None = None
) -> PlaneCoordinates:
    """The coordinates for a law with its exits, each exit a region of its own.

    `closed` is a coordinate of x that repeats itself, with its period; no exit may depend on it.

    Raises
    ------
    numpy.linalg.LinAlgError
        Noise that vanishes in some direction at the start.
    """

    def diffusion(x: Array) -> Array:
        factor = update.factor_at(x)
        return factor @ np.swapaxes(factor, -1, -2) / (2 * update.step)

    planes = [half_planes(way_out) for way_out in exits]
    normals = [normal for found in planes for normal, _ in found or []]
    at_start = diffusion(start[None])[0]
    matrix = _matrix(at_start, normals) if closed is None else _with_last(at_start, closed[0])
    inverse = np.linalg.inv(matrix)
    walls: list[list[tuple[float, int] | None]] = [[None, None], [None, None]]
    straight = all(found is not None for found in planes)
    for region, found in enumerate(planes):
        for normal, bound in found or []:
            turned = matrix.T @ normal
            axis = int(np.argmax(np.abs(turned)))
            if abs(turned[1 - axis]) > STRAIGHT * abs(turned[axis]):
                straight = False
                continue
            position = float((bound - normal @ start) / turned[axis])
            side = int(position > 0)
            known = walls[axis][side]
            if known is None or abs(position) < abs(known[0]):
                walls[axis][side] = (position, region)

    def region_of(xi: Array) -> Array:
        region = np.full(len(xi), INSIDE)
        if straight:
            return region
        x = start + xi @ matrix.T
        for number in range(len(exits) - 1, -1, -1):
            region[exits[number].channel_of(x) >= 0] = number
        return region

    def drift(xi: Array) -> Array:
        # What is not finite is refused by whoever asks.
        with np.errstate(all="ignore"):
            return np.asarray(update.drift_at(start + xi @ matrix.T) / update.step @ inverse.T)

    problem = Diffusion(
        drift=drift,
        diffusion=lambda xi: inverse @ diffusion(start + xi @ matrix.T) @ inverse.T,
        region=region_of,
        regions=max(1, len(exits)),
    )
    sides = tuple((pair[0], pair[1]) for pair in walls)
    period = None if closed is None else closed[1] / float(matrix[closed[0], 1])
    return PlaneCoordinates(start, matrix, problem, sides, straight, period)


def half_planes(way_out: Exit) -> list[tuple[Array, float]] | None:
    """Normals and bounds of an exit that is a union of half planes normal . x >= bound; None for others."""
    found = []
    for channel in way_out.channels:
        if len(channel.surfaces) != 1:
            return None
        gap = channel.surfaces[0].gap
        gap = sympy.expand(
            gap.subs({s: way_out.values[s.name] for s in gap.free_symbols if s.name in way_out.values})
        )
        slopes = [sympy.diff(gap, v) for v in way_out.variables]
        if any(slope.free_symbols for slope in slopes):
            return None
        normal = np.array([float(slope) for slope in slopes])
        origin = float(gap.subs(dict.fromkeys(way_out.variables, 0)))
        if not normal.any():
            return None
        found.append((normal, -origin))
    return found


def _with_last(diffusion: Array, axis: int) -> Array:
    """Coordinates in which `diffusion` is the identity and the second of them moves along one of x alone."""
    order = [1 - axis, axis]
    matrix = np.empty((2, 2))
    matrix[order] = np.linalg.cholesky(diffusion[np.ix_(order, order)])
    return matrix


def _matrix(diffusion: Array, normals: list[Array]) -> Array:
    """Coordinates in which `diffusion` is the identity and the first normal an axis.

    If that leaves exits askew which are along the axes of x, coordinates that only scale these axes.
    """
    root = np.linalg.cholesky(diffusion)
    if not normals:
        return root
    first = root.T @ normals[0]
    c, s = first / np.linalg.norm(first)
    matrix = root @ np.array([[c, -s], [s, c]])
    turned = [matrix.T @ normal for normal in normals]
    askew = any(np.abs(t).min() > STRAIGHT * np.abs(t).max() for t in turned)
    if askew and all(np.abs(n).min() == 0 for n in normals):
        return np.diag(np.sqrt(np.diag(diffusion)))
    return matrix
