"""A finite sum: one loss formula, one term for each sample of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from potentials.errors import InputError
from potentials.formula import parse_expression
from potentials.inputs import Domain, checked_domain, finite_parameter, unknown_parameter
from potentials.landscape import Landscape, natural_order
from potentials.language import from_sympy, symbol
from potentials.sample_mean import SHORT, SampleMean
from potentials.samples import checksum, columns_from, indices_of, missing_column

__all__ = ["FiniteSum"]

Floats = NDArray[np.float64]


class FiniteSum(SampleMean):
    """The mean of a per-sample loss over data, L(x) = (1/n) sum_i loss(x; sample i). Immutable.

    Parameters
    ----------
    loss
        Formula such as "(a*x - b)**2/2" (see `potentials.formula`) or SymPy expression of variables,
        parameters and data columns. abs, min and max have the derivative of the branch that is active, and
        where branches tie the mean of theirs.
    data
        Column name -> 1-D array, or the path of a CSV file with a header row or of an NPZ file. Columns that
        the loss does not use are left alone.
    variables
        Names or symbols, in order; by default every name of the loss that is neither a column nor a
        parameter, in natural order (w2 before w10).
    parameters
        Value of each parameter. Values can be changed later without any recompilation.
    name
        How tables and figures call it; by default the formula.
    domain
        Search box for critical points: (low, high), or one such pair for each variable; by default (-10, 10).

    Raises
    ------
    InputError
        A loss that cannot be read, a name in it that is nowhere defined or defined twice, or bad data.
    """

    def __init__(
        self,
        loss: sp.Expr | str,
        data: Mapping[str, Any] | str | Path,
        *,
        variables: Iterable[str | sp.Symbol] | str | None = None,
        parameters: Mapping[str, float] | None = None,
        name: str | None = None,
        domain: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> None:
        expression = parse_expression(loss) if isinstance(loss, str) else from_sympy(loss)
        used = {item.name for item in expression.free_symbols}
        columns, names = columns_from(data, used)
        values = {str(key): finite_parameter(str(key), value) for key, value in (parameters or {}).items()}
        if variables is None:
            free = (item for item in expression.free_symbols if item.name not in {*names, *values})
            chosen = natural_order(free)
        else:
            listed = variables.replace(",", " ").split() if isinstance(variables, str) else variables
            chosen = tuple(symbol(v.name if isinstance(v, sp.Symbol) else v) for v in listed)
        _check_names(expression, [v.name for v in chosen], list(values), list(names))
        ordered = natural_order(symbol(key) for key in values)
        self._source = str(Path(data).resolve()) if isinstance(data, str | Path) else None
        self._set_up(
            Landscape(expression, chosen, (*(symbol(c) for c in columns), *ordered)),
            columns,
            {item.name: values[item.name] for item in ordered},
            str(expression) if name is None else str(name),
            checked_domain(domain, len(chosen)),
        )

    def _set_up(
        self,
        losses: Landscape,
        columns: Mapping[str, Floats],
        values: Mapping[str, float],
        name: str,
        domain: Domain,
    ) -> None:
        self._losses = losses
        self._data = MappingProxyType(dict(columns))
        size = len(next(iter(columns.values())))
        self._describe(losses.variables, values, name, domain, size)

    def _copy(self, columns: Mapping[str, Floats], values: Mapping[str, float]) -> FiniteSum:
        copy = type(self).__new__(type(self))
        copy._source = self._source if columns is self._data else None
        copy._set_up(self._losses, columns, values, self._name, self._domain)
        return copy

    @property
    def loss(self) -> sp.Expr:
        """The loss of one sample, symbolic in variables, parameters and columns."""
        return self._losses.expression

    @property
    def loss_gradient(self) -> tuple[sp.Expr, ...]:
        """Its d first derivatives."""
        return self._losses.gradient

    @property
    def data(self) -> Mapping[str, Floats]:
        """The columns that the loss uses, read-only."""
        return self._data

    def with_parameters(self, **values: float) -> FiniteSum:
        """The same sum with some parameters changed; nothing is derived, read or compiled again."""
        for key in values:
            if key not in self._parameters:
                raise InputError(unknown_parameter(key, self._parameters, "the parameters are"))
        changed = {key: finite_parameter(key, value) for key, value in values.items()}
        return self._copy(self._data, {**self._parameters, **changed})

    def subset(self, samples: Any) -> FiniteSum:
        """The mean over some of the samples, given by their numbers or a mask."""
        chosen = indices_of(samples, self.size)
        columns = {key: column[chosen] for key, column in self._data.items()}
        for column in columns.values():
            column.flags.writeable = False
        return self._copy(columns, self._parameters)

    def _inputs(self, x: Floats, samples: slice) -> tuple[list[Floats], list[Any]]:
        """Points (m, d) as d arrays (m, k), and the values of columns, shape (k,), and parameters."""
        columns = [column[samples] for column in self._data.values()]
        shape = (len(x), len(columns[0]))
        points = [np.broadcast_to(x[:, i, None], shape) for i in range(self.dim)]
        return points, [*columns, *self._parameters.values()]

    def _energies(self, x: Floats, samples: slice) -> Floats:
        return self._losses.energy_at(*self._inputs(x, samples))

    def _gradients(self, x: Floats, samples: slice) -> Floats:
        return self._losses.gradient_at(*self._inputs(x, samples))

    def _hessians(self, x: Floats, samples: slice) -> Floats:
        return self._losses.hessian_at(*self._inputs(x, samples))

    def _sample_expressions(self) -> Iterable[sp.Expr]:
        names = [symbol(key) for key in self._data]
        for row in zip(*self._data.values(), strict=True):
            numbers = (sp.Rational(repr(float(value))) for value in row)
            yield self.loss.xreplace(dict(zip(names, numbers, strict=True)))

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the data that the loss uses."""
        return checksum(self._data.items())

    def record(self) -> dict[str, Any]:
        """What this sum is, in JSON types: the data by checksum, with the values of at most 64 samples, and
        the file that they were read from, if any."""
        data: dict[str, Any] = {"sha256": self.checksum, "size": self.size, "columns": list(self._data)}
        if self.size <= SHORT:
            data["values"] = {key: column.tolist() for key, column in self._data.items()}
        if self._source is not None:
            data["file"] = self._source
        return {
            "kind": "finite_sum",
            "name": self._name,
            "loss": str(self.loss),
            "variables": [item.name for item in self.variables],
            "parameters": dict(self._parameters),
            "domain": [list(interval) for interval in self._domain],
            "data": data,
        }

    @classmethod
    def from_record(
        cls, record: Mapping[str, Any], data: Mapping[str, Any] | str | Path | None = None
    ) -> FiniteSum:
        """The sum that `record` came from; its data come from `data`, the record itself, or its file.

        Raises
        ------
        InputError
            A record of something else, or data that are not those of the record.
        """
        kinds = {"loss": str, "variables": list, "parameters": Mapping, "data": Mapping, "name": str}
        if not isinstance(record, Mapping) or any(not isinstance(record.get(k), t) for k, t in kinds.items()):
            raise InputError(
                f"The record is not that of a finite sum: it needs the entries {', '.join(kinds)}."
            )
        described = record["data"]
        source = data if data is not None else described.get("values") or described.get("file")
        if source is None:
            raise InputError(
                f"The record of {record['name'][:60]!r} does not hold its {described.get('size')} samples: "
                "hand them over as data."
            )
        made = cls(
            record["loss"],
            source,
            variables=record["variables"],
            parameters=record["parameters"],
            name=record["name"],
            domain=record.get("domain"),
        )
        if made.checksum != described.get("sha256"):
            raise InputError(
                f"The data of {record['name'][:60]!r} are not those of the record: their SHA-256 is "
                f"{made.checksum[:12]}... instead of {str(described.get('sha256'))[:12]}...; look for the "
                "original."
            )
        made._source = described.get("file")
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.record(), dict(self._data))

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self._losses, tuple(self._parameters.items()), self.checksum


