"""A rule whose steps are taken in portions of their noise, so that one may look into a leap."""

from __future__ import annotations

import sympy

from simdyn.dynamics.minibatch import MinibatchUpdate
from simdyn.dynamics.update import Update
from simdyn.errors import InputError

PLACE = sympy.Symbol("_portion", real=True, nonnegative=True)
"""How many portions of the present step have been drawn."""

COUNT = sympy.Symbol("_portions", positive=True)
"""How many portions a step has."""

FIRST = sympy.StrictLessThan(PLACE, sympy.Rational(1, 2))
"""Whether nothing has been drawn yet."""


def reached(variable: sympy.Symbol) -> sympy.Symbol:
    """Where a coordinate would end up in this step if the portions to come were zero; before the first one
    it has no meaning."""
    return sympy.Symbol(f"_reached_{variable.name}", real=True)


def in_portions(update: Update | MinibatchUpdate, count: int) -> Update | MinibatchUpdate:
    """The same chain, `count` steps for one: the Gaussian kick of a step is a sum of independent parts.

    In one portion it is the chain as it was.

    The coordinates stand still until the last portion, so that an exit is looked at where it was; what has
    come together meanwhile is memory, and is known to whoever watches the path.

    Raises
    ------
    InputError
        A rule that is no Gaussian chain.
    """
    if count == 1:
        return update
    if not isinstance(update, Update) or not update.gaussian:
        raise InputError("Only a step with Gaussian noise and no memory can be taken in portions.")
    last = sympy.StrictGreaterThan(PLACE, COUNT - sympy.Rational(3, 2))
    drift, meanwhile = [], []
    for variable, increment in zip(update.variables, update.drift, strict=True):
        mean = sympy.Piecewise((variable + increment, FIRST), (reached(variable), True))
        meanwhile.append(mean)
        drift.append(sympy.Piecewise((mean - variable, last), (sympy.S.Zero, True)))
    share = tuple(tuple(entry / sympy.sqrt(COUNT) for entry in row) for row in update.factor)
    arriving = tuple(
        tuple(
            sympy.S.Zero if entry == 0 else sympy.Piecewise((entry, last), (sympy.S.Zero, True))
            for entry in row
        )
        for row in share
    )
    none = (sympy.S.Zero,) * update.noise_dim
    return Update(
        (*update.variables, *map(reached, update.variables), PLACE),
        (*drift, *meanwhile, sympy.Piecewise((sympy.S.Zero, last), (PLACE + 1, True))),
        (*arriving, *share, none),
        {**update.values, COUNT.name: float(count)},
        update.unit,
        update.step / count,
        memory=update.dim + 1,
        memory_start=(*update.variables, sympy.S.Zero),
        roots=update.roots,
    )
