"""The valley of a minimum: the region around it that is bounded by its rim."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from potentials.critical_points import CriticalPoint
from potentials.errors import InputError

__all__ = ["Valley"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Valley:
    """A minimum with the saddles on its rim.

    Attributes
    ----------
    minimum
        The bottom.
    saddles
        Index-1 critical points on the rim, lowest first.
    kind
        "box" if the valley is exactly a box (one dimension and separable potentials); "planes" if it is
        approximated by the planes through the saddles normal to their unstable directions.
    lower, upper
        Corners of the box, shape (d,), infinite where no rim was found ("box" only).
    points, normals
        A point on each plane and its unit normal pointing out of the valley, shape (s, d) ("planes" only).
    climbs
        In many coupled dimensions: by how many climbs from the minimum the saddles were found. Others may
        have been missed. None where the whole domain was searched or the rim is known.
    """

    minimum: CriticalPoint
    saddles: tuple[CriticalPoint, ...]
    kind: Literal["box", "planes"]
    lower: Floats | None = field(default=None)
    upper: Floats | None = field(default=None)
    points: Floats | None = field(default=None)
    normals: Floats | None = field(default=None)
    climbs: int | None = field(default=None)

    def contains(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Whether each point of `x`, shape (..., d), lies strictly inside; shape (...).

        Raises
        ------
        InputError
            If the last dimension of `x` is not d.
        """
        array = np.asarray(x, dtype=np.float64)
        dim = self.minimum.x.size
        if array.ndim == 0 or array.shape[-1] != dim:
            raise InputError(
                f"Points of shape {array.shape} do not fit the valley: the last dimension must be {dim}."
            )
        if self.lower is not None and self.upper is not None:
            return np.all((array > self.lower) & (array < self.upper), axis=-1)
        assert self.points is not None
        assert self.normals is not None
        heights = np.einsum("...sd,sd->...s", array[..., None, :] - self.points, self.normals)
        return np.all(heights < 0.0, axis=-1)
