"""How far a point has come towards an exit: the score by which splitting ranks paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from potentials import DriftField, Potential
from potentials.formula import parse_expression
from simdyn.errors import InputError
from simdyn.exits.exit import Exit


@dataclass(frozen=True)
class Score:
    """A function of the coordinates that is larger nearer the exit.

    A kernel that keeps a record of it adds four entries to the state: the score of the point, the best score
    since the start of the path, and two bounds, which each path brings with it. A path then ends, too, where
    its best score exceeds the upper bound, and where its score is at or below the lower one: the two last
    channels, after those of the exit.

    Attributes
    ----------
    expression
        Of the coordinates and of parameters.
    values
        Run-time values of the parameters.
    description
        In words.
    portions
        In how many portions the noise of a step has to be drawn for the expression to have a meaning, which
        may then use the memory of `simdyn.dynamics.portions`.
    """

    expression: sympy.Expr
    values: Mapping[str, float]
    description: str
    portions: int = 1

    def at(self, variables: tuple[sympy.Symbol, ...], x: np.ndarray) -> float:
        """Its value at a point of shape (d,), or a full state where it uses memory."""
        point = dict(zip(variables, (float(v) for v in x), strict=True))
        # All at once: minima of many symbols are slow to compare, those of numbers are not.
        return float(self.expression.xreplace(self._known | point))

    @property
    def numeric(self) -> sympy.Expr:
        """The expression with the values of its parameters, as it is written."""
        with sympy.evaluate(False):
            return self.expression.xreplace(self._known)

    @property
    def _known(self) -> dict[sympy.Symbol, float]:
        return {s: self.values[s.name] for s in self.expression.free_symbols if s.name in self.values}


def progress(exit: Exit, start: np.ndarray) -> Score:
    """The share of the way from the start to the nearest channel that lies behind a point.

    A surface counts 0 at the start and 1 where it is crossed, in between by its gap; a channel as much as
    the surface of it that is least near, the exit as much as the channel that is nearest.
    """
    values = dict(exit.values)
    point = dict(zip(exit.variables, (float(v) for v in start), strict=True))
    channels = []
    for k, channel in enumerate(exit.channels):
        shares = []
        for n, surface in enumerate(channel.surfaces):
            known = {s: values[s.name] for s in surface.gap.free_symbols if s.name in values}
            gap = float(surface.gap.xreplace(known).xreplace(point))
            if gap >= 0.0:
                # Crossed at the start already: this surface is in nobody's way.
                continue
            name = sympy.Symbol(f"_way{k}_{n}", positive=True)
            values[name.name] = -gap
            shares.append(1 + surface.gap / name)
        channels.append(sympy.Min(*shares) if len(shares) > 1 else shares[0])
    expression = sympy.Max(*channels, evaluate=False) if len(channels) > 1 else channels[0]
    return Score(expression, values, "share of the way to the nearest channel of the exit")


def own_score(formula: str, potential: Potential | DriftField) -> Score:
    """A person's score, in the variables and parameters of the landscape.

    Raises
    ------
    InputError
        A formula that cannot be read, or of other names.
    """
    expression = parse_expression(formula)
    known = {*(v.name for v in potential.variables), *potential.parameters}
    unknown = sorted(s.name for s in expression.free_symbols if s.name not in known)
    if unknown or not expression.has(*potential.variables):
        what = f"uses {', '.join(unknown)}" if unknown else "depends on no variable"
        raise InputError(
            f"The score {formula!r} {what}; its names must be among those of {potential.name!r}: "
            f"{', '.join(sorted(known))}."
        )
    return Score(expression, dict(potential.parameters), formula)
