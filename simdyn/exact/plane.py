"""Exit times, committors and long-run laws of an SDE in the plane, by monotone finite volumes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from simdyn.dynamics import Update
from simdyn.exact.curves import Density
from simdyn.exact.errors import NoReference, alike_modes, check_size
from simdyn.exact.panels import Array
from simdyn.exact.plane_coordinates import PlaneCoordinates, plane_coordinates
from simdyn.exact.plane_extent import stationary_masses, visited_box, without_home
from simdyn.exact.plane_mesh import Box, PlaneMesh
from simdyn.exits import Exit
from simdyn.markov import slowest_decay
from simdyn.results import Reference

METHOD = (
    "monotone finite volumes in the plane (Selling directions, exponential fitting), solved by "
    "subtraction-free elimination and extrapolated in the mesh"
)
LEVELS = ((40, 60, 80, 120), (60, 90, 120, 180))
"""Cells along each side of the meshes, and those of a second series if the first is not good enough."""
GOOD = 1e-6
USELESS = 0.02
MAX_ITERATIONS = 2000
CONVERGED = 1e-13

Measure = Callable[[PlaneMesh], Array]


def plane_moments(
    update: Update,
    start: Array,
    way_out: Exit,
    moments: int,
    landmarks: Array,
    closed: tuple[int, float] | None = None,
) -> tuple[Reference, ...]:
    """Mean and second moment of the exit time of a planar SDE.

    `landmarks` are points that a first look has to take in: the critical points of the landscape, (k, 2).
    `closed` is a coordinate that repeats itself, with its period (see `closed_coordinate`).

    Raises
    ------
    NoReference
        Noise that vanishes in some direction, sides that do not confine, or times beyond double precision.
    """
    coordinates = coordinates_of(update, start, [way_out], closed)
    origin = np.zeros(2)

    def measure(mesh: PlaneMesh) -> Array:
        times = mesh.solver.solve(np.ones(len(mesh.states)))
        check_size(float(times.max()))
        found = [mesh.value_at(times, origin, np.zeros(1))]
        if moments > 1:
            with np.errstate(over="ignore"):
                found.append(mesh.value_at(mesh.solver.solve(2 * times), origin, np.zeros(1)))
        for value in found:
            check_size(value)
        return np.log(found)

    logs, errors = extrapolated(coordinates, measure, visited_box(coordinates, landmarks))
    values = np.exp(logs)
    return tuple(
        Reference(value=float(v), error=float(v * e), unit="time", method=METHOD)
        for v, e in zip(values, errors, strict=True)
    )


def plane_committor(
    update: Update,
    start: Array,
    reach: Exit,
    before: Exit,
    landmarks: Array,
    closed: tuple[int, float] | None = None,
) -> Reference:
    """Probability that a planar SDE enters `reach` before `before`.

    Raises
    ------
    NoReference
        As in `plane_moments`.
    """
    coordinates = coordinates_of(update, start, [reach, before], closed)

    def measure(mesh: PlaneMesh) -> Array:
        # Each of the two is relatively accurate, however small; so is their ratio.
        there, other = (
            mesh.value_at(mesh.solver.solve(mesh.killing[:, r]), np.zeros(2), np.eye(2)[r]) for r in range(2)
        )
        if not (there > 0 and other > 0):
            raise NoReference("One of the two regions is out of reach in double precision.")
        return np.array([math.log(there / other)])

    (odds,), (error,) = extrapolated(coordinates, measure, visited_box(coordinates, landmarks))
    value = 1.0 / (1.0 + math.exp(-odds))
    return Reference(value=value, error=float(value * (1 - value) * error), unit="1", method=METHOD)


def plane_stationary(update: Update, start: Array, landmarks: Array) -> Density:
    """Stationary density of a planar SDE.

    Raises
    ------
    NoReference
        As in `plane_moments`, or no stationary law.
    """
    coordinates = coordinates_of(update, start, [])
    return _density(
        coordinates, visited_box(coordinates, landmarks), lambda mesh: stationary_masses(mesh, _home(mesh))
    )


def plane_quasi_stationary(
    update: Update, start: Array, way_out: Exit, landmarks: Array
) -> tuple[Reference, Density]:
    """Long-run exit rate of a planar SDE, and the density of the paths still inside.

    Raises
    ------
    NoReference
        As in `plane_moments`, or two modes that decay alike.
    """
    coordinates = coordinates_of(update, start, [way_out])
    box = visited_box(coordinates, landmarks)
    (log_rate,), (error,) = extrapolated(coordinates, lambda mesh: np.array([slowest(mesh)[0]]), box)
    rate = math.exp(log_rate)
    reference = Reference(value=rate, error=float(rate * error), unit="1/time", method=METHOD)
    return reference, _density(coordinates, box, lambda mesh: slowest(mesh)[1])


def plane_spectral_gap(update: Update, start: Array, landmarks: Array) -> Reference:
    """Smallest positive decay rate of a planar SDE without exit, where it is real.

    Raises
    ------
    NoReference
        As in `plane_stationary`, or a slowest mode that oscillates.
    """
    coordinates = coordinates_of(update, start, [])
    (log_rate,), (error,) = extrapolated(
        coordinates, lambda mesh: np.array([_log_gap(mesh)]), visited_box(coordinates, landmarks)
    )
    rate = math.exp(log_rate)
    return Reference(value=rate, error=float(rate * error), unit="1/time", method=METHOD)


def coordinates_of(
    update: Update, start: Array, exits: Sequence[Exit], closed: tuple[int, float] | None = None
) -> PlaneCoordinates:
    try:
        return plane_coordinates(update, start, exits, closed)
    except np.linalg.LinAlgError:
        raise NoReference(
            "The noise vanishes in some direction at the start, which the method for two dimensions does not "
            "cover; give it a floor."
        ) from None


def extrapolated(coordinates: PlaneCoordinates, measure: Measure, box: Box) -> tuple[Array, Array]:
    """Limits of numbers as the mesh is refined, and bounds for their errors."""
    known: dict[int, Array] = {}
    for cells in LEVELS:
        for n in cells:
            if n not in known:
                known[n] = measure(PlaneMesh(coordinates.problem, box, (n, n), np.zeros(2)))
        found = [known[n] for n in cells]
        values, errors = richardson(cells, np.array(found), coordinates.straight)
        if errors.max() < GOOD or not coordinates.straight:
            break
    if not errors.max() < USELESS:
        raise NoReference(
            "The landscape is too rough, or the noise too weak, for the method in two dimensions, on whose "
            f"meshes the answers differ by {errors.max():.1%}; raise the noise."
        )
    return values, errors + 1e-9


def richardson(cells: Sequence[int], found: Array, smooth: bool) -> tuple[Array, Array]:
    """Limit of values (levels, k) as the spacing 1/cells falls to zero, and bounds for its error.

    Smooth errors are a series in the square of the spacing, of which all levels remove as many terms as they
    can. Exits that cut the cells here and there leave an error of second order without a series: then only
    its trend is removed, and the bound is how far the levels disagree on the limit.
    """
    squares = 1.0 / np.array(cells, dtype=float) ** 2
    if smooth:
        whole = _polynomial_limit(squares, found)
        part = _polynomial_limit(squares[1:], found[1:])
        return whole, 3 * np.abs(whole - part)
    pairs = np.array(
        [_polynomial_limit(squares[[i, j]], found[[i, j]]) for j in range(len(cells)) for i in range(j)]
    )
    trend, *_ = np.linalg.lstsq(np.stack([np.ones(len(cells)), squares], axis=1), found, rcond=None)
    return trend[0], 2 * np.abs(pairs - trend[0]).max(axis=0)


def _polynomial_limit(squares: Array, found: Array) -> Array:
    return np.linalg.solve(np.vander(squares / squares[0], increasing=True), found)[0]


def _home(mesh: PlaneMesh) -> int:
    return int(np.argmin((mesh.points**2).sum(axis=1)))


def slowest(mesh: PlaneMesh) -> tuple[float, Array]:
    """Logarithm of the smallest decay rate, and the masses of its left eigenvector."""
    law = np.full(len(mesh.states), 1.0 / len(mesh.states))
    last = math.inf
    for _ in range(MAX_ITERATIONS):
        law = mesh.solver.solve_left(law)
        growth = float(law.sum())
        check_size(growth)
        law /= growth
        if abs(growth / last - 1) < CONVERGED:
            return -math.log(growth), law
        last = growth
    raise alike_modes()


def _log_gap(mesh: PlaneMesh) -> float:
    home = _home(mesh)
    _, solver = without_home(mesh, home)
    x, y = mesh.points.T
    begin = np.stack([x + 0.618 * y, y - 0.618 * x, x * y], axis=1)
    found = slowest_decay(solver.solve, stationary_masses(mesh, home), begin, home)
    if found is None:
        raise NoReference(
            "The slowest mode oscillates, or decays hardly slower than others, which has no exact rate here."
        )
    return found


def _density(coordinates: PlaneCoordinates, box: Box, masses: Callable[[PlaneMesh], Array]) -> Density:
    """Density on a grid, extrapolated from two pairs of meshes of which one is twice as fine as the other."""
    tables, grids, weights = [], [], []
    for n in (40, 60):
        table, points = _extrapolated_table(coordinates, box, n, masses)
        along = _end_corrected(n + 1)
        area = float(np.prod((box.upper - box.lower) / n)) * coordinates.cell
        weights.append(area * np.multiply.outer(along, along))
        tables.append(table / (table * weights[-1]).sum())
        grids.append(points)
    table = tables[1]
    axes = [np.linspace(box.lower[a], box.upper[a], 61) for a in range(2)]
    inner = _between(axes, table)
    # Every second node tells of the interpolation, with 2^6 times its error where the law is smooth.
    thinned = _between([axis[::2] for axis in axes], table[::2, ::2])
    left_out = np.abs(thinned(grids[1][1::2, 1::2]) - table[1::2, 1::2]).max()
    error = float(np.abs(tables[0][::2, ::2] - table[::3, ::3]).max() + left_out / 16)

    def at(x: Array) -> Array:
        xi = coordinates.from_plane(x)
        inside = ((xi >= box.lower) & (xi <= box.upper)).all(axis=1) & (coordinates.problem.region(xi) < 0)
        return np.where(inside, np.maximum(inner(xi), 0.0), 0.0)

    return Density(
        points=coordinates.to_plane(grids[1].reshape(-1, 2)),
        weights=weights[1].ravel(),
        values=table.ravel(),
        error=error,
        method=METHOD,
        _at=at,
    )


def _between(axes: Sequence[Array], table: Array) -> Callable[[Array], Array]:
    """A density between nodes, at points of shape (..., 2); its logarithm is smoother, where it has one."""
    from scipy.interpolate import RectBivariateSpline

    positive = bool((table > 0).all())
    spline = RectBivariateSpline(axes[0], axes[1], np.log(table) if positive else table, kx=5, ky=5, s=0)

    def at(xi: Array) -> Array:
        found = spline.ev(xi[..., 0], xi[..., 1])
        return np.exp(found) if positive else found

    return at


def _end_corrected(count: int) -> Array:
    """The trapezoidal rule with Gregory's corrections: at an exit a law falls to zero with a slope."""
    weights = np.ones(count)
    ends = np.array([3 / 8, 7 / 6, 23 / 24])
    weights[:3], weights[-3:] = ends, ends[::-1]
    return weights


def _extrapolated_table(
    coordinates: PlaneCoordinates, box: Box, cells: int, masses: Callable[[PlaneMesh], Array]
) -> tuple[Array, Array]:
    """Unnormalised density at the nodes of a grid, (n, n), with the error of second order removed."""
    tables = []
    for n in (cells, 2 * cells):
        mesh = PlaneMesh(coordinates.problem, box, (n, n), np.zeros(2))
        table = np.zeros(mesh.shape)
        table[tuple(mesh.states.T)] = masses(mesh) * (n / cells) ** 2
        tables.append(table[:: n // cells, :: n // cells])
        grid = mesh.grid[:: n // cells, :: n // cells]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = (4 * np.log(tables[1]) - np.log(tables[0])) / 3
    return np.where((tables[0] > 0) & (tables[1] > 0), np.exp(logs), tables[1]), grid
