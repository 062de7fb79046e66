"""How much of the plane a diffusion visits: a box that holds all but a negligible part of its time."""

from __future__ import annotations

import numpy as np

from simdyn.exact.errors import NoReference
from simdyn.exact.panels import Array
from simdyn.exact.plane_coordinates import PlaneCoordinates
from simdyn.exact.plane_mesh import INSIDE, Box, PlaneMesh, StripSolver

CELLS = 36
SEEN = 1e-10
UNSEEN = 1e-12
GROWTH = 0.3
ROUNDS = 80
HALF_WIDTH = 3.0


def visited_box(coordinates: PlaneCoordinates, landmarks: Array) -> Box:
    """The box, from how much the answer depends on what happens near its open sides, on a coarse grid.

    The first box holds all `landmarks` (points of shape (k, 2) in x, the critical points of the landscape),
    so that a valley that is rarely visited but hardly ever left again is not cut off unseen. A coordinate
    that is closed has one period.

    Raises
    ------
    NoReference
        Sides that do not confine, or noise that the grid does not resolve.
    """
    walls = coordinates.walls
    ends = tuple(tuple(INSIDE if wall is None else wall[1] for wall in pair) for pair in walls)
    reach = _first_reach(coordinates)
    low = np.array([-reach if pair[0] is None else pair[0][0] for pair in walls])
    high = np.array([reach if pair[1] is None else pair[1][0] for pair in walls])
    inner = coordinates.from_plane(landmarks)
    inner = inner[coordinates.problem.region(inner) == INSIDE]
    open_axes = range(2) if coordinates.period is None else range(1)
    for axis, pair in enumerate(walls):
        margin = 0.25 * (high[axis] - low[axis])
        if pair[0] is None:
            low[axis] = min([low[axis], *(inner[:, axis] - margin)])
        if pair[1] is None:
            high[axis] = max([high[axis], *(inner[:, axis] + margin)])
    if coordinates.period is not None:
        low[1], high[1] = -0.5 * coordinates.period, 0.5 * coordinates.period
    first = high - low
    for _ in range(ROUNDS):
        box = Box(
            low.copy(),
            high.copy(),
            ((ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])),
            coordinates.period is not None,
        )
        mesh = PlaneMesh(coordinates.problem, box, (CELLS, CELLS), np.zeros(2))
        law = _importance(mesh)
        settled = True
        width = high - low
        for axis in open_axes:
            lines = np.bincount(mesh.states[:, axis], weights=law, minlength=CELLS + 1)
            for side, wall in enumerate(walls[axis]):
                if wall is not None:
                    continue
                outwards = lines if side == 0 else lines[::-1]
                beyond = np.cumsum(outwards)
                if beyond[1] > SEEN:
                    change = GROWTH * width[axis]
                else:
                    # Keep a line beyond the last that is seen.
                    idle = int(np.searchsorted(beyond, UNSEEN)) - 2
                    change = -idle * width[axis] / CELLS if idle >= 3 else 0.0
                if change:
                    settled = False
                    if side == 0:
                        low[axis] -= change
                    else:
                        high[axis] += change
        if settled:
            return box
        if (high - low > 1e4 * first).any():
            break
    raise NoReference(
        "The path is not confined on the open sides, so that there is no finite part of the plane to compute "
        "in; give exits on those sides too."
    )


def _first_reach(coordinates: PlaneCoordinates) -> float:
    """Half the first width: the way to the nearest wall, or where the slope is felt."""
    known = [abs(wall[0]) for pair in coordinates.walls for wall in pair if wall is not None]
    if known:
        return min(known)
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    directions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for distance in np.geomspace(1e-4, 1e4, 81):
        with np.errstate(all="ignore"):
            push = np.linalg.norm(coordinates.problem.drift(distance * directions), axis=1).max()
        if not push * distance < 1.0:
            return HALF_WIDTH * float(distance)
    return 1.0


def _importance(mesh: PlaneMesh) -> Array:
    """How much the mean exit time, or the stationary law, depends on each state.

    The share of the time spent there, and what the jumps from there change in the time still to come: a pass
    that leads to the exit holds no time but all of the way.
    """
    home = int(np.argmin((mesh.points**2).sum(axis=1)))
    if not mesh.killing.any():
        return stationary_masses(mesh, home)
    source = np.zeros(len(mesh.states))
    source[home] = 1.0
    spent = mesh.solver.solve_left(source)
    times = mesh.solver.solve(np.ones(len(mesh.states)))
    changes = abs(mesh.rates.multiply(times[None, :]) - mesh.rates.multiply(times[:, None])).sum(axis=1)
    changes = np.asarray(changes).ravel() + mesh.killing.sum(axis=1) * times
    # What is spent adds up to the mean time, by which both terms are divided.
    return spent / spent.sum() * (1.0 + changes)


def without_home(mesh: PlaneMesh, home: int) -> tuple[Array, StripSolver]:
    """All states but one, and the solver of the process that ends there."""
    rest = np.delete(np.arange(len(mesh.states)), home)
    inner = mesh.rates[rest][:, rest]
    into_home = mesh.rates[rest][:, [home]].toarray().ravel()
    order, ends = mesh.blocks
    kept = order[order != home] - (order[order != home] > home)
    place = int(np.flatnonzero(order == home)[0])
    return rest, StripSolver.of(inner, into_home, kept, ends - (ends > place))


def stationary_masses(mesh: PlaneMesh, home: int) -> Array:
    """Stationary probabilities of the states of a process without exit, shape (n,)."""
    rest, solver = without_home(mesh, home)
    law = np.empty(len(mesh.states))
    law[home] = 1.0
    law[rest] = solver.solve_left(mesh.rates[[home]][:, rest].toarray().ravel())
    return law / law.sum()
