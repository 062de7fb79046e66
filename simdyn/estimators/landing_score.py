"""The score of a chain that leaps: how likely the best landing of the step in progress is to lead out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy

from simdyn.dynamics import Update
from simdyn.dynamics.portions import COUNT, FIRST, PLACE, reached
from simdyn.exits import Score

KNOTS = 12
"""Of each table, always, so that kernels know their number and take their places at run time."""

PORTIONS = 24
"""In which the noise of a step is drawn: few enough nats in each of them for splitting to follow."""

_SHARPEST = 1e-12
"""Least variance of what is still to come in a step; where the noise vanishes, the landing is certain."""

Table = tuple[np.ndarray, np.ndarray]
"""Points in ascending order, and the values there."""


def landing_score(update: Update, tables: Mapping[int, Table], description: str) -> Score:
    """A score of a factorised chain that is taken in portions.

    With h(x) the chance to leave from x, y where the step in progress would end as it stands, and r^2 the
    variance still to come, log E h(y + r Z) is nearly the largest over landings t of log h(t) - (t - y)^2 /
    (2 r^2). The landings tried are y itself, where log h is piecewise linear, and the kinks of that line. Of
    several coordinates the one that is best counts.

    Parameters
    ----------
    update
        The rule, step by step.
    tables
        log h of each coordinate that has an exit, by its index; equal ones as one object.
    description
        In words.
    """
    values = dict(update.values) | {COUNT.name: float(PORTIONS)}
    forms: dict[int, _Line] = {}
    terms = []
    for index, table in tables.items():
        if id(table) not in forms:
            forms[id(table)] = _Line(len(forms), table, values)
        variable = update.variables[index]
        unfinished = (reached(variable), True)
        y = sympy.Piecewise((variable + update.drift[index], FIRST), unfinished)
        variance = update.factor[index][index] ** 2 * (1 - PLACE / COUNT)
        steepness = 1 / (-2 * variance - _SHARPEST)
        terms += forms[id(table)].landings(y, steepness)
    return Score(sympy.Max(*terms, evaluate=False), values, description, PORTIONS)


class _Line:
    """A piecewise linear function, constant beyond its knots, as b + sum_i c_i |x - t_i|: without any search
    for the piece that holds x."""

    def __init__(self, number: int, table: Table, values: dict[str, float]) -> None:
        places, heights = knots(*table)
        slopes = np.concatenate([[0.0], np.diff(heights) / np.diff(places), [0.0]])
        bends = np.diff(slopes) / 2

        def symbol(name: str, value: float) -> sympy.Symbol:
            values[name] = float(value)
            return sympy.Symbol(name, real=True)

        self.base = symbol(f"_base{number}", heights[0] - bends @ np.abs(places[0] - places))
        self.kinks = []
        for n in range(KNOTS):
            # A short table repeats its last place, without a bend.
            at = min(n, len(places) - 1)
            self.kinks.append(
                (
                    symbol(f"_place{number}_{n}", places[at]),
                    symbol(f"_height{number}_{n}", heights[at]),
                    symbol(f"_bend{number}_{n}", bends[n] if n < len(bends) else 0.0),
                )
            )

    def landings(self, y: sympy.Expr, steepness: sympy.Expr) -> list[sympy.Expr]:
        """What each landing is worth, less its cost."""
        here = sympy.Add(self.base, *(bend * sympy.Abs(y - place) for place, _, bend in self.kinks))
        return [here, *(height + steepness * (y - place) ** 2 for place, height, _ in self.kinks)]


def knots(points: np.ndarray, heights: np.ndarray) -> Table:
    """At most `KNOTS` points of a table, picked one by one where lines through the others miss most."""
    picked = [0, len(points) - 1]
    while len(picked) < min(KNOTS, len(points)):
        miss = np.abs(np.interp(points, points[picked], heights[picked]) - heights)
        worst = int(np.argmax(miss))
        if miss[worst] == 0.0:
            break
        picked = sorted([*picked, worst])
    return points[picked], heights[picked]
