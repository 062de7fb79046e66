"""The whole law of the exit time of an SDE in the plane, by uniformisation of its jump process on a grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simdyn.dynamics import Update
from simdyn.exact.errors import NoReference
from simdyn.exact.panels import Array
from simdyn.exact.plane import coordinates_of, extrapolated, slowest
from simdyn.exact.plane_extent import visited_box
from simdyn.exact.plane_mesh import WINDOW as WIDTH
from simdyn.exact.plane_mesh import PlaneMesh
from simdyn.exits import Exit
from simdyn.markov import Elimination

if TYPE_CHECKING:
    from scipy.sparse import csr_array

METHOD = (
    "monotone finite volumes in the plane (Selling directions, exponential fitting), uniformised in time, "
    "with the slowest mode for late times, and extrapolated in the mesh"
)
STRIDE = 500
"""Jumps between looks whether only the slowest mode is left."""
SETTLED = 1e-9
MAX_JUMPS = 300_000
HASTY = 4.0
"""How much faster than most a state at the rim is left that is not followed in time."""
WINDOW = 12.0
"""Standard deviations of the number of jumps that are summed over."""


def plane_survival(
    update: Update,
    start: Array,
    way_out: Exit,
    times: Array,
    landmarks: Array,
    closed: tuple[int, float] | None = None,
) -> tuple[Array, Array]:
    """P(T > t) of the exit time of a planar SDE at times of shape (k,), and bounds for the errors.

    `closed` is a coordinate that repeats itself, with its period (see `closed_coordinate`).

    Raises
    ------
    NoReference
        As for the mean (`plane_moments`), or a law that takes very many jumps of the grid to settle.
    """
    coordinates = coordinates_of(update, start, [way_out], closed)
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

    rates, killing, weights = _without_hasty_states(mesh)
    leaving = np.asarray(rates.sum(axis=1)).ravel() + killing
    pace = float(leaving.max())
    stay = diags_array((pace - leaving) / pace)
    moves = (rates / pace + stay).tocsr()
    decay = math.log1p(-math.exp(slowest(mesh)[0]) / pace)
    near = np.flatnonzero(weights)
    weights = weights[near]
    inside = np.ones(len(leaving))
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


def _without_hasty_states(mesh: PlaneMesh) -> tuple[csr_array, Array, Array]:
    """Rates and killing of the states that are kept, and the weights that give the value at the start.

    States next to a rim that cuts the cells are left at once, and would set the pace for all. They are passed
    through without losing time, of which there is less than that of a cell anyway.
    """
    from scipy.sparse import csr_array

    rates, killing, weights = mesh.rates, mesh.killing.sum(axis=1), _weights(mesh)
    leaving = np.asarray(rates.sum(axis=1)).ravel() + killing
    hasty = (killing > 0) & (leaving > HASTY * np.median(leaving))
    if not hasty.any():
        return rates, killing, weights
    kept = ~hasty
    onwards = rates[hasty][:, kept]
    inner = Elimination.of(rates[hasty][:, hasty].toarray(), killing[hasty] + np.asarray(onwards.sum(axis=1)))
    into = rates[kept][:, hasty]
    through = csr_array(inner.solve(onwards.toarray()))
    whole = (rates[kept][:, kept] + into @ through).tocsr()
    # A jump that comes back to where it began is none.
    whole.setdiag(0.0)
    lost = into @ inner.solve(killing[hasty])
    return whole, killing[kept] + lost, weights[kept] + weights[hasty] @ through


def _weights(mesh: PlaneMesh) -> Array:
    """Weights of the states in the value at the start of a function that is 0 in the exits, shape (n,)."""
    origin, outside = np.zeros(2), np.zeros(mesh.problem.regions)
    weights = np.zeros(len(mesh.states))
    for state in np.flatnonzero((np.abs(mesh.points) <= WIDTH * mesh.spacing).all(axis=1)):
        alone = np.zeros(len(mesh.states))
        alone[state] = 1.0
        weights[state] = mesh.value_at(alone, origin, outside)
    return weights


def _poisson(counts: Array, mean: float) -> Array:
    from scipy.special import gammaln, xlogy

    return np.exp(xlogy(counts, mean) - mean - gammaln(counts + 1))
