"""An escape as theory sees it: from which minimum, over which saddles, hit or commit, with which noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from potentials import CriticalPoint, Potential, Valley
from simdyn.dynamics import Dynamics, Update
from simdyn.errors import InputError
from simdyn.exits import Exit, parse_start, resolve_exit

Array = np.ndarray
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
    """

    saddle: CriticalPoint
    kind: Literal["hit", "commit"]
    coordinate: int | None
    sign: int


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

    @property
    def constant_noise(self) -> bool:
        """Whether D is the same everywhere."""
        return self.update.additive

    def barrier(self, way: WayOut) -> float:
        """Height of the saddle above the minimum."""
        return way.saddle.energy - self.minimum.energy


def escape_problem(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> EscapeProblem:
    """The ways out that an exit leaves open.

    Raises
    ------
    InputError
        No noise, a start in no valley, or an exit that is neither at the saddles nor at the minima beyond
        them.
    """
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    update = dynamics.law(potential, origin)
    if update.noise_dim == 0:
        raise InputError(
            "The dynamics has no noise, so no escape-rate formula applies; give it a temperature."
        )
    valley = way_out.valley if way_out.valley is not None else potential.valley(origin)
    problem = EscapeProblem(potential, dynamics, update, origin, valley.minimum, ())
    ways = _box_ways(problem, way_out, valley) if valley.kind == "box" else _plane_ways(way_out, valley)
    if not ways:
        raise InputError("The exit leads over no saddle, so no escape-rate formula applies.")
    return EscapeProblem(potential, dynamics, update, origin, valley.minimum, tuple(ways))


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
    ways: list[WayOut] = []
    for i in range(problem.potential.dim):
        for sign, rim, end in ((-1, valley.lower[i], box[0][i]), (1, valley.upper[i], box[1][i])):
            if np.isfinite(rim) and not np.isfinite(end):
                raise InputError(
                    f"The valley has a second rim at {problem.potential.variables[i]} = {rim:.6g}, which the "
                    "exit leaves open: paths come back from beyond it, and no escape-rate formula applies."
                )
            if np.isfinite(end):
                ways.append(_box_way(problem, valley, i, sign, float(rim), float(end)))
    return ways


def _box_way(problem: EscapeProblem, valley: Valley, i: int, sign: int, rim: float, end: float) -> WayOut:
    name = problem.potential.variables[i]
    saddle = next((s for s in valley.saddles if s.x[i] == rim), None)
    if saddle is None:
        raise InputError(
            f"The exit at {name} = {end:.6g} leads over no saddle, so no escape-rate formula applies."
        )
    curvature = abs(float(saddle.hessian[i, i]))
    width = np.sqrt(problem.diffusion(saddle.x)[i, i] / curvature)
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
