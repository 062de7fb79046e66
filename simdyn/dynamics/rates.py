"""A learning rate of its own for each direction: a matrix, or a function of the curvature along it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from potentials import DriftField, Potential
from potentials.formula import parse_expression
from potentials.tape import Tape
from simdyn.dynamics.covariance import blocks_of, expression_of, is_entry
from simdyn.dynamics.update import Factor
from simdyn.errors import InputError

CURVATURE = sympy.Symbol("curvature", real=True)
"""What a formula calls the eigenvalue of the Hessian along an eigen-direction."""

_SMALLEST = sympy.Float(1e-30)


@dataclass(frozen=True)
class RateMatrix:
    """P in x' = x - P g, symmetric.

    Attributes
    ----------
    entries
        d rows of d expressions.
    values
        Run-time values of symbols in them.
    """

    entries: Factor
    values: Mapping[str, float]

    def times(self, rows: Factor) -> Factor:
        """P times d rows of expressions."""
        columns = range(len(rows[0]))
        return tuple(
            tuple(
                sympy.Add(*(p * row[j] for p, row in zip(line, rows, strict=True) if p != 0 and row[j] != 0))
                for j in columns
            )
            for line in self.entries
        )


def is_directional(given: Any) -> bool:
    """Whether a learning rate is a matrix, a list, or a formula of the curvature."""
    if isinstance(given, str):
        return re.search(r"\bcurvature\b", given) is not None
    if isinstance(given, sympy.Expr):
        return CURVATURE.name in {symbol.name for symbol in given.free_symbols}
    return isinstance(given, list | tuple) or getattr(given, "ndim", 0) > 0


def has_directions(dynamics: Any) -> bool:
    """Whether a dynamics, or the rule that an SDE is the limit of, has learning rates by direction."""
    rule = getattr(dynamics, "diffusion", dynamics)
    return is_directional(getattr(rule, "learning_rate", None))


def refuse_directions(dynamics: Any, what: str) -> None:
    """Refuse learning rates by direction for what is about one learning rate.

    Raises
    ------
    InputError
        Naming `what`.
    """
    if has_directions(dynamics):
        raise InputError(
            f"{what} one learning rate for all directions, but it is given by direction; give a number."
        )


def check_directions(given: Any) -> None:
    """Refuse numbers that are no symmetric positive definite matrix, before there is a potential.

    Raises
    ------
    InputError
        Such numbers.
    """
    if isinstance(given, str | sympy.Expr):
        return
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        return
    if array.ndim == 1 and array.size:
        array = np.diag(array)
    square = array.ndim == 2 and array.shape[0] == array.shape[1] > 0 and bool(np.isfinite(array).all())
    if not square or not np.allclose(array, array.T, rtol=1e-12, atol=0):
        raise InputError(
            f"learning_rate is {given!r}, but by direction it must be a list of d numbers or formulas, or a "
            "symmetric d x d matrix of them."
        )
    lowest = float(np.linalg.eigvalsh(array)[0])
    if lowest <= 0:
        raise InputError(
            f"learning_rate is {given!r} with the lowest eigenvalue {lowest:.6g}, but it must be positive in "
            "every direction."
        )


def rate_matrix(given: Any, potential: Potential | DriftField) -> RateMatrix:
    """The matrix that a learning rate by direction is on a landscape.

    Parameters
    ----------
    given
        d numbers or formulas of the variables, one a coordinate; a symmetric d x d matrix of them; or a
        formula of `curvature`, which gives the rate along each eigenvector of the Hessian at x from its
        eigenvalue there.
    potential
        The landscape.

    Raises
    ------
    InputError
        A wrong shape, an unknown name, or eigen-directions that have no closed form: those of three or more
        coupled coordinates whose Hessian changes from point to point.
    """
    if isinstance(given, str | sympy.Expr):
        return _of_curvature(given, potential)
    entries = [row if is_entry(row) or not np.iterable(row) else list(row) for row in given]
    dim = potential.dim
    if len(entries) == dim and all(is_entry(entry) for entry in entries):
        entries = [[entry if i == j else 0 for j in range(dim)] for i, entry in enumerate(entries)]
    if len(entries) != dim or any(not isinstance(row, list) or len(row) != dim for row in entries):
        raise InputError(
            f"learning_rate has the wrong shape for {dim} coordinates: give a number, {dim} of them, or a "
            f"{dim} x {dim} matrix."
        )
    rows = [[expression_of(entry, potential, "learning_rate") for entry in row] for row in entries]
    for i in range(dim):
        for j in range(i):
            if rows[i][j] != rows[j][i] and sympy.simplify(rows[i][j] - rows[j][i]) != 0:
                raise InputError(
                    f"learning_rate is not symmetric: {rows[i][j]} against {rows[j][i]}; give a symmetric "
                    "matrix."
                )
    return _with_symbols(rows)


def rates_at(given: Any, potential: Potential | DriftField, x: np.ndarray) -> np.ndarray:
    """P at points x of shape (..., d); shape (..., d, d)."""
    matrix = rate_matrix(given, potential)
    dim = potential.dim
    values = {**potential.parameters, **matrix.values}
    tape = Tape([*potential.variables, *map(_symbol, values)], [e for row in matrix.entries for e in row])
    x = np.asarray(x, dtype=float)
    found = tape(*(x[..., i] for i in range(dim)), *values.values())
    flat = [np.broadcast_to(np.asarray(one, dtype=float), x.shape[:-1]) for one in found]
    return np.stack(flat, axis=-1).reshape(*x.shape[:-1], dim, dim)


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def _with_symbols(rows: list[list[sympy.Expr]]) -> RateMatrix:
    """Numbers become run-time values, so that another matrix needs no other kernel."""
    values: dict[str, float] = {}
    entries = []
    for i, row in enumerate(rows):
        line = []
        for j, entry in enumerate(row):
            if entry.is_number and entry != 0:
                name = f"_rate{min(i, j)}_{max(i, j)}"
                values[name] = float(entry)
                entry = _symbol(name)
            line.append(entry)
        entries.append(tuple(line))
    return RateMatrix(tuple(entries), values)


def _of_curvature(given: str | sympy.Expr, potential: Potential | DriftField) -> RateMatrix:
    """f(H), block by block of coupled coordinates."""
    if not isinstance(potential, Potential):
        raise InputError(
            f"learning_rate={given} is about the curvature of an energy, which the drift field "
            f"{potential.name!r} does not have; give a matrix."
        )
    formula = parse_expression(given) if isinstance(given, str) else given
    formula = formula.xreplace({s: CURVATURE for s in formula.free_symbols if s.name == CURVATURE.name})
    unknown = sorted(
        s.name for s in formula.free_symbols if s != CURVATURE and s.name not in potential.parameters
    )
    if unknown:
        raise InputError(
            f"learning_rate={given} uses {', '.join(unknown)}; beside curvature it may use the parameters of "
            "the potential."
        )

    def rate(eigenvalue: sympy.Expr) -> sympy.Expr:
        return formula.xreplace({CURVATURE: eigenvalue})

    hessian = potential.hessian_expressions
    rows: list[list[sympy.Expr]] = [[sympy.S.Zero] * potential.dim for _ in range(potential.dim)]
    for block in blocks_of(hessian):
        own = [[hessian[i, j] for j in block] for i in block]
        changes = any(e.free_symbols & set(potential.variables) for row in own for e in row)
        if len(block) == 1:
            made = [[rate(own[0][0])]]
        elif not changes:
            made = _of_numbers(formula, potential, block)
        elif len(block) == 2:
            made = _of_pair(own, rate)
        else:
            raise InputError(
                f"learning_rate={given} needs the eigen-directions of {len(block)} coupled coordinates at "
                "each point, and has them for two at most where the curvature changes; give a matrix."
            )
        for i, row in zip(block, made, strict=True):
            for j, entry in zip(block, row, strict=True):
                rows[i][j] = entry
    return _with_symbols(rows)


def _of_pair(matrix: list[list[sympy.Expr]], rate: Any) -> list[list[sympy.Expr]]:
    """f(M) = f_mean I + f_slope (M - trace/2 I) of a symmetric 2 x 2 matrix."""
    (first, corner), (_, last) = matrix
    mean, half_gap = (first + last) / 2, (first - last) / 2
    radius = sympy.sqrt(half_gap**2 + corner**2)
    upper, lower = rate(mean + radius), rate(mean - radius)
    # Where the eigenvalues meet the slope multiplies a zero matrix: any finite value will do.
    slope = (upper - lower) / sympy.Max(2 * radius, _SMALLEST)
    middle, across = (upper + lower) / 2, slope * corner
    return [[middle + slope * half_gap, across], [across, middle - slope * half_gap]]


def _of_numbers(formula: sympy.Expr, potential: Potential, block: Any) -> list[list[sympy.Expr]]:
    """f of a Hessian that is the same everywhere."""
    hessian = potential.hessian(np.zeros(potential.dim))[np.ix_(block, block)]
    curvature, vectors = np.linalg.eigh(hessian)
    known = {s: potential.parameters[s.name] for s in formula.free_symbols if s != CURVATURE}
    (rates,) = Tape([CURVATURE], [formula.subs(known)])(curvature)
    matrix = vectors @ np.diag(np.broadcast_to(rates, curvature.shape)) @ vectors.T
    return [[sympy.Float(float(entry)) for entry in row] for row in 0.5 * (matrix + matrix.T)]
