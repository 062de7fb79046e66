"""Landscapes of many coordinates that are coupled to their neighbours."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from potentials.catalogue.checks import variable_names
from potentials.errors import InputError
from potentials.formula import symbol
from potentials.potential import Potential

__all__ = ["coupled_chain"]


def coupled_chain(dim: int = 2, kappa: float = 0.1, k: float = 1.0) -> Potential:
    """Does escape happen well by well or all at once? Double wells coupled to their neighbours by springs.

    The sum of k*x**2*(k*x**2 - 2)/4 over the coordinates, the double wells of `double_well`, and of
    k*kappa/2*(y - x)**2 over neighbours x and y.

    Parameters
    ----------
    dim
        Number of coordinates, at least 2.
    kappa
        Stiffness of the springs.
    k
        Curvature scale: the landscape is that of k = 1 at sqrt(k) times the point.
    """
    if dim == 1:
        raise InputError("The dimension dim=1 leaves nothing to couple: give at least 2.")
    scale, spring = symbol("k"), symbol("kappa")
    if isinstance(k, int | float) and not k > 0:
        raise InputError(
            f"The curvature scale k={k!r} of coupled_chain is not positive: give a number above 0."
        )
    variables = [symbol(name) for name in variable_names(dim)]
    wells = (scale**2 * x**4 / 4 - scale * x**2 / 2 for x in variables)
    springs = (scale * spring / 2 * (y - x) ** 2 for x, y in pairwise(variables))
    energy = sp.Add(*wells, *springs)
    parameters = {"kappa": kappa, "k": k}
    return Potential(energy, variables=variables, parameters=parameters, name="coupled_chain")
