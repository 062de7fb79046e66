"""Heavy-ball momentum on top of any discrete rule."""

from __future__ import annotations

from dataclasses import replace

import sympy

from simdyn.dynamics.checks import number
from simdyn.dynamics.update import Update
from simdyn.errors import InputError


def checked_momentum(momentum: object) -> float:
    """`momentum` as a float in [0, 1), or an InputError."""
    value = number("momentum", momentum)
    if not 0 <= value < 1:
        raise InputError(f"momentum is {momentum!r}, but it must be at least 0 and below 1.")
    return value


def velocities(variables: tuple[sympy.Symbol, ...]) -> tuple[sympy.Symbol, ...]:
    """Symbols for the velocities of coordinates."""
    return tuple(sympy.Symbol(f"_velocity_{variable.name}", real=True) for variable in variables)


def heavy_ball(rule: Update, momentum: float) -> Update:
    """The rule v' = momentum v + (increment of `rule`), x' = x + v', which starts at v = 0 (Polyak 1964).

    Without momentum `rule` itself.
    """
    if momentum == 0:
        return rule
    beta = sympy.Symbol("_momentum", positive=True)
    velocity = velocities(rule.variables)
    increment = tuple(beta * v + drift for v, drift in zip(velocity, rule.drift, strict=True))
    return replace(
        rule,
        variables=(*rule.variables, *velocity),
        drift=increment + increment,
        factor=rule.factor + rule.factor,
        values={**rule.values, "_momentum": float(momentum)},
        memory=rule.dim,
        memory_start=(sympy.Integer(0),) * rule.dim,
    )
