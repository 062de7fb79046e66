"""A drift field: where a path goes without noise when no energy makes it go there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.derivatives import differentiate
from potentials.errors import InputError
from potentials.fixed_points import FixedPoint, FlowSearch
from potentials.formula import parse_expression
from potentials.inputs import checked_domain, sorted_symbols
from potentials.landscape import matrix, vector
from potentials.language import from_sympy
from potentials.parametric import Parametric
from potentials.tape import Tape

__all__ = ["DriftField"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Drift:
    """A drift in symbols, shared by every field that differs in parameter values alone."""

    expressions: tuple[sp.Expr, ...]
    variables: tuple[sp.Symbol, ...]
    parameters: tuple[sp.Symbol, ...]

    @cached_property
    def derivatives(self) -> dict[tuple[int, int], sp.Expr]:
        """Entries (i, j) of the Jacobian, d b_i / d x_j, that do not vanish identically."""
        entries = {
            (i, j): differentiate(expression, variable)
            for i, expression in enumerate(self.expressions)
            for j, variable in enumerate(self.variables)
        }
        return {place: entry for place, entry in entries.items() if entry != 0}

    @cached_property
    def drift_function(self) -> Tape:
        """Inputs: variables, then parameters; d outputs."""
        return Tape((*self.variables, *self.parameters), self.expressions)

    @cached_property
    def jacobian_function(self) -> Tape:
        """Inputs: variables, then parameters; outputs in the order of `derivatives`."""
        return Tape((*self.variables, *self.parameters), tuple(self.derivatives.values()))


class DriftField(Parametric):
    """A drift b(x) of d variables that need not be minus a gradient, with named parameters; immutable.

    Parameters
    ----------
    drift
        One formula (see `potentials.formula`) or SymPy expression for each variable, in the order of the
        variables, such as ["x - x**3 - alpha*x*y**2", "-mu*(1 + x**2)*y"].
    variables
        Names or symbols, in order; by default every symbol that is no parameter, in natural order (x2
        before x10).
    parameters
        Value of each parameter. Values can be changed later without any recompilation.
    name
        How tables and figures call it; by default the formulas.
    domain
        Search box for the fixed points: (low, high), or one such pair for each variable; by default
        (-10, 10).

    Raises
    ------
    InputError
        If a formula cannot be read, there is not one for each variable, they are nowhere finite, or
        parameters or domain do not fit them.
    """

    _kind = "drift field"
    _function = "drift"
    _entries: ClassVar = {
        "name": str,
        "drift": list,
        "variables": list,
        "parameters": Mapping,
        "domain": list,
    }
    _landscape: _Drift

    def __init__(
        self,
        drift: Sequence[sp.Expr | str | float],
        *,
        variables: Iterable[str | sp.Symbol] | str | None = None,
        parameters: Mapping[str, float] | None = None,
        name: str | None = None,
        domain: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> None:
        if isinstance(drift, str) or not isinstance(drift, Sequence):
            raise InputError(f"The drift {drift!r} is no list of formulas: give one for each variable.")
        expressions = tuple(
            parse_expression(item) if isinstance(item, str) else from_sympy(item) for item in drift
        )
        chosen, named, values = sorted_symbols(expressions, variables, parameters)
        if len(expressions) != len(chosen) or not chosen:
            listed = ", ".join(item.name for item in chosen) or "none"
            raise InputError(
                f"The drift has {len(expressions)} formulas and {len(chosen)} variables ({listed}): give one "
                "formula for each variable, and the value of every parameter."
            )
        title = ", ".join(map(str, expressions)) if name is None else str(name)
        self._set(_Drift(expressions, chosen, named), values, title, checked_domain(domain, len(chosen)))

    def _value(self, x: Floats) -> Floats:
        return np.asarray(np.sum(self.drift(x), axis=-1), dtype=np.float64)

    @property
    def _formulas(self) -> tuple[sp.Expr, ...]:
        return self.drift_expressions

    @property
    def drift_expressions(self) -> tuple[sp.Expr, ...]:
        """The d components of the drift, symbolic in variables and parameters; all symbols are real."""
        return self._landscape.expressions

    @property
    def force_expressions(self) -> tuple[sp.Expr, ...]:
        """The drift, by the name it has in potentials too: what a path follows without noise."""
        return self._landscape.expressions

    @cached_property
    def jacobian_expressions(self) -> sp.ImmutableMatrix:
        """The d x d derivatives d b_i / d x_j, symbolic in variables and parameters."""
        entries = self._landscape.derivatives
        return sp.ImmutableMatrix(self.dim, self.dim, lambda i, j: entries.get((i, j), sp.S.Zero))

    def drift(self, x: ArrayLike) -> Floats:
        """Drift at points of shape (..., d); shape (..., d).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        columns = self._columns(x)
        return vector(self._landscape.drift_function(*columns, *self._parameters.values()), columns)

    def jacobian(self, x: ArrayLike) -> Floats:
        """Derivatives d b_i / d x_j at points of shape (..., d); shape (..., d, d).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        columns = self._columns(x)
        entries = self._landscape.jacobian_function(*columns, *self._parameters.values())
        return matrix(dict(zip(self._landscape.derivatives, entries, strict=True)), columns)

    @cached_property
    def _search(self) -> FlowSearch:
        return FlowSearch(self)

    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """The points without drift found in `domain`, attractors first."""
        return self._search.found

    def attractors(self) -> tuple[FixedPoint, ...]:
        """The fixed points to which every path nearby leads."""
        return tuple(point for point in self.fixed_points() if point.is_attractor)

    def attractor(self, at: FixedPoint | ArrayLike) -> FixedPoint:
        """The attractor in which the path without noise from the point `at` ends.

        Raises
        ------
        InputError
            If it ends in none, as on the border between two basins or when it runs off or goes round a cycle.
        """
        place = at.x if isinstance(at, FixedPoint) else at
        self._columns(place)
        point = np.asarray(place, dtype=np.float64)
        end = (
            self._search.attractor(point)
            if point.shape == (self.dim,) and np.all(np.isfinite(point))
            else None
        )
        if end is None:
            raise InputError(
                f"The point {np.array2string(point, precision=6, threshold=8)} lies in the basin of no fixed "
                f"point of {self._name[:60]!r}: choose a point from which the drift leads to an attractor."
            )
        return end

    def saddles(self, around: FixedPoint | ArrayLike) -> tuple[FixedPoint, ...]:
        """The index-1 fixed points on the border of the basin of an attractor.

        At each, exactly one eigenvalue of the Jacobian has a positive real part, and one of the two paths
        that leave it ends in that attractor.

        Raises
        ------
        InputError
            If the drift leads from `around` to no attractor.
        """
        return self._search.border(self.attractor(around))

    def record(self) -> dict[str, Any]:
        """All that is needed to make this drift field again, in JSON types."""
        return {
            "name": self._name,
            "drift": [str(expression) for expression in self.drift_expressions],
            **self._common_record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> DriftField:
        """The drift field that `record` came from.

        Raises
        ------
        InputError
            If the record is incomplete or not that of a drift field.
        """
        cls._check_record(record)
        return cls(
            record["drift"],
            variables=record["variables"],
            parameters=record["parameters"],
            name=record["name"],
            domain=record["domain"],
        )
