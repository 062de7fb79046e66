"""Expressions up to the names of their variables: what was found for one serves all that are like it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable

import sympy as sp

__all__ = ["UpToNames", "structure"]


def structure(
    expression: sp.Basic, variables: Collection[sp.Symbol]
) -> tuple[Hashable, tuple[sp.Symbol, ...]]:
    """A key that two expressions share if renaming variables makes one of the other, and the variables in it.

    Variables are numbered by name, and so is the second item ordered, because SymPy orders terms by name:
    expressions with one key have their terms in the same order, too.
    """
    used = sorted((s for s in expression.free_symbols if s in variables), key=lambda s: s.name)
    return _key(expression, {symbol: (place,) for place, symbol in enumerate(used)}), tuple(used)


def _key(expression: sp.Basic, places: dict[sp.Symbol, tuple[int]]) -> Hashable:
    if expression in places:
        return places[expression]
    if not expression.args:
        return expression
    return (expression.func, *(_key(argument, places) for argument in expression.args))


class UpToNames:
    """A function of an expression and one of its variables, computed once for each structure.

    Parameters
    ----------
    function
        Its result must not depend on the names of variables, but for their order.
    variables
        The names that do not matter.
    """

    def __init__(
        self, function: Callable[[sp.Expr, sp.Symbol], sp.Expr], variables: Collection[sp.Symbol]
    ) -> None:
        self._function = function
        self._variables = variables
        self._known: dict[Hashable, tuple[sp.Expr, tuple[sp.Symbol, ...]]] = {}

    def __call__(self, expression: sp.Expr, variable: sp.Symbol) -> sp.Expr:
        """The function's value."""
        key, names = structure(expression, self._variables)
        if variable not in names:
            return self._function(expression, variable)
        full = key, names.index(variable)
        if full not in self._known:
            self._known[full] = self._function(expression, variable), names
        result, first = self._known[full]
        return result if names == first else result.xreplace(dict(zip(first, names, strict=True)))
