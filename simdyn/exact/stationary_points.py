"""Points where a gradient vanishes, to machine precision, in few dimensions and in thousands."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from potentials import Potential
from simdyn.exact.panels import Array

Kind = Literal["minimum", "saddle"]

DENSE = 300
"""Dimensions up to which Hessians are matrices; in more they are products with vectors."""

_STEPS = 60
_CLIMBS = 400
_NEAR = 0.02
_ROUNDING = 16 * np.finfo(float).eps


class Surface:
    """Energy, gradient and curvature of anything that has the methods `energy` and `gradient`.

    Parameters
    ----------
    potential
        A `Potential`, or what gives the energy and the gradient at one point of shape (d,): the loss of a
        network does. The methods `energies` and `gradients`, for many points at once, are used where they
        exist, and so are `hessian` (up to 300 dimensions) and `hessian_product`; otherwise curvatures are
        differences of gradients.
    """

    def __init__(self, potential: Any) -> None:
        self._of = potential
        self._together = isinstance(potential, Potential)

    def energies(self, points: Array) -> Array:
        """At points of shape (n, d); shape (n,)."""
        with np.errstate(all="ignore"):
            if self._together:
                return np.asarray(self._of.energy(points), dtype=float)
            if hasattr(self._of, "energies"):
                return np.asarray(self._of.energies(points), dtype=float)
            return np.array([float(self._of.energy(x)) for x in points])

    def gradients(self, points: Array) -> Array:
        """At points of shape (n, d); shape (n, d)."""
        with np.errstate(all="ignore"):
            if self._together:
                return np.asarray(self._of.gradient(points), dtype=float)
            if hasattr(self._of, "gradients"):
                return np.asarray(self._of.gradients(points), dtype=float)
            return np.array([self._of.gradient(x) for x in points], dtype=float)

    def energy(self, x: Array) -> float:
        """At one point."""
        return float(self.energies(x[None])[0])

    def gradient(self, x: Array) -> Array:
        """At one point; shape (d,)."""
        return np.asarray(self.gradients(x[None])[0])

    def hessian(self, x: Array) -> Array | None:
        """Matrix of second derivatives at one point, or None where products are cheaper."""
        if x.size > DENSE or not hasattr(self._of, "hessian"):
            return None
        return np.asarray(self._of.hessian(x), dtype=float)

    def product(self, x: Array, direction: Array) -> Array:
        """The Hessian at one point times a direction."""
        size = float(np.linalg.norm(direction))
        if size == 0.0:
            return np.zeros_like(x)
        if hasattr(self._of, "hessian_product"):
            return np.asarray(self._of.hessian_product(x, direction), dtype=float)
        step = 6e-6 * max(1.0, float(np.linalg.norm(x))) / size
        near = self.gradients(np.stack([x + step * direction, x - step * direction]))
        return np.asarray((near[0] - near[1]) / (2 * step))

    def newton_step(self, x: Array, gradient: Array) -> Array:
        """From a point to where the gradient of the quadratic around it vanishes."""
        from scipy.sparse.linalg import LinearOperator, minres

        matrix = self.hessian(x)
        if matrix is not None:
            return np.asarray(-np.linalg.pinv(matrix, hermitian=True, rcond=1e-14) @ gradient)
        shape = (x.size, x.size)
        operator = LinearOperator(shape, matvec=lambda v: self.product(x, np.ravel(v)), dtype=float)
        solution, _ = minres(operator, -gradient, rtol=1e-8, maxiter=min(4 * x.size, 400))
        return np.asarray(solution)

    def lowest_modes(self, x: Array) -> tuple[Array, Array]:
        """The lowest eigenvalues of the Hessian, ascending, with their vectors in columns.

        All of them where the Hessian is a matrix, otherwise up to three.
        """
        from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

        matrix = self.hessian(x)
        if matrix is None and x.size <= 12:
            matrix = np.array([self.product(x, axis) for axis in np.eye(x.size)])
            matrix = 0.5 * (matrix + matrix.T)
        if matrix is not None:
            values, vectors = np.linalg.eigh(matrix)
            return values, vectors
        shape = (x.size, x.size)
        operator = LinearOperator(shape, matvec=lambda v: self.product(x, np.ravel(v)), dtype=float)
        first = np.random.default_rng(0).standard_normal(x.size)
        try:
            values, vectors = eigsh(operator, k=3, which="SA", v0=first, tol=1e-4, maxiter=300)
        except ArpackNoConvergence as unfinished:
            values, vectors = unfinished.eigenvalues, unfinished.eigenvectors
        order = np.argsort(values)
        return values[order], vectors[:, order]


@dataclass(frozen=True, eq=False)
class StationaryPoint:
    """A minimum or a saddle on a path.

    Attributes
    ----------
    x
        Position, shape (d,).
    energy
        Energy there.
    error
        Bound for the numerical error of the energy: what is left of the gradient, and rounding.
    eigenvalues
        Of the Hessian, ascending: all up to 300 dimensions, otherwise the lowest (at most three).
    """

    x: Array
    energy: float
    error: float
    eigenvalues: Array = field(repr=False)

    @cached_property
    def index(self) -> int:
        """Number of negative eigenvalues, those that vanish to rounding left out."""
        zero = 1e-9 * float(np.abs(self.eigenvalues).max(initial=0.0))
        return int(np.sum(self.eigenvalues < -zero))


def polished(surface: Surface, x: Array, reach: float) -> StationaryPoint | None:
    """The stationary point next to `x` by Newton's method, or None if that is farther away than `reach`."""
    first = x
    gradient = surface.gradient(x)
    size, still = float(np.linalg.norm(gradient)), 0
    step = np.zeros_like(x)
    for _ in range(_STEPS):
        step = surface.newton_step(x, gradient)
        length = float(np.linalg.norm(step))
        trial = x + step * min(1.0, 0.25 * reach / max(length, 1e-300))
        after = surface.gradient(trial)
        now = float(np.linalg.norm(after))
        if not np.isfinite(now) or np.linalg.norm(trial - first) > reach:
            break
        if now < size:
            still = 0
        else:
            still += 1
            if length <= 1e-9 * reach or still == 8:
                break
        x, gradient, size = trial, after, now
        if size == 0.0:
            break
    step = surface.newton_step(x, gradient)
    if not np.linalg.norm(step) <= 1e-5 * reach:
        return None
    energy = surface.energy(x)
    values, _ = surface.lowest_modes(x)
    return StationaryPoint(x, energy, 0.5 * abs(float(gradient @ step)) + _ROUNDING * abs(energy), values)


