"""An escape as theory sees it: from which minimum, over which saddles, hit or commit, with which noise."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import sympy

from potentials import CriticalPoint, Potential, Valley
from simdyn.dynamics import Dynamics, Update
from simdyn.dynamics.rates import refuse_directions
from simdyn.errors import InputError
from simdyn.exits import Exit, parse_start, resolve_exit
from simdyn.theory.no_value import NoValue

Array = np.ndarray
FLAT = 1e-9
"""Slopes and curvatures below this are none, the latter as a part of the largest."""

MOST_LOOKED_AT = 64
"""Coordinates up to which the curvatures at the start are looked at."""

NEAR = 0.02


@dataclass(frozen=True)
class WayOut:
    """One saddle on the rim of the start's valley.

    Attributes
    ----------
    saddle
        Index-1 critical point.
    kind
        "hit": the path has left when it is at the saddle's height; "commit": when it is at the minimum
        beyond.
    coordinate
        The coordinate that moves, or None where the landscape is not a sum over coordinates.
    sign
        Direction of that coordinate, +1 or -1 (0 without one).
    count
        How many saddles are like this one, by equal coordinates: their rates are the same and add.
    """

    saddle: CriticalPoint
    kind: Literal["hit", "commit"]
    coordinate: int | None
    sign: int
    count: int = 1


def added(times: Sequence[float], ways: Sequence[WayOut]) -> float:
    """The mean time over any of several ways, whose rates add."""
    return 1.0 / sum(way.count / time for time, way in zip(times, ways, strict=True))


@dataclass(frozen=True)
class EscapeProblem:
    """What the closed forms need to know.

    Attributes
    ----------
    potential, dynamics, update
        The landscape, the dynamics and its step on it.
    start
        Shape (d,).
    minimum
        Bottom of the start's valley.
    ways
        The ways out; their rates add.
    """

    potential: Potential
    dynamics: Dynamics
    update: Update
    start: Array
    minimum: CriticalPoint
    ways: tuple[WayOut, ...]

    @property
    def learning_rate(self) -> float:
        """eta of a discrete rule, 0 for an SDE."""
        return self.update.step if self.update.unit == "steps" else 0.0

    def in_unit(self, time: float) -> float:
        """A time in the unit of the dynamics."""
        return time / self.update.step if self.update.unit == "steps" else time

    def diffusion(self, x: Array) -> Array:
        """D at a point, shape (d, d)."""
        root = self.update.factor_at(np.asarray(x, dtype=float))
        return root @ root.T / (2 * self.update.step)

    def spread(self, x: Array, i: int) -> float:
        """Entry (i, i) of D at a point."""
        row = self.update.factor_at(np.asarray(x, dtype=float))[i]
        return float(row @ row) / (2 * self.update.step)

    @property
    def constant_noise(self) -> bool:
        """Whether D is the same everywhere."""
        return self.update.additive

    @property
    def saddles(self) -> int:
        """Number of saddles that the ways lead over."""
        return sum(way.count for way in self.ways)

    def barrier(self, way: WayOut) -> float:
        """Height of the saddle above the minimum."""
        return way.saddle.energy - self.minimum.energy


def escape_problem(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> EscapeProblem:
    """The ways out that an exit leaves open.

    Raises
    ------
    NoValue
        No noise, no saddle on the way out, or a start at a minimum without curvature.
    InputError
        Learning rates by direction, a start in no valley, or an exit that is neither at the saddles nor at
        the minima beyond them.
    """
    refuse_directions(dynamics, "Escape-rate formulas are for")
    origin = parse_start(start, potential)
    _check_curvature(potential, origin)
    way_out = resolve_exit(exit, potential, origin)
    update = dynamics.law(potential, origin)
    if update.noise_dim == 0:
        raise NoValue("The dynamics has no noise, so that paths never leave their valley.", np.inf)
    valley = way_out.valley if way_out.valley is not None else potential.valley(origin)
    problem = EscapeProblem(potential, dynamics, update, origin, valley.minimum, ())
    ways = _box_ways(problem, way_out, valley) if valley.kind == "box" else _plane_ways(way_out, valley)
    if not ways:
        raise NoValue("The exit leads over no saddle, so there is no barrier that the formula could tell.")
    return EscapeProblem(potential, dynamics, update, origin, valley.minimum, tuple(ways))


def _check_curvature(potential: Potential, point: np.ndarray) -> None:
    """Refuse to start where the slope vanishes and a curvature does, too: no Gaussian law holds there."""
    if potential.dim > MOST_LOOKED_AT or float(np.abs(potential.gradient(point)).max()) > FLAT:
        return
    curvatures = np.linalg.eigvalsh(potential.hessian(point))
    least, size = float(curvatures.min()), float(np.abs(curvatures).max())
    if abs(least) <= FLAT * max(1.0, size):
        raise NoValue(
            f"The critical point at the start has the curvature {abs(least):.2g} in some direction, and the "
            "formula needs a minimum that is curved in all."
        )


def _plane_ways(way_out: Exit, valley: Valley) -> list[WayOut]:
    if way_out.valley is None:
        raise InputError(
            f"The exit ({way_out.description}) is not the rim of a valley, which escape-rate formulas need "
            "here; "
            'use "valley" or "commit".'
        )
    return [WayOut(saddle, way_out.kind, None, 0) for saddle in valley.saddles]


def _box_ways(problem: EscapeProblem, way_out: Exit, valley: Valley) -> list[WayOut]:
    box = way_out.box()
    if box is None or valley.lower is None or valley.upper is None:
        raise InputError(f"The exit ({way_out.description}) is not at the saddles of the start's valley.")
    # Equal coordinates have equal ways out: each is looked at once and counted.
    ways: dict[Hashable, WayOut] = {}
    kinds = _kinds(problem)
    saddles = {(k, float(s.x[k])): s for s in reversed(valley.saddles) for k in _moved(s, valley.minimum)}
    for i in range(problem.potential.dim):
        for sign, rim, end in ((-1, valley.lower[i], box[0][i]), (1, valley.upper[i], box[1][i])):
            if np.isfinite(rim) and not np.isfinite(end):
                raise InputError(
                    f"The valley has a second rim at {problem.potential.variables[i]} = {rim:.6g}, which the "
                    "exit leaves open: paths come back from beyond it, and no escape-rate formula applies."
                )
            if not np.isfinite(end):
                continue
            key = (kinds[i], float(valley.minimum.x[i]), sign, float(rim), float(end))
            if key in ways:
                ways[key] = replace(ways[key], count=ways[key].count + 1)
            else:
                saddle = saddles.get((i, float(rim)))
                ways[key] = _box_way(problem, saddle, i, sign, float(rim), float(end))
    return list(ways.values())


def _moved(saddle: CriticalPoint, minimum: CriticalPoint) -> Sequence[int]:
    """The coordinates in which a saddle differs from the minimum."""
    return np.flatnonzero(saddle.x != minimum.x).tolist()


def _kinds(problem: EscapeProblem) -> list[Hashable]:
    """For each coordinate what its landscape and its noise are; equal for coordinates of the same law."""
    if not problem.update.factorised:
        return list(range(problem.potential.dim))
    common = sympy.Symbol("x", real=True)
    lines = problem.potential.coordinates() if problem.potential.dim > 1 else (problem.potential,)
    kinds: list[Hashable] = []
    for i, line in enumerate(lines):
        own = {problem.update.variables[i]: common}
        kinds.append((line, tuple(entry.xreplace(own) for _, entry in problem.update.kicks[i])))
    return kinds


def _box_way(
    problem: EscapeProblem, saddle: CriticalPoint | None, i: int, sign: int, rim: float, end: float
) -> WayOut:
    name = problem.potential.variables[i]
    if saddle is None:
        raise NoValue(
            f"The exit at {name} = {end:.6g} leads over no saddle, so there is no barrier that the formula "
            "could tell."
        )
    curvature = abs(saddle.curvature(i))
    width = np.sqrt(problem.spread(saddle.x, i) / curvature)
    if abs(end - rim) <= NEAR * width:
        return WayOut(saddle, "hit", i, sign)
    line = problem.potential.coordinates()[i]
    beyond = [sign * float(m.x[0]) for m in line.minima() if sign * m.x[0] > sign * rim]
    if beyond and abs(sign * end - min(beyond)) <= NEAR * abs(min(beyond) - sign * rim):
        return WayOut(saddle, "commit", i, sign)
    raise InputError(
        f"The exit at {name} = {end:.6g} is neither at the saddle ({rim:.6g}) nor at the minimum beyond it, "
        "so no "
        'escape-rate formula applies; use "valley" or "commit".'
    )
