"""How a closed form becomes a prediction: numbers that broadcast, reasons against it element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simdyn.errors import InputError
from simdyn.results import Prediction

Array = np.ndarray

LARGEST_EXPONENT = 700.0
"""exp of more is beyond double precision."""


@dataclass(frozen=True)
class Reason:
    """A reason against a formula.

    Attributes
    ----------
    holds
        Where it applies; broadcasts against the sweep.
    text
        One clause, which may contain one format field for `number`, such as "{:.3g}".
    number
        What goes into the text; broadcasts against the sweep.
    """

    holds: Any
    text: str
    number: Any = 0.0

    def at(self, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
        """The clause for one point of a sweep of `shape`, or nothing."""
        if not np.broadcast_to(self.holds, shape)[index]:
            return ""
        return self.text.format(float(np.broadcast_to(self.number, shape)[index]))


def closed_form(
    value: Any,
    reasons: Sequence[Reason],
    *,
    name: str,
    unit: str,
    formula: str,
    assumptions: tuple[str, ...],
    source: str,
    favour: Reason,
    inner: int = 0,
) -> Prediction:
    """A prediction whose verdict has the shape of the sweep.

    Parameters
    ----------
    value
        The sweep's shape, followed by the `inner` axes of an answer that is a vector or a matrix.
    reasons
        Against the formula; where none holds it is valid.
    favour
        What is said where none holds.
    """
    array = np.asarray(value, dtype=float)
    shape = array.shape[: array.ndim - inner]
    valid = np.ones(shape, dtype=bool)
    why = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        against = [clause for clause in (reason.at(index, shape) for reason in reasons) if clause]
        text = "; ".join(against) or favour.at(index, shape)
        valid[index] = not against
        why[index] = text[0].upper() + text[1:] + "."
    scalar = shape == ()
    return Prediction(
        name=name,
        value=array if array.ndim else float(array),
        unit=unit,
        formula=formula,
        assumptions=assumptions,
        valid=bool(valid) if scalar else valid,
        why=str(why[()]) if scalar else why.astype(str),
        source=source,
    )


def numbers(name: str, value: Any, *, above: float = -np.inf, least: float = -np.inf) -> Array:
    """`value` as an array of finite numbers within bounds.

    Raises
    ------
    InputError
        Anything else; the message shows the first entry that is wrong.
    """
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}, but it must be a number or an array of numbers.") from None
    wrong = ~np.isfinite(array) | (array <= above) | (array < least)
    if wrong.any():
        need = "finite"
        if above > -np.inf:
            need += f" and greater than {above:g}"
        if least > -np.inf:
            need += f" and at least {least:g}"
        raise InputError(f"{name} contains {array[wrong].flat[0]:g}, but it must be {need}.")
    return array


def matrices(name: str, value: Any, *, symmetric: bool = False, least: float = -np.inf) -> Array:
    """`value` as square matrices, shape (..., d, d); a number stands for a 1 x 1 matrix.

    Parameters
    ----------
    symmetric
        Whether they have to be.
    least
        Smallest eigenvalue allowed, for symmetric ones.

    Raises
    ------
    InputError
        Anything else.
    """
    array = numbers(name, value)
    if array.ndim == 0:
        array = array[None, None]
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise InputError(f"{name} has shape {array.shape}, but it must be one or several square matrices.")
    size = max(1.0, float(np.abs(array).max()))
    if symmetric and not np.allclose(array, np.swapaxes(array, -1, -2), rtol=1e-10, atol=1e-12 * size):
        raise InputError(f"{name} is not symmetric, but it must be.")
    if least > -np.inf and float(np.linalg.eigvalsh(array).min()) < least - 1e-12 * size:
        raise InputError(
            f"{name} has the eigenvalue {float(np.linalg.eigvalsh(array).min()):g}, but the smallest allowed "
            f"is {least:g}."
        )
    return array


def same_size(**arrays: Array) -> tuple[Array, ...]:
    """Matrices broadcast against each other; InputError if they are of different dimensions."""
    sizes = {name: array.shape[-1] for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"The dimensions do not fit each other: {listed}.")
    return tuple(np.broadcast_arrays(*arrays.values()))


def broadcast(**arrays: Any) -> tuple[Array, ...]:
    """Arrays of one shape; InputError if they do not broadcast."""
    try:
        return tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        listed = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise InputError(f"The shapes of a sweep do not broadcast: {listed}.") from None


def exponential(exponent: Any) -> Array:
    """exp, infinite where it is beyond double precision."""
    exponent = np.asarray(exponent, dtype=float)
    return np.where(exponent > LARGEST_EXPONENT, np.inf, np.exp(np.minimum(exponent, LARGEST_EXPONENT)))


def too_large(exponent: Any) -> Reason:
    """Against a value that double precision cannot hold."""
    return Reason(
        np.asarray(exponent) > LARGEST_EXPONENT,
        "the exponent {:.4g} is beyond double precision, so the value is infinite",
        exponent,
    )


def positive(name: str, value: Any) -> tuple[Array, Reason]:
    """`value` where it is positive and NaN elsewhere, and the reason against the formula there.

    For what physics may take away: a barrier, a curvature. The formula then has no value.

    Raises
    ------
    InputError
        What is no array of finite numbers.
    """
    array = numbers(name, value)
    none = array <= 0
    said = name.replace("_", " of the ") if name.startswith("curvature") else name.replace("_", " ")
    return np.where(none, np.nan, array), Reason(none, f"the {said} is {{:.3g}} and not positive", array)


def noise_level(name: str, value: Any) -> tuple[Array, Reason]:
    """A noise that may be zero, where paths never leave and the time is infinite.

    Raises
    ------
    InputError
        What is no array of finite numbers, or a negative one.
    """
    array = numbers(name, value, least=0)
    return array, Reason(array == 0, f"the {name} vanishes, so that paths never leave")


def of_critical_points(
    below: Array, above: Array, *, saddles: bool = False
) -> tuple[Array, Array, list[Reason]]:
    """Eigenvalues (..., d) of the Hessians of a minimum and a saddle, NaN where they are none, and why not.

    With `saddles` those above have an axis of saddles, shape (..., s, d).
    """
    hollow = np.asarray((below <= 0).any(axis=-1))
    wrong = np.asarray(((above < 0).sum(axis=-1) != 1) | (above == 0).any(axis=-1))
    one = wrong.any(axis=-1) if saddles else wrong
    reasons = [
        Reason(
            hollow,
            "the Hessian of the minimum has the eigenvalue {:.3g}, so it is none, or degenerate",
            below.min(axis=-1),
        ),
        Reason(one, "the Hessian of a saddle has not exactly one negative eigenvalue and none of zero"),
    ]
    return np.where(hollow[..., None], np.nan, below), np.where(wrong[..., None], np.nan, above), reasons
