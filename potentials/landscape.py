"""A formula with its derivatives, symbolic and numeric: all that does not depend on parameter values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from potentials.derivatives import differentiate, expanded
from potentials.formula import symbol
from potentials.renaming import UpToNames
from potentials.tape import Tape

__all__ = ["Landscape", "matrix", "natural_order", "vector"]

Floats = NDArray[np.float64]


def natural_order(symbols: Iterable[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    """Symbols sorted by name with numbers compared as numbers: x2 before x10."""

    def key(item: sp.Symbol) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D+", item.name)
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]

    return tuple(sorted(symbols, key=key))


@dataclass(frozen=True)
class Landscape:
    """An energy in symbols, shared by every potential that differs in parameter values alone.

    Attributes
    ----------
    expression, variables, parameters
        The energy, and its symbols in two groups.
    """

    expression: sp.Expr
    variables: tuple[sp.Symbol, ...]
    parameters: tuple[sp.Symbol, ...]

    @cached_property
    def gradient(self) -> tuple[sp.Expr, ...]:
        """First derivatives, symbolic."""
        if self.coordinates is not None:
            pairs = zip(self.coordinates, self.variables, strict=True)
            return tuple(one.slope.xreplace({one.variables[0]: variable}) for one, variable in pairs)
        factor, terms = _factor_and_terms(self.expression, self.variables)
        holders: dict[sp.Symbol, list[sp.Expr]] = {variable: [] for variable in self.variables}
        for term in terms:
            for name in term.free_symbols & holders.keys():
                holders[name].append(term)
        # A variable of a long sum is in few of its terms; the others need not be looked at.
        derivative = UpToNames(differentiate, holders)
        return tuple(factor * derivative(sp.Add(*holders[v]), v) for v in self.variables)

    @cached_property
    def slope(self) -> sp.Expr:
        """First derivative by the first variable, symbolic."""
        return differentiate(self.expression, self.variables[0])

    @cached_property
    def curvature(self) -> sp.Expr:
        """Second derivative by the first variable, symbolic."""
        return differentiate(self.slope, self.variables[0])

    @cached_property
    def second_derivatives(self) -> dict[tuple[int, int], sp.Expr]:
        """Entries (i, j), i <= j, of the Hessian that do not vanish identically."""
        entries: dict[tuple[int, int], sp.Expr] = {}
        if self.coordinates is not None:
            for i, (one, variable) in enumerate(zip(self.coordinates, self.variables, strict=True)):
                entries[i, i] = one.curvature.xreplace({one.variables[0]: variable})
        else:
            place = {variable: i for i, variable in enumerate(self.variables)}
            derivative = UpToNames(differentiate, place)
            for i, slope in enumerate(self.gradient):
                for j in sorted(place[name] for name in slope.free_symbols & place.keys()):
                    if j >= i:
                        entries[i, j] = derivative(slope, self.variables[j])
        return {place: entry for place, entry in entries.items() if entry != 0}

    @cached_property
    def coordinates(self) -> tuple[Landscape, ...] | None:
        """One-dimensional landscapes whose sum this is, or None if there are none.

        All use one variable, so that equal coordinates are one and the same object; a constant is shared
        equally.
        """
        parts = self._split()
        if parts is None:
            return None
        taken = {parameter.name for parameter in self.parameters}
        common = symbol(next(name for name in _common_names() if name not in taken))
        made: dict[sp.Expr, Landscape] = {}
        for part, variable in zip(parts, self.variables, strict=True):
            renamed = part.xreplace({variable: common})
            if renamed not in made:
                used = tuple(p for p in self.parameters if p in renamed.free_symbols)
                same = (renamed, (common,), used) == (self.expression, self.variables, self.parameters)
                made[renamed] = self if same else Landscape(renamed, (common,), used)
        return tuple(
            made[part.xreplace({variable: common})]
            for part, variable in zip(parts, self.variables, strict=True)
        )

    def _split(self) -> list[sp.Expr] | None:
        """The terms of each variable, or None if some term mixes variables."""
        if len(self.variables) == 1:
            return [self.expression]
        parts = _terms_by_variable(self.expression, self.variables)
        if parts is None and not _mixes(self.expression, self.variables):
            whole = expanded(self.expression)
            parts = None if whole is None else _terms_by_variable(whole, self.variables)
        return parts

    @cached_property
    def energy_function(self) -> Tape:
        """Inputs: variables, then parameters."""
        return Tape((*self.variables, *self.parameters), (self.expression,))

    @cached_property
    def gradient_function(self) -> Tape:
        """Inputs: variables, then parameters; d outputs."""
        return Tape((*self.variables, *self.parameters), self.gradient)

    @cached_property
    def hessian_function(self) -> Tape:
        """Inputs: variables, then parameters; outputs in the order of `second_derivatives`."""
        return Tape((*self.variables, *self.parameters), tuple(self.second_derivatives.values()))

    def energy_at(self, columns: Sequence[Floats], values: Iterable[float]) -> Floats:
        """Energy at points given as d columns of one shape."""
        (value,) = self.energy_function(*columns, *values)
        return np.array(np.broadcast_to(value, columns[0].shape), dtype=np.float64)

    def gradient_at(self, columns: Sequence[Floats], values: Iterable[float]) -> Floats:
        """Gradient, one more dimension of length d."""
        return vector(self.gradient_function(*columns, *values), columns)

    def hessian_at(self, columns: Sequence[Floats], values: Iterable[float]) -> Floats:
        """Hessian, two more dimensions of length d."""
        entries = self.hessian_function(*columns, *values)
        upper = dict(zip(self.second_derivatives, entries, strict=True))
        return matrix(upper | {(j, i): value for (i, j), value in upper.items()}, columns)


def vector(entries: Sequence[Any], columns: Sequence[Floats]) -> Floats:
    """The d entries, each a number or an array like the columns, along one more dimension."""
    result = np.empty((*columns[0].shape, len(columns)))
    for i, value in enumerate(entries):
        result[..., i] = value
    return result


def matrix(entries: Mapping[tuple[int, int], Any], columns: Sequence[Floats]) -> Floats:
    """The entries at places (i, j), and zeros elsewhere, along two more dimensions of length d."""
    result = np.zeros((*columns[0].shape, len(columns), len(columns)))
    for (i, j), value in entries.items():
        result[..., i, j] = value
    return result


def _common_names() -> Iterable[str]:
    yield from ("x", "y", "z")
    yield from (f"x{i}" for i in range(10_000))


def _terms_by_variable(expression: sp.Expr, variables: Sequence[sp.Symbol]) -> list[sp.Expr] | None:
    place = {variable: i for i, variable in enumerate(variables)}
    terms: list[list[sp.Expr]] = [[] for _ in variables]
    constant: list[sp.Expr] = []
    for term in sp.Add.make_args(expression):
        involved = [place[name] for name in term.free_symbols if name in place]
        if len(involved) > 1:
            return None
        (terms[involved[0]] if involved else constant).append(term)
    share = sp.Add(*constant) / len(variables)
    return [sp.Add(*part, share) for part in terms]


def _factor_and_terms(
    expression: sp.Expr, variables: Sequence[sp.Symbol]
) -> tuple[sp.Expr, tuple[sp.Expr, ...]]:
    """`expression` as a product of what depends on no variable and a sum."""
    factor, rest = (
        expression.as_independent(*variables, as_Add=False) if expression.is_Mul else (sp.S.One, expression)
    )
    return factor, sp.Add.make_args(rest)


def _mixes(expression: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    """Whether some mixed second derivative is surely not zero, decided at random points.

    A derivative that vanishes at all of them is left to the exact test that follows.
    """
    rng = np.random.default_rng(0)
    place = {variable: i for i, variable in enumerate(variables)}
    holders: dict[tuple[int, int], list[sp.Expr]] = {}
    for term in _factor_and_terms(expression, variables)[1]:
        for pair in combinations(sorted(place[name] for name in term.free_symbols & place.keys()), 2):
            holders.setdefault(pair, []).append(term)
    for (i, j), terms in holders.items():
        mixed = differentiate(differentiate(sp.Add(*terms), variables[i]), variables[j])
        if mixed == 0:
            continue
        others = sorted(mixed.free_symbols, key=str)
        points = rng.uniform(-1.5, 1.5, (len(others), 16))
        value = np.asarray(Tape(others, (mixed,))(*points)[0], dtype=np.float64)
        good = np.isfinite(value)
        if np.any(np.abs(value[good]) > 1e-9):
            return True
    return False