def _rebuilt(record: dict[str, Any], data: dict[str, Floats]) -> FiniteSum:
    return FiniteSum.from_record(record, data)


def _check_names(expression: sp.Expr, variables: list[str], values: list[str], columns: list[str]) -> None:
    """Every name of the loss defined once, every variable and parameter used, and some column, too."""
    for name in (*variables, *values):
        if [*variables, *values, *columns].count(name) > 1:
            raise InputError(
                f"The name {name!r} stands for two things: name each variable, parameter and column once."
            )
    used = {item.name for item in expression.free_symbols}
    for name in sorted(used - {*variables, *values, *columns}):
        raise missing_column(name, columns)
    if not variables:
        raise InputError(
            f"Every name in the loss {str(expression)[:60]!r} is a column or a parameter: use a name that is "
            "neither, such as w, for what is to be learned."
        )
    if not used & set(variables):
        raise InputError(
            f"The loss {str(expression)[:60]!r} contains none of the variables {', '.join(variables)}."
        )
    for name in values:
        if name not in used:
            raise InputError(unknown_parameter(name, used, "the loss contains"))
    if not used & set(columns):
        raise InputError(
            f"The loss {str(expression)[:60]!r} uses no column of the data "
            f"({', '.join(columns)}), so that all samples are alike: use one."
        )
