"""Which basin a point is in, made into a table before a run: exact in one dimension and for sums over
coordinates, by the way down from the points of a grid in the plane."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from potentials import DriftField, Potential
from simdyn.errors import InputError
from simdyn.recorders import BasinTable

Array = np.ndarray

MOST_BASINS = 32
_GRID = 192
_MOST_STEPS = 4_000
_CORE = 0.5
"""A core reaches half of the way from the minimum to the rim: on a line in distance, in the plane in
energy."""


def basin_table(potential: Potential | DriftField) -> BasinTable | None:
    """A table of the basins of all minima (or attractors), or None where there is one or none can be made.

    Basins are told apart in one dimension, for sums over coordinates, and in the plane, up to `MOST_BASINS`.
    """
    try:
        if isinstance(potential, Potential) and (potential.dim == 1 or potential.separable):
            return _by_coordinates(potential)
        if potential.dim == 2:
            return _in_the_plane(potential)
    except InputError:
        return None
    return None


def _by_coordinates(potential: Potential) -> BasinTable | None:
    lines = [potential] if potential.dim == 1 else list(potential.coordinates())
    wells, axes, edges, kinds = [], [], [], []
    for i, line in enumerate(lines):
        points = sorted(line.critical_points(), key=lambda point: float(point.x[0]))
        minima = [float(p.x[0]) for p in points if p.is_minimum]
        if not minima:
            return None
        wells.append(minima)
        if len(minima) == 1:
            continue
        walls = [
            max((p for p in points if a < p.x[0] < b), key=lambda p: p.energy, default=None)
            for a, b in pairwise(minima)
        ]
        rims = [
            0.5 * (a + b) if wall is None else float(wall.x[0])
            for wall, a, b in zip(walls, minima[:-1], minima[1:], strict=True)
        ]
        axes.append(i)
        cuts, kind = _intervals(minima, rims)
        edges.append(cuts)
        kinds.append(kind)
    count = int(np.prod([len(minima) for minima in wells]))
    if not 1 < count <= MOST_BASINS:
        return None
    points_of = np.array(list(product(*wells)))
    sizes = [len(wells[i]) for i in axes]
    basin, core = [], []
    for cell in product(*kinds):
        basin.append(int(np.ravel_multi_index([well for well, _ in cell], sizes)))
        core.append(basin[-1] if all(deep for _, deep in cell) else -1)
    return BasinTable(
        points_of,
        tuple(axes),
        tuple(edges),
        np.array(basin, dtype=np.int64),
        np.array(core, dtype=np.int64),
        "basins are bounded by the maxima between minima, coordinate by coordinate",
    )


def _intervals(minima: list[float], rims: list[float]) -> tuple[Array, list[tuple[int, bool]]]:
    """Edges on a line, and for each interval between them its well and whether it is the core of it."""
    edges, kinds = [], []
    for k, minimum in enumerate(minima):
        if k > 0:
            edges += [rims[k - 1], minimum - _CORE * (minimum - rims[k - 1])]
            kinds.append((k, False))
        kinds.append((k, True))
        if k < len(rims):
            edges.append(minimum + _CORE * (rims[k] - minimum))
            kinds.append((k, False))
    return np.array(edges), kinds


def _in_the_plane(potential: Potential | DriftField) -> BasinTable | None:
    if isinstance(potential, Potential):
        wells = potential.minima()
        others = potential.critical_points()
    else:
        wells, others = potential.attractors(), potential.fixed_points()  # type: ignore[assignment]
    points = np.array([p.x for p in wells])
    if not 1 < len(points) <= MOST_BASINS:
        return None
    marks = np.array([p.x for p in others])
    size = np.maximum(marks.max(axis=0) - marks.min(axis=0), 1e-3 * (1 + np.abs(marks).max()))
    # Along a direction in which all critical points lie on a line, as far as across.
    size = np.maximum(size, 0.5 * size.max())
    axes = [np.linspace(marks[:, i].min() - size[i], marks[:, i].max() + size[i], _GRID) for i in range(2)]
    middles = [np.concatenate([a[:1], 0.5 * (a[1:] + a[:-1]), a[-1:]]) for a in axes]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    basin = _ends(potential, grid, points, 0.4 * float(min(a[1] - a[0] for a in axes)))
    core = np.where(_is_deep(potential, grid, wells, basin), basin, -1)
    return BasinTable(
        points,
        (0, 1),
        (axes[0], axes[1]),
        basin,
        core,
        f"basins are told apart by the way down from the points of a {_GRID} x {_GRID} grid",
    )


def _ends(potential: Potential | DriftField, grid: Array, points: Array, length: float) -> Array:
    """For each point the one of `points` that the flow leads to, in steps of one length."""
    x = grid.copy()
    label = np.full(len(x), -1)
    going = np.arange(len(x))
    # Within twice a step of a minimum the flow is there.
    with np.errstate(all="ignore"):
        for _ in range(_MOST_STEPS):
            away = np.linalg.norm(x[going][:, None, :] - points, axis=2)
            there = away.min(axis=1) <= 2 * length
            label[going[there]] = away[there].argmin(axis=1)
            going = going[~there]
            if len(going) == 0:
                break
            force = (
                -potential.gradient(x[going])
                if isinstance(potential, Potential)
                else potential.drift(x[going])
            )
            norm = np.linalg.norm(force, axis=1, keepdims=True)
            good = np.isfinite(norm[:, 0]) & (norm[:, 0] > 0)
            going, force, norm = going[good], force[good], norm[good]
            # The middle of a step shows where the flow bends, so that it does not zigzag in narrow valleys.
            half = x[going] + 0.5 * length * force / norm
            bent = -potential.gradient(half) if isinstance(potential, Potential) else potential.drift(half)
            size = np.linalg.norm(bent, axis=1, keepdims=True)
            x[going] += length * np.where(size > 0, bent / np.where(size > 0, size, 1.0), 0.0)
    lost = label < 0
    if lost.any():
        away = np.linalg.norm(grid[lost][:, None, :] - points, axis=2)
        label[lost] = away.argmin(axis=1)
    return label.astype(np.int64)


def _is_deep(potential: Potential | DriftField, grid: Array, wells: object, basin: Array) -> Array:
    """Whether points are in the core of their basin."""
    deep = np.zeros(len(grid), dtype=bool)
    for k, well in enumerate(wells):  # type: ignore[arg-type, var-annotated]
        own = basin == k
        if isinstance(potential, Potential):
            rims = [s.energy for s in potential.saddles(around=well)]
            height = min(rims, default=np.inf) - well.energy
            deep |= own & (potential.energy(grid) - well.energy < _CORE * height)
        else:
            foreign = grid[~own]
            reach = np.linalg.norm(foreign - well.x, axis=1).min() if len(foreign) else np.inf
            deep |= own & (np.linalg.norm(grid - well.x, axis=1) < _CORE * reach)
    return deep