def minimum_near(surface: Surface, x: Array, reach: float) -> StationaryPoint | None:
    """The minimum below `x`, or None if there is none within `reach`."""
    from scipy.optimize import minimize

    with np.errstate(all="ignore"):
        found = minimize(
            surface.energy,
            x,
            jac=surface.gradient,
            method="L-BFGS-B",
            options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-10},
        )
    if not np.linalg.norm(found.x - x) <= reach:
        return None
    point = polished(surface, found.x, 0.1 * reach)
    return point if point is not None and point.index == 0 else None


def climbed(surface: Surface, x: Array, tangent: Array, step: float, reach: float) -> StationaryPoint | None:
    """The stationary point above `x`: up along the tangent and down across it, and Newton's method from near.

    Parameters
    ----------
    tangent
        Unit vector along the path at its top.
    step
        Of the climb, in units of the inverse of the largest curvature.
    reach
        How far the point may be from `x`.
    """
    first = x
    for _ in range(_CLIMBS):
        gradient = surface.gradient(x)
        move = step * (2 * (gradient @ tangent) * tangent - gradient)
        if not np.all(np.isfinite(move)) or np.linalg.norm(x + move - first) > reach:
            return None
        x = x + move
        if np.linalg.norm(move) <= 1e-4 * reach:
            break
    return polished(surface, x, reach)
