"""Where exits lead: gradient descent from the points at which paths left an approximate valley."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from potentials import Potential, Valley

_SHARE_OF_CURVATURE = 0.1
_ITERATIONS = 3000


def share_returning(potential: Potential, valley: Valley, points: NDArray[np.float64]) -> float:
    """Share of `points`, shape (n, d), from which the gradient flow leads back to the minimum of `valley`.

    Euler steps of a tenth of the inverse largest curvature, small enough not to leap across a rim. A flow
    that has come within a quarter of the distance from the minimum to its nearest saddle has come back.
    """
    home = valley.minimum.x
    near = 0.25 * min((float(np.linalg.norm(s.x - home)) for s in valley.saddles), default=1.0)
    x = np.array(points, dtype=np.float64)
    going = np.ones(len(x), dtype=bool)
    with np.errstate(all="ignore"):
        for _ in range(_ITERATIONS):
            # A point that runs off to infinity does not come back; one that is home stays there.
            going &= np.isfinite(x).all(axis=1) & (np.linalg.norm(x - home, axis=1) >= near)
            if not going.any():
                break
            hessian, gradient = potential.hessian(x[going]), potential.gradient(x[going])
            curvature = np.abs(hessian).sum(axis=-1).max(axis=-1)
            x[going] -= _SHARE_OF_CURVATURE / np.maximum(curvature, 1e-300)[:, None] * gradient
        return float(np.mean(np.linalg.norm(x - home, axis=1) < near))
