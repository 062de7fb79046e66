"""What a potential accepts as its variables, parameters and domain."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.errors import InputError
from potentials.landscape import natural_order
from potentials.language import symbol

__all__ = [
    "Domain",
    "checked_domain",
    "chosen_variables",
    "columns_of",
    "domain_text",
    "finite_parameter",
    "probes",
    "sorted_symbols",
    "unknown_parameter",
]

Floats = NDArray[np.float64]
Domain = tuple[tuple[float, float], ...]

_DEFAULT_DOMAIN = (-10.0, 10.0)


def sorted_symbols(
    expressions: Iterable[sp.Expr],
    variables: Iterable[str | sp.Symbol] | str | None,
    parameters: Mapping[str, float] | None,
) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...], dict[str, float]]:
    """The symbols of formulas as variables and parameters, and the value of each parameter."""
    given = {} if parameters is None else {str(key): value for key, value in parameters.items()}
    symbols = {item.name: item for expression in expressions for item in expression.free_symbols}
    for key in given:
        if key not in symbols:
            raise InputError(unknown_parameter(key, symbols, "the formula contains"))
    chosen = chosen_variables(variables, symbols, given)
    values = {key: finite_parameter(key, value) for key, value in given.items()}
    return chosen, natural_order(symbols[key] for key in values), values


def chosen_variables(
    variables: Iterable[str | sp.Symbol] | str | None,
    symbols: Mapping[str, sp.Symbol],
    values: Mapping[str, object],
) -> tuple[sp.Symbol, ...]:
    """The variables in order, by default every symbol that is no parameter, naturally sorted."""
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


def unknown_parameter(key: str, known: Iterable[str], what: str) -> str:
    """The sentence that refuses a parameter and suggests the nearest known one."""
    names = sorted(known)
    close = difflib.get_close_matches(key, names, 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "none"
    return f"There is no parameter {key!r}{hint}: {what} {listed}."


def finite_parameter(key: str, value: object) -> float:
    """The value of a parameter as a finite float."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise InputError(f"The parameter {key}={value!r} is not a finite number: give one.")
    return number


def checked_domain(domain: object, dim: int) -> Domain:
    """One interval for each variable."""
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


def domain_text(domain: Domain) -> str:
    """The search box as a sentence shows it, equal intervals once."""
    return " x ".join(f"[{low:g}, {high:g}]" for low, high in list(dict.fromkeys(domain))[:3])


def probes(domain: Domain) -> Floats:
    """A few points of the domain, none of them special."""
    low, high = np.array(domain).T
    golden = np.array([0.5, *(np.arange(1, 16) * 0.6180339887498949 % 1.0)])
    shares = (golden[:, None] + 0.381966 * np.arange(low.size)) % 1.0
    return low + shares * (high - low)


def columns_of(x: ArrayLike, dim: int, name: str) -> list[Floats]:
    """The coordinates of points of shape (..., d) as d arrays."""
    try:
        array = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"Points must be an array of real numbers of shape (..., {dim}).") from None
    if array.ndim == 0 or array.shape[-1] != dim:
        raise InputError(
            f"Points of shape {array.shape} do not fit the {dim} variables of {name[:60]!r}: "
            f"the last dimension must be {dim}."
        )
    return [array[..., i] for i in range(dim)]
