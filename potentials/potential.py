"""A potential: what is being descended, written once in SymPy, with NumPy functions and critical points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.critical_points import CriticalPoint
from potentials.errors import InputError
from potentials.formula import parse_expression
from potentials.inputs import (
    checked_domain,
    domain_text,
    sorted_symbols,
)
from potentials.landscape import Landscape
from potentials.language import formula_text, from_sympy, short_name
from potentials.one_dimension import is_listed_completely
from potentials.parametric import Parametric
from potentials.search import Search
from potentials.separable import Separable
from potentials.valley import Valley
from potentials.well_graph import WellGraph

__all__ = ["Potential"]

Floats = NDArray[np.float64]


class Potential(Parametric):
    """An energy landscape of d variables with named parameters; immutable.

    Parameters
    ----------
    energy
        Formula such as "k*(x**4/4 - x**2/2)" (see `potentials.formula`) or SymPy expression.
    variables
        Names or symbols, in order; by default every symbol that is no parameter, in natural order (x2
        before x10).
    parameters
        Value of each parameter. Values can be changed later without any recompilation.
    name
        How tables and figures call it; by default the formula.
    domain
        Search box for the critical points of landscapes that are not polynomial and separable: (low, high),
        or one such pair for each variable; by default (-10, 10).

    Raises
    ------
    InputError
        If the formula cannot be read, has no variable, is nowhere finite, or parameters or domain do not
        fit it.
    """

    _kind = "potential"
    _function = "energy"
    _entries: ClassVar = {
        "name": str,
        "formula": str,
        "variables": list,
        "parameters": Mapping,
        "domain": list,
    }
    _landscape: Landscape

    def __init__(
        self,
        energy: sp.Expr | str | float,
        *,
        variables: Iterable[str | sp.Symbol] | str | None = None,
        parameters: Mapping[str, float] | None = None,
        name: str | None = None,
        domain: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> None:
        expression = parse_expression(energy) if isinstance(energy, str) else from_sympy(energy)
        chosen, named, values = sorted_symbols((expression,), variables, parameters)
        if not any(item in expression.free_symbols for item in chosen):
            raise InputError(
                f"The formula {str(expression)[:60]!r} contains no variable: add one, such as x."
            )
        landscape = Landscape(expression, chosen, named)
        title = short_name(expression) if name is None else str(name)
        self._set(landscape, values, title, checked_domain(domain, len(chosen)))

    def _value(self, x: Floats) -> Floats:
        return self.energy(x)

    @property
    def _formulas(self) -> tuple[sp.Expr, ...]:
        return (self.expression,)

    @property
    def expression(self) -> sp.Expr:
        """The energy, symbolic in variables and parameters; all symbols are real."""
        return self._landscape.expression

    @property
    def gradient_expressions(self) -> tuple[sp.Expr, ...]:
        """The d first derivatives, symbolic in variables and parameters."""
        return self._landscape.gradient

    @cached_property
    def force_expressions(self) -> tuple[sp.Expr, ...]:
        """The d components of the force, minus the gradient: what a path follows without noise."""
        return tuple(-slope for slope in self.gradient_expressions)

    @cached_property
    def hessian_expressions(self) -> sp.ImmutableMatrix:
        """The d x d second derivatives, symbolic in variables and parameters."""
        entries = self._landscape.second_derivatives
        return sp.ImmutableMatrix(
            self.dim, self.dim, lambda i, j: entries.get((min(i, j), max(i, j)), sp.S.Zero)
        )

    def energy(self, x: ArrayLike) -> Floats:
        """Energy at points of shape (..., d); shape (...).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        return self._landscape.energy_at(self._columns(x), self._parameters.values())

    def gradient(self, x: ArrayLike) -> Floats:
        """Gradient at points of shape (..., d); shape (..., d).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        return self._landscape.gradient_at(self._columns(x), self._parameters.values())

    def hessian(self, x: ArrayLike) -> Floats:
        """Second derivatives at points of shape (..., d); shape (..., d, d).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        return self._landscape.hessian_at(self._columns(x), self._parameters.values())

    @property
    def separable(self) -> bool:
        """Whether the energy is a sum of functions of one variable each."""
        return self._landscape.coordinates is not None

    def coordinates(self) -> tuple[Potential, ...]:
        """The d one-dimensional potentials whose sum this is, all in one common variable.

        They carry only the parameters they use, so identical coordinates compare equal.

        Raises
        ------
        InputError
            If the potential is not separable.
        """
        parts = self._landscape.coordinates
        if parts is None:
            raise InputError(f"The variables of {self._name[:60]!r} are coupled: it has no coordinates.")
        if parts == (self._landscape,):
            return (self,)
        made: dict[object, Potential] = {}
        for part, interval in zip(parts, self._domain, strict=True):
            if (part, interval) not in made:
                name = str(part.expression)
                made[part, interval] = Potential._make(part, self._parameters, name, (interval,))
        return tuple(made[part, interval] for part, interval in zip(parts, self._domain, strict=True))

    def slope_in_numbers(self) -> sp.Expr:
        """First derivative by the first variable with exact numbers in place of the parameters."""
        values = {item: sp.Rational(repr(self._parameters[item.name])) for item in self._landscape.parameters}
        return self._landscape.slope.subs(values)

    @cached_property
    def _points(self) -> Separable | Search:
        return Separable(self.coordinates()) if self.separable else Search(self)

    def critical_points(self) -> tuple[CriticalPoint, ...]:
        """Every critical point: complete for separable polynomials, otherwise those found in `domain`.

        To these, one-dimensional searches add the rims of valleys that reach beyond the domain.

        Raises
        ------
        InputError
            If a separable potential has more than 4096.
        """
        return self._points.all()

    @property
    def listed_completely(self) -> bool:
        """Whether no critical point can be missing, because the energy is a separable polynomial."""
        return self.separable and all(is_listed_completely(part) for part in set(self.coordinates()))

    def minima(self) -> tuple[CriticalPoint, ...]:
        """Every (non-degenerate) minimum, lowest energy first.

        Raises
        ------
        InputError
            If a separable potential has more than 4096.
        """
        return self._points.minima()

    def deepest(self) -> CriticalPoint:
        """The lowest minimum.

        Raises
        ------
        InputError
            If there is none.
        """
        lowest = self._points.deepest()
        if lowest is None:
            raise InputError(
                f"The potential {self._name[:60]!r} has no non-degenerate minimum in "
                f"{domain_text(self._domain)}: give a wider domain, or state the point instead."
            )
        return lowest

    def saddles(self, around: CriticalPoint | ArrayLike) -> tuple[CriticalPoint, ...]:
        """The index-1 critical points on the rim of the valley of a minimum, lowest first.

        Each has exactly one negative eigenvalue, and one of the two ways down from it ends in that minimum.

        Raises
        ------
        InputError
            If `around` is not in the valley of a minimum.
        """
        return self.valley(around).saddles

    def valley(self, at: CriticalPoint | ArrayLike) -> Valley:
        """The valley that holds the point `at`: that of the minimum in which the way down from it ends.

        Raises
        ------
        InputError
            If the way down from `at` ends in no (non-degenerate) minimum, as on the rim between two valleys.
        """
        place = at.x if isinstance(at, CriticalPoint) else at
        self._columns(place)
        point = np.asarray(place, dtype=np.float64)
        valley = (
            self._points.valley(point) if point.shape == (self.dim,) and np.all(np.isfinite(point)) else None
        )
        if valley is None:
            raise InputError(
                f"The point {np.array2string(point, precision=6, threshold=8)} lies in no valley of "
                f"{self._name[:60]!r}: choose a point from which the way down ends in a minimum."
            )
        return valley

    def minimum_below(self, at: CriticalPoint | ArrayLike) -> CriticalPoint:
        """The minimum in which the way down from the point `at` ends: the bottom of its valley, whose rim is
        not looked for.

        Raises
        ------
        InputError
            As for `valley`.
        """
        place = at.x if isinstance(at, CriticalPoint) else at
        if isinstance(self._points, Search):
            self._columns(place)
            point = np.asarray(place, dtype=np.float64)
            bottom = self._points.bottom(point) if np.all(np.isfinite(point)) else None
            if bottom is not None:
                return bottom
        return self.valley(place).minimum

    def well_graph(self, start: CriticalPoint | ArrayLike | None = None, *, most: int = 256) -> WellGraph:
        """All minima with the saddles between them.

        Separable potentials compose them from their coordinates. Others are searched: up to 8 dimensions in
        the whole domain, in more from `start` on, by climbs out of each valley and the ways down on the far
        side.

        Parameters
        ----------
        start
            A point whose valley is to be among them.
        most
            How many minima a search follows at most.

        Raises
        ------
        InputError
            More minima than can be followed or listed, or a rim that is a kink or flat.
        """
        place = start.x if isinstance(start, CriticalPoint) else start
        if place is not None:
            self._columns(place)
            place = np.asarray(place, dtype=np.float64)
        return self._points.well_graph(place, most)

    def record(self) -> dict[str, Any]:
        """All that is needed to make this potential again, in JSON types."""
        return {"name": self._name, "formula": formula_text(self.expression), **self._common_record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Potential:
        """The potential that `record` came from.

        Raises
        ------
        InputError
            If the record is incomplete or not that of a potential.
        """
        if isinstance(record, Mapping) and "kind" in record:
            from potentials.sums import sum_from_record

            return sum_from_record(record)
        cls._check_record(record)
        return cls(
            record["formula"],
            variables=record["variables"],
            parameters=record["parameters"],
            name=record["name"],
            domain=record["domain"],
        )
