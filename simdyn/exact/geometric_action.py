"""Least action of an SDE over all paths and all durations, by the geometric minimum action method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simdyn.exact.panels import Array
from simdyn.exact.path_newton import relax

Field = Callable[[Array], Array]

COARSEST = 16
ROUNDS = 4
BULGES = (0.0, 0.35, -0.35)


class GeometricAction:
    """Half the integral of |b| |phi'| - <b, phi'> in the metric D^-1, for dx = b dt + (2 D)^(1/2) dW.

    Equal to a quarter of the integral of |x' - b|^2 dt at the best speed along the curve (Heymann &
    Vanden-Eijnden 2008), so that exit times grow like the exponential of its minimum.

    Parameters
    ----------
    drift
        b at points of shape (n, d); shape (n, d).
    diffusion
        D at points of shape (n, d); shape (n, d, d), positive definite.
    """

    def __init__(self, drift: Field, diffusion: Field) -> None:
        self.drift, self.diffusion = drift, diffusion

    def edges(self, start: Array, end: Array) -> Array:
        """Action of straight edges by the midpoint rule; shape (n,)."""
        middle, step = 0.5 * (start + end), end - start
        b = self.drift(middle)
        try:
            both = np.linalg.solve(self.diffusion(middle), np.stack([b, step], axis=2))
        except np.linalg.LinAlgError:
            return np.full(len(step), np.inf)
        slow = np.einsum("nd,nd->n", b, both[:, :, 0])
        length = np.einsum("nd,nd->n", step, both[:, :, 1])
        along = np.einsum("nd,nd->n", step, both[:, :, 0])
        return 0.5 * (np.sqrt(np.maximum(slow * length, 0.0)) - along)

    def along(self, path: Array) -> float:
        """Action of a polygon of shape (n + 1, d)."""
        return float(self.edges(path[:-1], path[1:]).sum())

    def durations(self, path: Array) -> Array:
        """Time that each edge takes at the best speed, shape (n,); infinite where the drift vanishes."""
        middle, step = 0.5 * (path[:-1] + path[1:]), np.diff(path, axis=0)
        b = self.drift(middle)
        both = np.linalg.solve(self.diffusion(middle), np.stack([b, step], axis=2))
        with np.errstate(divide="ignore"):
            return np.sqrt(
                np.einsum("nd,nd->n", step, both[:, :, 1]) / np.einsum("nd,nd->n", b, both[:, :, 0])
            )

    def relaxed(self, path: Array) -> Array:
        """A path of locally least action near `path`, its points equally spaced."""
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        for _ in range(ROUNDS):
            path = resampled(path, len(path) - 1)
            path = relax(self.edges, path, _normals(path), 1e-5 * length)
        return path

    def minimum(self, start: Array, end: Array, levels: int) -> tuple[list[float], Array]:
        """Least actions at `levels` resolutions, each twice as fine as the one before, and the finest path.

        Several curves from start to end, straight and bent to either side, are relaxed at the coarsest
        level, and the best is followed.
        """
        candidates = [self.relaxed(path) for path in _first_paths(start, end)]
        path = min(candidates, key=self.along)
        actions = []
        for level in range(levels):
            if level:
                path = self.relaxed(resampled(path, 2 * (len(path) - 1)))
            actions.append(self.along(path))
        return actions, path


def resampled(path: Array, count: int) -> Array:
    """`count` edges of equal length along a smooth curve through the points of `path`."""
    from scipy.interpolate import CubicSpline

    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    keep = np.concatenate([[True], np.diff(length) > 1e-14 * length[-1]])
    curve = CubicSpline(length[keep], path[keep])
    even = curve(np.linspace(0.0, length[-1], count + 1))
    even[0], even[-1] = path[0], path[-1]
    return even


def _normals(path: Array) -> Array:
    """Orthonormal directions across the path at each point, shape (n + 1, d, d - 1)."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    dim = path.shape[1]
    # The other columns of the reflection that takes the first axis to the tangent.
    sign = np.where(tangent[:, :1] >= 0, 1.0, -1.0)
    mirror = tangent + sign * np.eye(dim)[0]
    mirror /= np.linalg.norm(mirror, axis=1, keepdims=True)
    return np.eye(dim)[None, :, 1:] - 2 * mirror[:, :, None] * mirror[:, None, 1:]


def _first_paths(start: Array, end: Array) -> list[Array]:
    """A straight path, and one bent to each side of it in each of a few directions."""
    s = np.linspace(0.0, 1.0, COARSEST + 1)[:, None]
    straight = start + s * (end - start)
    across = _normals(straight)[0]
    paths = [straight]
    for direction in across.T[:2]:
        for bulge in BULGES[1:]:
            height = bulge * float(np.linalg.norm(end - start))
            paths.append(straight + height * np.sin(np.pi * s) * direction)
    return paths
