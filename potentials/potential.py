"""A potential: what is being descended, written once in SymPy, with NumPy functions and critical points."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.critical_points import CriticalPoint
from potentials.errors import InputError
from potentials.formula import from_sympy, parse_expression, symbol
from potentials.landscape import Landscape, natural_order
from potentials.search import Search
from potentials.separable import Separable
from potentials.valley import Valley

__all__ = ["Potential"]

Floats = NDArray[np.float64]
Domain = tuple[tuple[float, float], ...]

_DEFAULT_DOMAIN = (-10.0, 10.0)


class Potential:
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

    def __init__(
        self,
        energy: sp.Expr | str | float,
        *,
        variables: Iterable[str | sp.Symbol] | str | None = None,
        parameters: Mapping[str, float] | None = None,
        name: str | None = None,
        domain: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> None:
        expression = parse_expression(energy) if isinstance(energy, str) else from_sympy(sp.sympify(energy))
        values = {} if parameters is None else {str(key): value for key, value in parameters.items()}
        symbols = {item.name: item for item in expression.free_symbols}
        for key in values:
            if key not in symbols:
                raise InputError(_unknown_parameter(key, symbols, "the formula contains"))
        chosen = _chosen_variables(variables, symbols, values)
        if not any(item in expression.free_symbols for item in chosen):
            raise InputError(
                f"The formula {str(expression)[:60]!r} contains no variable: add one, such as x."
            )
        self._set(
            Landscape(expression, chosen, natural_order(symbols[key] for key in values)),
            {key: _finite(key, value) for key, value in values.items()},
            str(expression) if name is None else str(name),
            _domain(domain, len(chosen)),
        )

    def _set(self, landscape: Landscape, values: Mapping[str, float], name: str, domain: Domain) -> None:
        self._landscape = landscape
        self._parameters = MappingProxyType({item.name: values[item.name] for item in landscape.parameters})
        self._name = name
        self._domain = domain
        if not np.any(np.isfinite(self.energy(_probes(domain)))):
            raise InputError(
                f"The energy {self._name[:60]!r} is not a finite real number anywhere it was tried: "
                "change the formula, the parameters or the domain."
            )

    @classmethod
    def _make(cls, landscape: Landscape, values: Mapping[str, float], name: str, domain: Domain) -> Potential:
        potential = cls.__new__(cls)
        potential._set(landscape, values, name, domain)
        return potential

    @property
    def name(self) -> str:
        """How tables and figures call this potential."""
        return self._name

    @property
    def expression(self) -> sp.Expr:
        """The energy, symbolic in variables and parameters; all symbols are real."""
        return self._landscape.expression

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        """The d variables, in the order of the last dimension of every array of points."""
        return self._landscape.variables

    @property
    def parameters(self) -> Mapping[str, float]:
        """Name and value of each parameter, read-only."""
        return self._parameters

    @property
    def domain(self) -> Domain:
        """Search box, one (low, high) for each variable."""
        return self._domain

    @property
    def dim(self) -> int:
        """Number of variables d."""
        return len(self._landscape.variables)

    @property
    def gradient_expressions(self) -> tuple[sp.Expr, ...]:
        """The d first derivatives, symbolic in variables and parameters."""
        return self._landscape.gradient

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
        columns = self._columns(x)
        (value,) = self._landscape.energy_function(*columns, *self._parameters.values())
        return np.array(np.broadcast_to(value, columns[0].shape), dtype=np.float64)

    def gradient(self, x: ArrayLike) -> Floats:
        """Gradient at points of shape (..., d); shape (..., d).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        columns = self._columns(x)
        result = np.empty((*columns[0].shape, self.dim))
        for i, value in enumerate(self._landscape.gradient_function(*columns, *self._parameters.values())):
            result[..., i] = value
        return result

    def hessian(self, x: ArrayLike) -> Floats:
        """Second derivatives at points of shape (..., d); shape (..., d, d).

        Raises
        ------
        InputError
            If `x` is not numeric or its last dimension is not d.
        """
        columns = self._columns(x)
        result = np.zeros((*columns[0].shape, self.dim, self.dim))
        values = self._landscape.hessian_function(*columns, *self._parameters.values())
        for (i, j), value in zip(self._landscape.second_derivatives, values, strict=True):
            result[..., i, j] = value
            result[..., j, i] = value
        return result

    def _columns(self, x: ArrayLike) -> list[Floats]:
        try:
            array = np.asarray(x, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(f"Points must be an array of real numbers of shape (..., {self.dim}).") from None
        if array.ndim == 0 or array.shape[-1] != self.dim:
            raise InputError(
                f"Points of shape {array.shape} do not fit the {self.dim} variables of {self._name[:60]!r}: "
                f"the last dimension must be {self.dim}."
            )
        return [array[..., i] for i in range(self.dim)]

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
            raise InputError(
                f"The potential {self._name[:60]!r} is not separable: its variables are coupled."
            )
        if parts == (self._landscape,):
            return (self,)
        made: dict[object, Potential] = {}
        for part, interval in zip(parts, self._domain, strict=True):
            if (part, interval) not in made:
                made[part, interval] = Potential._make(
                    part, self._parameters, str(part.expression), (interval,)
                )
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

        Raises
        ------
        InputError
            If a separable potential has more than 4096.
        """
        return self._points.all()

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
                f"The potential {self._name[:60]!r} has no non-degenerate minimum in {self._domain_text()}: "
                "give a wider domain, or state the point instead."
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
        point = at.x if isinstance(at, CriticalPoint) else np.asarray(at, dtype=np.float64)
        self._columns(point)
        valley = (
            self._points.valley(point) if point.shape == (self.dim,) and np.all(np.isfinite(point)) else None
        )
        if valley is None:
            raise InputError(
                f"The point {np.array2string(point, precision=6, threshold=8)} lies in no valley of "
                f"{self._name[:60]!r}: choose a point from which the way down ends in a minimum."
            )
        return valley

    def with_parameters(self, **values: float) -> Potential:
        """The same potential with some parameters changed; nothing is derived or compiled again.

        Raises
        ------
        InputError
            If a name is no parameter of this potential or a value is not finite.
        """
        for key in values:
            if key not in self._parameters:
                raise InputError(_unknown_parameter(key, self._parameters, "the parameters are"))
        changed = {**self._parameters, **{key: _finite(key, value) for key, value in values.items()}}
        return Potential._make(self._landscape, changed, self._name, self._domain)

    def record(self) -> dict[str, Any]:
        """All that is needed to make this potential again, in JSON types."""
        return {
            "name": self._name,
            "formula": str(self.expression),
            "variables": [item.name for item in self.variables],
            "parameters": dict(self._parameters),
            "domain": [list(interval) for interval in self._domain],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Potential:
        """The potential that `record` came from.

        Raises
        ------
        InputError
            If the record is incomplete or not that of a potential.
        """
        keys = {"name", "formula", "variables", "parameters", "domain"}
        if (
            not isinstance(record, Mapping)
            or not keys <= set(record)
            or not isinstance(record["formula"], str)
        ):
            raise InputError(
                f"The record is not that of a potential: it needs the entries {', '.join(sorted(keys))}."
            )
        return cls(
            record["formula"],
            variables=record["variables"],
            parameters=record["parameters"],
            name=record["name"],
            domain=record["domain"],
        )

    def _domain_text(self) -> str:
        intervals = list(dict.fromkeys(self._domain))
        return " x ".join(f"[{low:g}, {high:g}]" for low, high in intervals[:3])

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self.expression, self.variables, tuple(self._parameters.items())

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, Potential) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={value:g}" for key, value in self._parameters.items())
        return f"Potential({self._name!r}, dim={self.dim}" + (f", {values})" if values else ")")


def _chosen_variables(
    variables: Iterable[str | sp.Symbol] | str | None,
    symbols: Mapping[str, sp.Symbol],
    values: Mapping[str, object],
) -> tuple[sp.Symbol, ...]:
    if variables is None:
        return natural_order(item for key, item in symbols.items() if key not in values)
    listed = variables.replace(",", " ").split() if isinstance(variables, str) else variables
    names = [item.name if isinstance(item, sp.Symbol) else item for item in listed]
    chosen = tuple(symbol(name) for name in names)
    for name in names:
        if names.count(name) > 1 or name in values:
            raise InputError(f"The variable {name!r} is named twice: name each variable and parameter once.")
    for key in symbols:
        if key not in names and key not in values:
            raise InputError(
                f"The formula contains {key!r}, which is no variable: give it as a parameter, {key}=VALUE."
            )
    return chosen


def _unknown_parameter(key: str, known: Iterable[str], what: str) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(key, names, 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "none"
    return f"There is no parameter {key!r}{hint}: {what} {listed}."


def _finite(key: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise InputError(f"The parameter {key}={value!r} is not a finite number: give one.")
    return number


def _domain(domain: object, dim: int) -> Domain:
    if domain is None:
        return (_DEFAULT_DOMAIN,) * dim
    try:
        array = np.asarray(domain, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape == (2,):
        array = np.tile(array, (dim, 1))
    if array.shape != (dim, 2) or not np.all(np.isfinite(array)) or not np.all(array[:, 0] < array[:, 1]):
        raise InputError(
            f"The domain {domain!r} is no search box: give (low, high), or one such pair per variable."
        )
    return tuple((float(low), float(high)) for low, high in array)


def _probes(domain: Domain) -> Floats:
    """A few points of the domain, none of them special."""
    low, high = np.array(domain).T
    golden = np.array([0.5, *(np.arange(1, 16) * 0.6180339887498949 % 1.0)])
    shares = (golden[:, None] + 0.381966 * np.arange(low.size)) % 1.0
    return low + shares * (high - low)
