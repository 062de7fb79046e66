"""What potentials and drift fields share: variables, parameters with values, a name, a search box."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.errors import InputError
from potentials.inputs import Domain, columns_of, finite_parameter, probes, unknown_parameter

__all__ = ["Parametric"]

Floats = NDArray[np.float64]


class _Symbols(Protocol):
    """Formulas with their derivatives: all that does not depend on parameter values."""

    @property
    def variables(self) -> tuple[sp.Symbol, ...]: ...

    @property
    def parameters(self) -> tuple[sp.Symbol, ...]: ...


class Parametric(ABC):
    """A function of d variables whose parameters have values that can change; immutable."""

    _kind: ClassVar[str]
    """What error messages call it."""
    _function: ClassVar[str]
    """What error messages call its value at a point."""
    _entries: ClassVar[Mapping[str, type]]
    """Entries of a record, and their types."""

    _landscape: _Symbols
    _parameters: Mapping[str, float]
    _name: str
    _domain: Domain

    def _set(self, landscape: Any, values: Mapping[str, float], name: str, domain: Domain) -> None:
        self._landscape = landscape
        self._parameters = MappingProxyType({item.name: values[item.name] for item in landscape.parameters})
        self._name = name
        self._domain = domain
        if not np.any(np.isfinite(self._value(probes(domain)))):
            raise InputError(
                f"The {self._function} {self._name[:60]!r} is not a finite real number anywhere it was "
                "tried: change the formula, the parameters or the domain."
            )

    @classmethod
    def _make(cls, landscape: Any, values: Mapping[str, float], name: str, domain: Domain) -> Self:
        made = cls.__new__(cls)
        made._set(landscape, values, name, domain)
        return made

    @abstractmethod
    def _value(self, x: Floats) -> Floats:
        """One number at each point of `x`, shape (..., d), finite where the function is defined."""

    @property
    @abstractmethod
    def _formulas(self) -> tuple[sp.Expr, ...]:
        """The defining formulas."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """All that is needed to make this again, in JSON types."""

    @classmethod
    @abstractmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """What `record` came from."""

    @classmethod
    def _check_record(cls, record: object) -> None:
        if not isinstance(record, Mapping) or any(
            not isinstance(record.get(key), kind) for key, kind in cls._entries.items()
        ):
            raise InputError(
                f"The record is not that of a {cls._kind}: it needs the entries {', '.join(cls._entries)}."
            )

    def _common_record(self) -> dict[str, Any]:
        return {
            "variables": [item.name for item in self.variables],
            "parameters": dict(self._parameters),
            "domain": [list(interval) for interval in self._domain],
        }

    @property
    def name(self) -> str:
        """How tables and figures call it."""
        return self._name

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

    def _columns(self, x: ArrayLike) -> list[Floats]:
        return columns_of(x, self.dim, self._name)

    def with_parameters(self, **values: float) -> Self:
        """The same with some parameters changed; nothing is derived or compiled again.

        Raises
        ------
        InputError
            If a name is no parameter or a value is not finite.
        """
        for key in values:
            if key not in self._parameters:
                raise InputError(unknown_parameter(key, self._parameters, "the parameters are"))
        changed = {**self._parameters, **{key: finite_parameter(key, value) for key, value in values.items()}}
        return self._make(self._landscape, changed, self._name, self._domain)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_record, (self.record(),)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self._formulas, self.variables, tuple(self._parameters.items())

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={value:g}" for key, value in self._parameters.items())
        kind = type(self).__name__
        return f"{kind}({self._name!r}, dim={self.dim}" + (f", {values})" if values else ")")
