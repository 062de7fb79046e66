"""The one critical point of a quadratic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from potentials.critical_points import CriticalPoint, classify
from potentials.valley import Valley
from potentials.well_graph import WellGraph

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["Bowl"]

Floats = NDArray[np.float64]


class Bowl:
    """Critical points of a quadratic: its `centre`, where the gradient vanishes."""

    def __init__(self, potential: Potential, centre: Floats) -> None:
        hessian = potential.hessian(centre)
        self._centre = classify(centre, float(potential.energy(centre)), hessian, potential.hessian, 1.0)

    def all(self) -> tuple[CriticalPoint, ...]:
        """The centre."""
        return (self._centre,)

    def minima(self) -> tuple[CriticalPoint, ...]:
        """The centre, unless some direction is flat or goes down."""
        return (self._centre,) if self._centre.is_minimum else ()

    def deepest(self) -> CriticalPoint | None:
        """The centre, if it is a minimum."""
        return next(iter(self.minima()), None)

    def valley(self, at: Floats) -> Valley | None:
        """Everything belongs to the valley of a minimum, which has no rim."""
        if not self._centre.is_minimum:
            return None
        dim = at.size
        return Valley(self._centre, (), "box", lower=np.full(dim, -np.inf), upper=np.full(dim, np.inf))

    def well_graph(self, start: Floats | None, most: int) -> WellGraph:
        """The centre alone, if it is a minimum."""
        return WellGraph(self.minima(), (), complete=True)
