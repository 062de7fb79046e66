"""Where the gradient vanishes, and what kind of point it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["CriticalPoint", "SeparablePoint", "classify"]

Floats = NDArray[np.float64]

_RELATIVE_ZERO = 1e-11
_DEGENERATE_RATIO = 1e-4
_HELD = 1 << 22


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A point where the gradient vanishes.

    Attributes
    ----------
    x
        Position, shape (d,), read-only.
    energy
        Energy there.
    hessian
        Second derivatives, shape (d, d), read-only.
    index
        Number of negative eigenvalues of the Hessian: 0 at a minimum, 1 at a saddle between two valleys.
    degenerate
        Whether some eigenvalue vanishes. Such a point is neither a minimum nor a saddle in the sense of the
        quadratic escape formulas, and is never reported as one.
    """

    x: Floats
    energy: float
    hessian: Floats = field(repr=False)
    index: int
    degenerate: bool = False

    def __post_init__(self) -> None:
        for name in ("x", "hessian"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @cached_property
    def eigenvalues(self) -> Floats:
        """Eigenvalues of the Hessian, ascending, shape (d,)."""
        return np.asarray(np.linalg.eigvalsh(self.hessian), dtype=np.float64)

    @cached_property
    def log_determinant(self) -> float:
        """log |det H|; the determinant itself leaves double precision in some hundred dimensions."""
        return float(np.linalg.slogdet(self.hessian)[1])

    @cached_property
    def trace(self) -> float:
        """Trace of the Hessian."""
        return float(np.trace(self.hessian))

    def curvature(self, i: int) -> float:
        """Second derivative by coordinate i (from 0)."""
        return float(self.hessian[i, i])

    @property
    def is_minimum(self) -> bool:
        """Whether every eigenvalue is positive."""
        return self.index == 0 and not self.degenerate

    @property
    def is_saddle(self) -> bool:
        """Whether exactly one eigenvalue is negative and none vanishes."""
        return self.index == 1 and not self.degenerate


class SeparablePoint(CriticalPoint):
    """A critical point of a sum over coordinates, whose Hessian is diagonal and is kept as such.

    The matrix is made when somebody asks for it: a valley in 1000 dimensions has 2000 saddles, whose matrices
    would take 16 GB.
    """

    def __init__(self, x: Floats, energy: float, curvatures: Floats, index: int, degenerate: bool) -> None:
        for name, array in (("x", x), ("curvatures", curvatures)):
            array = np.array(array, dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        for name, value in (("energy", energy), ("index", index), ("degenerate", degenerate)):
            object.__setattr__(self, name, value)

    curvatures: Floats
    """The diagonal of the Hessian, shape (d,), read-only."""

    @cached_property
    def hessian(self) -> Floats:
        """Second derivatives, shape (d, d), read-only."""
        matrix = np.diag(self.curvatures)
        matrix.flags.writeable = False
        return matrix

    @property
    def eigenvalues(self) -> Floats:
        """Eigenvalues of the Hessian, ascending, shape (d,)."""
        return np.sort(self.curvatures)

    @cached_property
    def log_determinant(self) -> float:
        """log |det H|."""
        return math.fsum(np.log(np.abs(self.curvatures)))

    @cached_property
    def trace(self) -> float:
        """Trace of the Hessian."""
        return math.fsum(self.curvatures)

    def curvature(self, i: int) -> float:
        """Second derivative by coordinate i (from 0)."""
        return float(self.curvatures[i])


def classify(
    x: Floats, energy: float, hessian: Floats, hessian_at: Callable[[Floats], Floats], distance: float
) -> CriticalPoint:
    """Make the `CriticalPoint` at `x`, which must be a zero of the gradient.

    An eigenvalue counts as zero when it is negligible beside its own change over a small `distance` along its
    eigenvector: in that case the quadratic part of the energy is meaningless on any visible scale.
    """
    values, vectors = np.linalg.eigh(hessian)
    largest = float(np.max(np.abs(values)))
    degenerate, index = False, 0
    changes = np.zeros(len(values))
    # A few directions at a time: as many Hessians as that are held at once.
    some = max(1, _HELD // x.size**2)
    for begin in range(0, len(values), some):
        ways = vectors.T[begin : begin + some]
        for side in (-distance, distance):
            near = np.einsum("ni,nij,nj->n", ways, hessian_at(x + side * ways), ways)
            apart = np.abs(near - values[begin : begin + some])
            apart[~np.isfinite(apart)] = 0.0
            changes[begin : begin + some] = np.maximum(changes[begin : begin + some], apart)
    for value, change in zip(values, changes, strict=True):
        zero = abs(value) <= max(_RELATIVE_ZERO * largest, _DEGENERATE_RATIO * change)
        degenerate |= bool(zero)
        index += int(value < 0 and not zero)
    return CriticalPoint(x, energy, hessian, index, degenerate)
