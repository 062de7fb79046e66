"""The slowest decay towards a stationary law, by powers of Green's operator."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray

MODES = 3
"""How many are followed together, so that the slowest may be double, or nearly so."""
MAX_ITERATIONS = 500
CONVERGED = 1e-12


def slowest_decay(green: Callable[[Array], Array], law: Array, begin: Array, home: int) -> float | None:
    """Logarithm of the smallest decay rate of a process without exit; None where that mode oscillates.

    Subspace iteration with Ritz values in the inner product of the stationary law.

    Parameters
    ----------
    green
        The expected integral, until the process comes `home`, of sources of shape (n - 1, k) that are not
        negative, on all other states.
    law
        Stationary probabilities, shape (n,).
    begin
        Functions to begin with, shape (n, m): not the same in all states, and not multiples of each other.
    home
        A state, best one that is often visited.
    """
    rest = np.delete(np.arange(len(law)), home)
    root = np.sqrt(law)[:, None]
    modes = begin[:, : min(MODES, len(law) - 1)]
    last = math.inf
    for _ in range(MAX_ITERATIONS):
        modes = modes - law @ modes
        modes = np.linalg.qr(root * modes)[0] / np.maximum(root, 1e-150)
        source = modes[rest]
        # Either sign on its own: each of the two is relatively accurate.
        count = source.shape[1]
        gains = green(np.concatenate([np.maximum(source, 0), np.maximum(-source, 0)], axis=1))
        larger = np.zeros_like(modes)
        larger[rest] = gains[:, :count] - gains[:, count:]
        larger -= law @ larger
        values = np.linalg.eigvals((root * modes).T @ (root * larger))
        slowest = values[np.argmax(values.real)]
        growth = float(slowest.real)
        if growth > 0 and abs(growth / last - 1) < CONVERGED:
            return -math.log(growth) if slowest.imag == 0.0 else None
        last = growth
        modes = larger
    return None
