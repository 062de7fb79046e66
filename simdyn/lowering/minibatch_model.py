"""A mean over samples as numbers and formulas that kernels take: gradients of samples, or rows with
weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sympy

from potentials import FiniteSum, FunctionSpace, LinearisedNetwork, QuadraticSum, SampleMean
from potentials.derivatives import differentiate
from potentials.tape import Tape
from simdyn.errors import InputError

Array = np.ndarray

_NARROW = 4
"""Below so many coordinates a formula for lanes of paths is the faster one."""

PRODUCT = sympy.Symbol("_product", real=True)
"""The product of a row with the coordinates."""

COORDINATE = sympy.Symbol("_coordinate", real=True)
"""The coordinate that has the number of the row."""


@dataclass(frozen=True)
class PointwiseModel:
    """Gradient of one sample's loss as d formulas of coordinates, of numbers of the sample, and of
    parameters.

    Attributes
    ----------
    variables, columns
        Symbols of the coordinates and of a sample's numbers.
    gradient
        d formulas.
    data
        Numbers of the samples, shape (n, number of columns).
    values
        Parameter values.
    """

    variables: tuple[sympy.Symbol, ...]
    columns: tuple[sympy.Symbol, ...]
    gradient: tuple[sympy.Expr, ...]
    data: Array
    values: Mapping[str, float]


@dataclass(frozen=True)
class RowModel:
    """Gradient of one sample's loss as a weighted sum of rows.

    Attributes
    ----------
    rows
        Shape (n * per_sample, d).
    per_sample
        Rows of a sample.
    columns, data
        Symbols of a row's numbers and their values, shape (n * per_sample, number of columns).
    weight
        Weight of a row as a formula of `PRODUCT` or `COORDINATE`, of the row's numbers and of parameters.
        None: row k < d of a sample has the k-th coordinate as its weight and the last row -1, which is
        H x - b.
    values
        Parameter values.
    kicks
        d rows, shape (d, d), of which a kick is the sum, each with a normal as its weight; None: a kick is a
        normal for each coordinate.
    """

    rows: Array
    per_sample: int
    columns: tuple[sympy.Symbol, ...]
    data: Array
    weight: sympy.Expr | None
    values: Mapping[str, float]
    kicks: Array | None = None


Model = PointwiseModel | RowModel


def model_of(potential: SampleMean | FunctionSpace, *, kicked: bool = False) -> Model:
    """The form in which kernels take `potential`, with or without what kicks need.

    Raises
    ------
    InputError
        A mean over samples of another kind.
    """
    if isinstance(potential, FiniteSum):
        rows = _linear_rows(potential) if potential.dim >= _NARROW else None
        return rows if rows is not None else _formula(potential)
    if isinstance(potential, QuadraticSum):
        return _quadratics(potential)
    if isinstance(potential, LinearisedNetwork):
        return _network(potential)
    if isinstance(potential, FunctionSpace):
        return _outputs(potential, kicked)
    raise InputError(
        f"{potential.name[:60]!r} is a {type(potential).__name__}, which kernels do not know; use FiniteSum, "
        "QuadraticSum or LinearisedNetwork."
    )


def _formula(potential: FiniteSum) -> PointwiseModel:
    columns = tuple(sympy.Symbol(name, real=True) for name in potential.data)
    data = np.stack(list(potential.data.values()), axis=1)
    return PointwiseModel(potential.variables, columns, potential.loss_gradient, data, potential.parameters)


def _quadratics(potential: QuadraticSum) -> Model:
    n, dim = potential.size, potential.dim
    stacked = np.concatenate([potential.hessians, potential.pulls[:, None, :]], axis=1)
    if dim >= _NARROW:
        empty = np.empty((n * (dim + 1), 0))
        return RowModel(stacked.reshape(-1, dim), dim + 1, (), empty, None, {})
    names = [_numbers(f"_h{i}_", dim) for i in range(dim)]
    pulls = _numbers("_b", dim)
    x = potential.variables
    gradient = [
        sympy.Add(*(h * v for h, v in zip(row, x, strict=True)), -b)
        for row, b in zip(names, pulls, strict=True)
    ]
    columns = (*(h for row in names for h in row), *pulls)
    return PointwiseModel(x, columns, tuple(gradient), stacked.reshape(n, -1), {})


def _network(potential: LinearisedNetwork) -> Model:
    _, outputs, dim = potential.jacobian.shape
    if dim >= _NARROW or outputs > 1:
        (residual,) = columns = tuple(_numbers("_r", 1))
        rows, data = potential.jacobian.reshape(-1, dim), potential.residual.reshape(-1, 1)
        return RowModel(rows, outputs, columns, data, PRODUCT + residual, {})
    row, (residual,) = _numbers("_j", dim), _numbers("_r", 1)
    error = sympy.Add(residual, *(j * v for j, v in zip(row, potential.variables, strict=True)))
    data = np.concatenate([potential.jacobian[:, 0, :], potential.residual], axis=1)
    return PointwiseModel(potential.variables, (*row, residual), tuple(j * error for j in row), data, {})


def _outputs(potential: FunctionSpace, kicked: bool) -> RowModel:
    """Errors are moved by rows of the Gram matrix, each with the error itself as its weight."""
    kicks = None
    if kicked:
        values, vectors = potential.modes
        kicks = np.sqrt(values)[:, None] * vectors.T
    empty = np.empty((potential.dim, 0))
    return RowModel(potential.gram, potential.outputs, (), empty, COORDINATE, {}, kicks)


def _numbers(name: str, count: int) -> list[sympy.Symbol]:
    return [sympy.Symbol(f"{name}{k}", real=True) for k in range(count)]


def _linear_rows(potential: FiniteSum) -> RowModel | None:
    """The row form of a loss that depends on the coordinates through one linear form of them, or None."""
    x = potential.variables
    forms: dict[sympy.Symbol, sympy.Expr] = {}
    reduced = _without_linear_parts(potential.loss, x, forms)
    if reduced.free_symbols & set(x) or not forms:
        return None
    coefficients = [sympy.diff(next(iter(forms.values())), v) for v in x]
    if any(c == 0 for c in coefficients):
        return None
    for placeholder, form in forms.items():
        ratios = [sympy.cancel(sympy.diff(form, v) / c) for v, c in zip(x, coefficients, strict=True)]
        if any(first != second for first, second in pairwise(ratios)):
            return None
        offset = form.xreplace({v: sympy.Integer(0) for v in x})
        reduced = reduced.xreplace({placeholder: ratios[0] * PRODUCT + offset})
    parameters = tuple(sympy.Symbol(name, real=True) for name in potential.parameters)
    columns = tuple(sympy.Symbol(name, real=True) for name in potential.data)
    coefficients_of = Tape((*columns, *parameters), coefficients)
    values = coefficients_of(*potential.data.values(), *potential.parameters.values())
    rows = np.stack([np.broadcast_to(value, (potential.size,)) for value in values], axis=1)
    if not np.isfinite(rows).all():
        return None
    data = np.stack(list(potential.data.values()), axis=1)
    return RowModel(rows, 1, columns, data, differentiate(reduced, PRODUCT), potential.parameters)


def _without_linear_parts(
    e: sympy.Expr, x: tuple[sympy.Symbol, ...], forms: dict[sympy.Symbol, sympy.Expr]
) -> sympy.Expr:
    """`e` with its largest parts that are linear in the coordinates replaced by symbols, kept in `forms`."""

    def linear(part: sympy.Expr) -> bool:
        return not any(sympy.diff(part, v).free_symbols & set(x) for v in x if v in part.free_symbols)

    def placeholder(form: sympy.Expr) -> sympy.Symbol:
        symbol = sympy.Symbol(f"_form{len(forms)}", real=True)
        forms[symbol] = form
        return symbol

    if not e.free_symbols & set(x):
        return e
    if linear(e):
        return placeholder(e)
    if not e.is_Add:
        return e.func(*(_without_linear_parts(argument, x, forms) for argument in e.args))
    # The linear terms of a sum belong together, a*x + b*y in log(1 + exp(a*x + b*y)) + a*x + b*y.
    together = [term for term in e.args if term.free_symbols & set(x) and linear(term)]
    others = [_without_linear_parts(term, x, forms) for term in e.args if term not in together]
    return sympy.Add(*others, *([placeholder(sympy.Add(*together))] if together else []))
