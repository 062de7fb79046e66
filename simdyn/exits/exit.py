"""Exit: a union of labelled channels, each an intersection of surfaces that a path has to be across."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import sympy

from potentials import Valley
from potentials.tape import Tape

Kind = Literal["hit", "commit"]


@dataclass(frozen=True)
class Surface:
    """Crossed where `left >= right` (`left > right` when strict)."""

    left: sympy.Expr
    right: sympy.Expr
    strict: bool = False

    @property
    def gap(self) -> sympy.Expr:
        """left - right: negative on the inner side."""
        return self.left - self.right


@dataclass(frozen=True)
class Channel:
    """One way out: all its surfaces crossed at once."""

    label: str
    surfaces: tuple[Surface, ...]


@dataclass(frozen=True)
class Exit:
    """What counts as having escaped.

    Attributes
    ----------
    variables
        The coordinates.
    channels
        A path has left as soon as it is in any of them; the first in order gives the label.
    values
        Run-time values of the symbols that are not variables, so that moving an exit needs no recompilation.
    kind
        "hit": first point across a separatrix or any user's surface; "commit": arrival near another minimum.
    description
        In words, for tables.
    approximate
        Whether the surfaces only approximate the rim of a valley; then `valley` tells how to classify an
        exit.
    """

    variables: tuple[sympy.Symbol, ...]
    channels: tuple[Channel, ...]
    values: Mapping[str, float]
    kind: Kind
    description: str
    approximate: bool = False
    valley: Valley | None = field(default=None, compare=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """Channel labels in order."""
        return tuple(channel.label for channel in self.channels)

    def channel_of(self, x: np.ndarray) -> np.ndarray:
        """Index of the first channel that each point of shape (..., d) is in, or -1; shape (...)."""
        x = np.asarray(x, dtype=float)
        found = np.full(x.shape[:-1], -1)
        sides = self._sides(*(x[..., i] for i in range(x.shape[-1])))
        pairs = list(zip(sides[::2], sides[1::2], strict=True))
        start = 0
        for index, channel in enumerate(self.channels):
            inside = np.ones(x.shape[:-1], dtype=bool)
            for offset, surface in enumerate(channel.surfaces):
                left, right = pairs[start + offset]
                inside &= np.greater(left, right) if surface.strict else np.greater_equal(left, right)
            start += len(channel.surfaces)
            found = np.where((found < 0) & inside, index, found)
        return found

    def box(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(lower, upper), each of shape (d,), if to leave is to have some coordinate leave its interval.

        None for any other exit. Ends that are not there are infinite. Whether an end itself is inside does
        not matter to continuous laws.
        """
        lower = np.full(len(self.variables), -np.inf)
        upper = np.full(len(self.variables), np.inf)
        for channel in self.channels:
            if len(channel.surfaces) != 1:
                return None
            gap = channel.surfaces[0].gap
            used = [v for v in self.variables if gap.has(v)]
            if len(used) != 1:
                return None
            slope = sympy.diff(gap, used[0])
            if slope.free_symbols or slope == 0:
                return None
            bound = float(self._numeric(sympy.expand(used[0] - gap / slope)))
            index = self.variables.index(used[0])
            if slope > 0:
                upper[index] = min(upper[index], bound)
            else:
                lower[index] = max(lower[index], bound)
        return lower, upper

    def _numeric(self, expression: sympy.Expr) -> sympy.Expr:
        return expression.subs(
            {s: self.values[s.name] for s in expression.free_symbols if s.name in self.values}
        )

    @cached_property
    def _sides(self) -> Tape:
        """Left and right sides of all surfaces in turn."""
        return Tape(
            self.variables,
            [
                self._numeric(side)
                for channel in self.channels
                for surface in channel.surfaces
                for side in (surface.left, surface.right)
            ],
        )
