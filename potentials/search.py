"""Critical points of coupled potentials of several variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from potentials.critical_points import CriticalPoint
from potentials.errors import InputError
from potentials.valley import Valley

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["Search"]

Floats = NDArray[np.float64]


class Search:
    """Critical points of a potential that is not separable, found by searching its domain."""

    def __init__(self, potential: Potential) -> None:
        raise InputError(f"The variables of {potential.name[:60]!r} are coupled.")

    def all(self) -> tuple[CriticalPoint, ...]:
        """Every critical point found."""
        return ()

    def minima(self) -> tuple[CriticalPoint, ...]:
        """Every minimum found, lowest first."""
        return ()

    def deepest(self) -> CriticalPoint | None:
        """The lowest minimum found."""
        return None

    def valley(self, at: Floats) -> Valley | None:
        """The valley that holds the point."""
        return None
