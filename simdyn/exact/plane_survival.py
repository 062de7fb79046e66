"""The whole law of the exit time of an SDE in the plane, by uniformisation of its jump process on a grid."""

from __future__ import annotations

import math

import numpy as np

from simdyn.dynamics import Update
from simdyn.exact.errors import NoReference
from simdyn.exact.panels import Array
from simdyn.exact.plane import coordinates_of, extrapolated, slowest
from simdyn.exact.plane_extent import visited_box
from simdyn.exact.plane_mesh import WINDOW as WIDTH
from simdyn.exact.plane_mesh import PlaneMesh
from simdyn.exits import Exit

METHOD = (
    "monotone finite volumes in the plane (Selling directions, exponential fitting), uniformised in time, "
    "with the slowest mode for late times, and extrapolated in the mesh"
)
STRIDE = 500
"""Jumps between looks whether only the slowest mode is left."""
SETTLED = 1e-9
MAX_JUMPS = 300_000
WINDOW = 12.0
"""Standard deviations of the number of jumps that are summed over."""


def plane_survival(
    update: Update, start: Array, way_out: Exit, times: Array, landmarks: Array
) -> tuple[Array, Array]:
    """P(T > t) of the exit time of a planar SDE at times of shape (k,), and bounds for the errors.

    Raises
    ------
    NoReference
        As for the mean (`plane_moments`), or a law that takes very many jumps of the grid to settle.
    """
    coordinates = coordinates_of(update, start, [way_out])
    values, errors = extrapolated(
        coordinates, lambda mesh: _at(mesh, times), visited_box(coordinates, landmarks)
    )
    return np.clip(values, 0.0, 1.0), errors


def _at(mesh: PlaneMesh, times: Array) -> Array:
    """Survival on one mesh.

    At the jumps of a Poisson process of rate c, no state being left faster, the process moves on with the
    matrix 1 + Q/c, whose entries are not negative; nothing is ever subtracted.
    """
    from scipy.sparse import diags_array
    from scipy.special import pdtrc

    leaving = np.asarray(mesh.rates.sum(axis=1)).ravel() + mesh.killing.sum(axis=1)
    pace = float(leaving.max())
    stay = diags_array((pace - leaving) / pace)
    moves = (mesh.rates / pace + stay).tocsr()
    decay = math.log1p(-math.exp(slowest(mesh)[0]) / pace)
    near, weights = _interpolation(mesh)
    inside = np.ones(len(mesh.states))
    needed = pace * times.max()
    needed = int(needed + WINDOW * math.sqrt(needed)) + 20
    after = [float(weights @ inside[near])]
    while len(after) <= needed:
        for _ in range(STRIDE):
            inside = np.asarray(moves @ inside)
            after.append(float(weights @ inside[near]))
        late = math.log(after[-1] / after[-1 - STRIDE]) - STRIDE * decay
        if abs(late) < SETTLED * -STRIDE * decay + 1e-14:
            break
        if len(after) > MAX_JUMPS:
            raise NoReference(
                f"The law of the escape takes more than {MAX_JUMPS:,} jumps of the grid to settle; ask for "
                "earlier times, or for a stronger noise."
            )
    known = np.array(after)
    last = len(known) - 1
    result = np.empty(len(times))
    for i, t in enumerate(times):
        mean = pace * t
        width = WINDOW * math.sqrt(mean) + 20
        jumps = np.arange(max(0, int(mean - width)), min(last, int(mean + width)) + 1)
        result[i] = float(_poisson(jumps, mean) @ known[jumps])
        # Beyond the last, a geometric series under Poisson's law is another of Poisson.
        rest = float(pdtrc(last, mean * math.exp(decay)))
        result[i] += known[-1] * math.exp(mean * math.expm1(decay) - last * decay) * rest
    return result


def _interpolation(mesh: PlaneMesh) -> tuple[Array, Array]:
    """States and weights that give the value at the start of a function that vanishes in the exits."""
    origin, outside = np.zeros(2), np.zeros(mesh.problem.regions)
    near = np.flatnonzero((np.abs(mesh.points) <= WIDTH * mesh.spacing).all(axis=1))
    weights = np.empty(len(near))
    for i, state in enumerate(near):
        alone = np.zeros(len(mesh.states))
        alone[state] = 1.0
        weights[i] = mesh.value_at(alone, origin, outside)
    return near, weights


def _poisson(counts: Array, mean: float) -> Array:
    from scipy.special import gammaln, xlogy

    return np.exp(xlogy(counts, mean) - mean - gammaln(counts + 1))
