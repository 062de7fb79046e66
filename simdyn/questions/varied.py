"""What can be varied about an escape problem, and the problem with some of it changed."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import SDE, SGD, SGLD, Dynamics
from simdyn.errors import InputError
from simdyn.exits import Exit, parse_start, resolve_exit

BARRIER = "barrier_over_noise"
STEEPNESS = "learning_rate_times_curvature"

_STRENGTHS = ("temperature", "diffusion")
"""Settings that the diffusion matrix is proportional to."""

_MEANINGS = {
    "learning_rate": "learning rate η",
    "batch_size": "batch size B",
    "temperature": "temperature T",
    "diffusion": "diffusion D",
    "covariance": "covariance C₁",
    "floor": "floor δ",
    BARRIER: "barrier over noise ΔL/D",
    STEEPNESS: "learning rate × curvature ηL″",
}


@dataclass(frozen=True)
class Problem:
    """An escape as one asks for it.

    Attributes
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`.
    """

    potential: Potential | DriftField
    dynamics: Dynamics
    start: Any
    exit: Any

    def variable(self) -> tuple[str, ...]:
        """Names of what can be varied: settings of the dynamics that are numbers, parameters, and

        `barrier_over_noise`, which sets the strength of a noise that is the same everywhere by the lowest
        barrier over D, and `learning_rate_times_curvature`, which sets the learning rate by the largest
        curvature at the minimum.
        """
        names = [*_settings(self.dynamics), *self.potential.parameters]
        if any(name in names for name in _STRENGTHS):
            names.append(BARRIER)
        if "learning_rate" in names:
            names.append(STEEPNESS)
        return tuple(dict.fromkeys(names))

    def check(self, over: Mapping[str, Any]) -> None:
        """Refuse what cannot be varied, alone or together.

        Raises
        ------
        InputError
            An unknown name (with the nearest known one), two that set the same, or a value out of range.
        """
        known = self.variable()
        for name in over:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"what can be varied is {', '.join(known)}."
                raise InputError(f"over names {name!r}, which this problem does not have; {hint}")
        if BARRIER in over and (both := [name for name in _STRENGTHS if name in over]):
            raise InputError(f"{BARRIER} sets the {both[0]}; vary one of the two.")
        if STEEPNESS in over and "learning_rate" in over:
            raise InputError(f"{STEEPNESS} sets the learning_rate; vary one of the two.")
        for name, values in over.items():
            for value in values:
                if name in (BARRIER, STEEPNESS):
                    if value <= 0:
                        raise InputError(f"{name} contains {value:g}, but it must be positive.")
                else:
                    self._with({name: value})

    def varied(self, settings: Mapping[str, float]) -> Problem:
        """The problem with these settings, start and exit found.

        Raises
        ------
        InputError
            A start or an exit that this landscape does not have, or a barrier where there is none.
        """
        plain = {name: v for name, v in settings.items() if name not in (BARRIER, STEEPNESS)}
        changed = self._with(plain).resolved()
        if STEEPNESS in settings:
            changed = changed._with({"learning_rate": settings[STEEPNESS] / changed._steepest()})
        if BARRIER in settings:
            changed = changed._with(changed._strength(settings[BARRIER]))
        return changed

    def barrier(self, name: str) -> float | None:
        """The lowest barrier, if the setting `name` is the D of a noise that is the same everywhere."""
        from simdyn.theory.ways_out import escape_problem

        rule = _rule_within(self.dynamics) or self.dynamics
        of = {"temperature": SGLD, "diffusion": SDE}.get(name)
        if of is None or not isinstance(rule, of) or not isinstance(self.potential, Potential):
            return None
        try:
            problem = escape_problem(self.potential, self.dynamics, self.start, self.exit)
        except InputError:
            return None
        return min(problem.barrier(way) for way in problem.ways)

    def resolved(self) -> Problem:
        """The same with its start and its exit found.

        Raises
        ------
        InputError
            A start or an exit that cannot be read.
        """
        start = self.start if isinstance(self.start, str) else tuple(parse_start(self.start, self.potential))
        search = _found if isinstance(self.exit, str) else _found.__wrapped__
        return Problem(self.potential, self.dynamics, *search(self.potential, start, self.exit))

    def _with(self, settings: Mapping[str, float]) -> Problem:
        rule = _settings(self.dynamics)
        dynamics = _changed(self.dynamics, {k: v for k, v in settings.items() if k in rule})
        parameters = tuple((k, v) for k, v in settings.items() if k not in rule)
        potential = _landscape(self.potential, parameters) if parameters else self.potential
        return Problem(potential, dynamics, self.start, self.exit)

    def _steepest(self) -> float:
        """The largest curvature at the minimum below the start."""
        if not isinstance(self.potential, Potential):
            raise InputError(f"{STEEPNESS} needs an energy, which a drift field does not have.")
        return float(self.potential.minimum_below(self.start).eigenvalues.max())

    def _strength(self, ratio: float) -> dict[str, float]:
        """The setting of the noise at which the lowest barrier over D is `ratio`."""
        from simdyn.theory.ways_out import escape_problem

        if not isinstance(self.potential, Potential):
            raise InputError(f"{BARRIER} needs an energy, which a drift field does not have.")
        problem = escape_problem(self.potential, self.dynamics, self.start, self.exit)
        noise = problem.diffusion(problem.minimum.x)
        level = float(noise[0, 0])
        if not problem.constant_noise or not np.allclose(noise, level * np.eye(len(noise)), rtol=1e-9):
            raise InputError(
                f"{BARRIER} is for noise that is the same everywhere and in all directions; vary the "
                "temperature instead."
            )
        lowest = min(problem.barrier(way) for way in problem.ways)
        settings = _settings(self.dynamics)
        name = next(name for name in _STRENGTHS if name in settings)
        return {name: settings[name] * lowest / (level * ratio)}


def meaning(name: str) -> str:
    """What an axis is called in a figure."""
    return _MEANINGS.get(name, name.replace("_", " "))


def _settings(dynamics: Dynamics) -> dict[str, float]:
    """The settings of a dynamics, or of the discrete rule that an SDE is the limit of, that are numbers."""
    rule = _rule_within(dynamics)
    inner = {} if rule is None else _settings(rule)
    found = {
        field.name: getattr(dynamics, field.name)
        for field in dataclasses.fields(dynamics)
        if isinstance(getattr(dynamics, field.name), int | float)
        and not isinstance(getattr(dynamics, field.name), bool)
    }
    found.pop("order", None)
    if isinstance(dynamics, SDE):
        found.pop("step")  # No prediction and no exact value depends on it.
    return {**found, **inner}


def _rule_within(dynamics: Dynamics) -> SGD | SGLD | None:
    """The discrete rule that an SDE is the limit of."""
    if isinstance(dynamics, SDE) and isinstance(dynamics.diffusion, SGD | SGLD):
        return dynamics.diffusion
    return None


def _changed(dynamics: Dynamics, settings: Mapping[str, Any]) -> Dynamics:
    rule = _rule_within(dynamics)
    return replace(dynamics, **settings if rule is None else {"diffusion": _changed(rule, settings)})


@lru_cache(maxsize=64)
def _landscape(
    potential: Potential | DriftField, parameters: tuple[tuple[str, float], ...]
) -> Potential | DriftField:
    """The landscape with other parameters; one object for all cells, so that its saddles are found once."""
    return potential.with_parameters(**dict(parameters))


@lru_cache(maxsize=64)
def _found(
    potential: Potential | DriftField, start: str | tuple[float, ...], exit: Any
) -> tuple[np.ndarray, Exit]:
    origin = parse_start(start, potential)
    return origin, resolve_exit(exit, potential, origin)
