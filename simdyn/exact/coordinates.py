"""A problem with noise as independent one-dimensional ones, equal ones counted once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import sympy

from simdyn.dynamics import Update
from simdyn.exact.errors import NoReference
from simdyn.exact.kinks import kinks
from simdyn.exact.panels import Array
from simdyn.exits import Exit

Laws = dict[tuple[sympy.Expr, ...], tuple[sympy.Expr, ...]]
"""Drift and factor of coordinates as they are written, and with numbers put in."""


@dataclass
class Coordinate:
    """A one-dimensional chain with its start and its exits.

    Attributes
    ----------
    update
        In one dimension.
    start, lower, upper
        The start and the ends of the stay-interval (infinite where open).
    breakpoints
        Kinks of drift and noise.
    count
        How many coordinates are like this one.
    """

    update: Update
    start: float
    lower: float
    upper: float
    breakpoints: tuple[float, ...]
    count: int = 1
    key: Hashable = field(default=None, repr=False)

    def drift(self, x: Array) -> Array:
        """a(x) of the SDE with the step's mean, per unit of time."""
        return self.update.drift_at(np.asarray(x, dtype=float)[..., None])[..., 0] / self.update.step

    def diffusion(self, x: Array) -> Array:
        """D(x) of the SDE with the step's variance, per unit of time."""
        return self.update.sd(x) ** 2 / (2 * self.update.step)


def coordinates(update: Update, start: Array, way_out: Exit) -> list[Coordinate]:
    """The coordinates that have an exit, equal ones merged.

    Raises
    ------
    NoReference
        Coupled coordinates, or an exit that is not a box.
    """
    if not update.factorised:
        raise NoReference(
            "The coordinates are coupled, by the landscape or by the noise, and exact values need one "
            "dimension or coordinates that move independently."
        )
    box = way_out.box()
    if box is None:
        raise NoReference(
            f"The exit ({way_out.description}) is not of the form 'some coordinate leaves its interval', "
            "which exact values need."
        )
    found: dict[Hashable, Coordinate] = {}
    # Putting numbers in takes long, and equal coordinates are written alike.
    laws: Laws = {}
    for i, (x0, lower, upper) in enumerate(zip(start, *box, strict=True)):
        if np.isinf(lower) and np.isinf(upper):
            continue
        one = coordinate(update, i, float(x0), float(lower), float(upper), laws)
        if one.key in found:
            found[one.key].count += 1
        else:
            found[one.key] = one
    return list(found.values())


def coordinate(
    update: Update, index: int, start: float, lower: float, upper: float, laws: Laws | None = None
) -> Coordinate:
    """One coordinate of a factorised update with noise; `laws` remembers those of others."""
    line = update.coordinate(index)
    common = sympy.Symbol("x", real=True)
    written = tuple(e.xreplace({line.variables[0]: common}) for e in (line.drift[0], line.factor[0][0]))
    known = {} if laws is None else laws
    if written not in known:
        known[written] = tuple(line.numeric(e) for e in written)
    law = known[written]
    return Coordinate(line, start, lower, upper, kinks(law, common), key=(law, start, lower, upper))
