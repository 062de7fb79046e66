"""Stochastic calculus: the drift that turns one convention into another."""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from simdyn.dynamics.covariance import is_diagonal
from simdyn.dynamics.update import Factor
from simdyn.errors import InputError

CONVENTIONS = {"ito": 0.0, "stratonovich": 0.5, "haenggi_klimontovich": 1.0}
"""Names, each with the place within a step at which its noise is taken."""


def added_drift(variables: Sequence[sympy.Symbol], root: Factor, convention: str) -> list[sympy.Expr]:
    """What the convention adds to the drift of the equivalent Ito equation; d expressions.

    With sigma = (2 D)^(1/2) = sqrt(2) root: nothing for Ito; 1/2 sigma_jk d_j sigma_ik for Stratonovich,
    which depends on the root of D that is meant; d_j D_ij for Haenggi-Klimontovich (Gardiner, Stochastic
    Methods). Half, respectively all, of D' in one dimension.

    Parameters
    ----------
    variables
        The d coordinates.
    root
        d rows of m expressions, a square root of D.
    convention
        One of `CONVENTIONS`.

    Raises
    ------
    InputError
        Noise that jumps, whose derivative would be that of another equation.
    """
    still = [sympy.Integer(0)] * len(variables)
    if convention == "ito" or not varies(variables, root):
        return still
    if is_diagonal(root):
        share = sympy.Rational(CONVENTIONS[convention])
        added = [share * sympy.diff(root[i][i] ** 2, v) for i, v in enumerate(variables)]
    elif convention == "stratonovich":
        columns = range(len(root[0]))
        added = [
            sympy.Add(*(root[j][k] * sympy.diff(row[k], v) for j, v in enumerate(variables) for k in columns))
            for row in root
        ]
    else:
        added = [
            sympy.Add(
                *(
                    sympy.diff(sympy.Add(*(a * b for a, b in zip(row, root[j], strict=True))), v)
                    for j, v in enumerate(variables)
                )
            )
            for row in root
        ]
    if any(entry.has(sympy.Piecewise) and is_diagonal(root) for row in root for entry in row) or any(
        entry.has(sympy.DiracDelta) for entry in added
    ):
        raise InputError(
            f"convention={convention!r} needs a diffusion without jumps, whose derivative is the added "
            'drift; smooth it, or use convention="ito".'
        )
    return added


def varies(variables: Sequence[sympy.Symbol], root: Factor) -> bool:
    """Whether the noise depends on the point."""
    known = set(variables)
    return any(sympy.sympify(entry).free_symbols & known for row in root for entry in row)
