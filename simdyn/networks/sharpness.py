"""How much a loss can rise close to a point: the sharpness of Keskar et al., and of Dinh et al."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simdyn.errors import InputError

Array = np.ndarray


class Landscape(Protocol):
    """What has a value and a gradient everywhere: a `LossSurface`, or any potential."""

    @property
    def dim(self) -> int:
        """Number of coordinates d."""

    def energy(self, x: Any, /) -> Any:
        """Value at x, shape (d,)."""

    def gradient(self, x: Any, /) -> Any:
        """Gradient at x, shape (d,)."""


@dataclass(frozen=True, eq=False)
class Sharpness:
    """The largest rise of a loss that was found close to a point.

    Attributes
    ----------
    value
        100 (highest - loss) / (1 + loss), per cent.
    loss, highest
        At the point, and the largest that was found: a lower bound of the maximum, which local searches
        cannot certify.
    place
        Where that is, shape (d,).
    """

    value: float
    loss: float
    highest: float
    place: Array


def box_sharpness(
    landscape: Landscape,
    at: Array,
    epsilon: float,
    *,
    subspace: int | Array | None = None,
    starts: int = 2,
    iterations: int = 100,
    seed: int = 0,
) -> Sharpness:
    """Keskar et al.'s sharpness: 100 (max f(x + A y) - f(x)) / (1 + f(x)) over a box around x.

    The box is |y_i| <= epsilon (|(A^+ x)_i| + 1), with A = 1 in full space. The maximum is searched with
    L-BFGS-B, once along the gradient and from other points of the box; the highest one found is taken.

    Parameters
    ----------
    landscape, at
        f and x, shape (d,).
    epsilon
        Size of the box.
    subspace
        A, shape (d, p); or p alone, for standard normal numbers; None for full space.
    starts
        Random points of the box that searches begin at.
    iterations
        Of L-BFGS-B in a search, at most.
    seed
        Of A and the starts.

    Raises
    ------
    InputError
        Settings out of range.

    References
    ----------
    Keskar, Mudigere, Nocedal, Smelyanskiy & Tang, ICLR 2017 (arXiv 1609.04836), equations (3) and (4).
    """
    from scipy.optimize import Bounds, minimize

    x = _point(landscape, at, "epsilon", epsilon)
    for name, number in (("starts", starts), ("iterations", iterations)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError(f"{name} is {number!r}; give a whole number of at least 1.")
    rng = np.random.default_rng(seed)
    directions = _directions(subspace, landscape.dim, rng)
    inside = x if directions is None else np.linalg.lstsq(directions, x)[0]
    half = epsilon * (np.abs(inside) + 1.0)
    loss = float(landscape.energy(x))

    def place(z: Array) -> Array:
        y = half * z
        return x + (y if directions is None else directions @ y)

    def slope(z: Array) -> Array:
        gradient = np.asarray(landscape.gradient(place(z)))
        return half * (gradient if directions is None else gradient @ directions)

    def fall(z: Array, unit: float) -> float:
        return -float(landscape.energy(place(z))) / unit

    def fall_slope(z: Array, unit: float) -> Array:
        return -slope(z) / unit

    steepest = np.sign(slope(np.zeros(len(half))))
    begins = [steepest, *rng.uniform(-1.0, 1.0, size=(starts, len(half)))]
    best, where = loss, x
    for begin in begins:
        # In units of the first slope, so that the ends of the search do not depend on the scale of f.
        unit = float(np.abs(slope(begin)).max()) or 1.0
        found = minimize(
            fall,
            begin,
            args=(unit,),
            jac=fall_slope,
            method="L-BFGS-B",
            bounds=Bounds(-1.0, 1.0),
            options={"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-9},
        )
        highest = -float(found.fun) * unit
        if highest > best:
            best, where = highest, place(found.x)
    return Sharpness(100.0 * (best - loss) / (1.0 + loss), loss, best, where)


def ball_sharpness(
    landscape: Landscape, at: Array, radius: float, *, starts: int = 2, iterations: int = 200, seed: int = 0
) -> Sharpness:
    """100 (max f(y) - f(x)) / (1 + f(x)) over the ball |y - x| <= radius, as in Dinh et al.

    Steps go from y to the point of the ball that is farthest along the gradient at y. Each raises a convex f,
    and at a minimum that is power iteration; of another f the highest point passed is taken.

    Parameters
    ----------
    landscape, at
        f and x, shape (d,).
    radius
        Of the ball.
    starts
        Random directions that searches begin in, beside the gradient.
    iterations
        Steps of a search, at most; it ends when a step raises f by less than a part in 10^9 of the rise so
        far.
    seed
        Of the directions.

    Raises
    ------
    InputError
        Settings out of range.

    References
    ----------
    Dinh, Pascanu, Bengio & Bengio, ICML 2017 (arXiv 1703.04933), section 2; at a minimum the value is close
    to 100 lambda_max radius^2 / (2 (1 + f(x))).
    """
    x = _point(landscape, at, "radius", radius)
    loss = float(landscape.energy(x))
    rng = np.random.default_rng(seed)
    best, where = loss, x
    for direction in (np.asarray(landscape.gradient(x)), *rng.normal(size=(starts, len(x)))):
        rise = -np.inf
        for _ in range(iterations):
            length = float(np.linalg.norm(direction))
            if not length:
                break
            y = x + radius / length * direction
            before, rise = rise, float(landscape.energy(y)) - loss
            if loss + rise > best:
                best, where = loss + rise, y
            if rise - before <= 1e-9 * abs(rise):
                break
            direction = np.asarray(landscape.gradient(y))
    return Sharpness(100.0 * (best - loss) / (1.0 + loss), loss, best, where)


def _point(landscape: Landscape, at: Array, name: str, size: float) -> Array:
    x = np.asarray(at, dtype=np.float64)
    if x.shape != (landscape.dim,):
        raise InputError(
            f"The point has shape {x.shape}, but there are {landscape.dim} coordinates; give one number for "
            "each."
        )
    if isinstance(size, bool) or not np.isfinite(size) or size <= 0:
        raise InputError(f"{name} is {size!r}; give a positive number.")
    return x


def _directions(subspace: int | Array | None, dim: int, rng: np.random.Generator) -> Array | None:
    if subspace is None:
        return None
    if isinstance(subspace, int) and not isinstance(subspace, bool):
        if not 1 <= subspace <= dim:
            raise InputError(
                f"The subspace has {subspace} dimensions; give a whole number from 1 to {dim}, all there are."
            )
        return rng.normal(size=(dim, subspace))
    matrix = np.asarray(subspace, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != dim or not 1 <= matrix.shape[1] <= dim:
        raise InputError(
            f"The subspace is given by a matrix of shape {matrix.shape}; give one of shape ({dim}, p) with p "
            f"from 1 to {dim}."
        )
    return matrix
