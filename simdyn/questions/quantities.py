"""What histograms count: formulas of the coordinates, and bins as a person says them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np
import sympy

from potentials import DriftField, FunctionSpace, Potential, parse_expression
from potentials.tape import Tape
from simdyn.errors import InputError
from simdyn.recorders import Quantity

Bins = int | tuple[float, float, int]

MOST_BINS = 10_000
DEFAULT_BINS = 100


def quantities_of(
    of: str | Sequence[str] | None, bins: Bins | None, potential: Potential | DriftField | FunctionSpace
) -> list[Quantity]:
    """The quantities of a histogram recorder.

    Parameters
    ----------
    of
        One formula or several; None for each coordinate.
    bins
        Their number, or (low, high, number); None for `DEFAULT_BINS`.
    potential
        Whose variables and parameters the formulas may use.

    Raises
    ------
    InputError
        A formula that cannot be read, names something else or does not vary; bins that are none.
    """
    low, high, number = _bins(DEFAULT_BINS if bins is None else bins)
    formulas = [v.name for v in potential.variables] if of is None else [of] if isinstance(of, str) else of
    if not formulas:
        raise InputError('of is empty, but it must name what to count, such as "x" or "x**2".')
    if len(set(formulas)) < len(formulas):
        raise InputError(f"of names the same formula twice ({', '.join(formulas)}); name each once.")
    quantities = []
    for text in formulas:
        expression = _expression(text, potential)
        place = potential.variables.index(expression) if expression in potential.variables else None
        function = _function(expression, potential)
        quantities.append(Quantity(text, function, number, low, high, place))
    return quantities


def _expression(text: str, potential: Potential | DriftField | FunctionSpace) -> sympy.Expr:
    expression = parse_expression(text, [*(v.name for v in potential.variables), *potential.parameters])
    if not expression.free_symbols & set(potential.variables):
        names = ", ".join(v.name for v in potential.variables)
        raise InputError(f"of={text!r} does not vary along a path; use the coordinates {names}.")
    return expression


def _function(
    expression: sympy.Expr, potential: Potential | DriftField | FunctionSpace
) -> Callable[[np.ndarray], np.ndarray]:
    values = {
        s: potential.parameters[s.name] for s in expression.free_symbols if s.name in potential.parameters
    }
    tape = Tape(potential.variables, [expression.subs(values)])

    def evaluate(x: np.ndarray) -> np.ndarray:
        return np.asarray(tape(*x)[0], dtype=np.float64)

    return evaluate


def _bins(bins: Bins) -> tuple[float | None, float | None, int]:
    if isinstance(bins, int | np.integer):
        low, high, number = None, None, bins
    else:
        try:
            low, high, number = bins
        except (TypeError, ValueError):
            raise InputError(
                f"bins is {bins!r}, but it must be their number, or (low, high, number)."
            ) from None
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 2 <= number <= MOST_BINS:
        raise InputError(
            f"The number of bins is {number!r}, but it must be a whole number from 2 to {MOST_BINS:,}."
        )
    if low is None or high is None:
        return None, None, int(number)
    if not all(isinstance(end, Real) and np.isfinite(float(end)) for end in (low, high)) or not low < high:
        raise InputError(
            f"bins go from {low!r} to {high!r}, but they must go from a number to a greater one."
        )
    if (high - low) / number <= 4 * np.spacing(max(abs(low), abs(high))):
        raise InputError(f"bins from {low!r} to {high!r} are too narrow to tell numbers apart; take fewer.")
    return float(low), float(high), int(number)
