"""Named landscapes. The first line of each function says why a researcher wants it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from potentials.catalogue.chains import coupled_chain
from potentials.catalogue.drifts import maier_stein
from potentials.catalogue.networks import bulk_and_outliers, rescaled_wells
from potentials.catalogue.separable import (
    cosine,
    double_well,
    quadratic,
    shifted_styblinski_tang,
    shifted_styblinski_tang_covariance,
    styblinski_tang,
    tilted_well,
)
from potentials.catalogue.sums import two_functions
from potentials.catalogue.valleys import curved_valley, muller_brown, winding_valley
from potentials.catalogue.wells import sharp_and_flat, three_wells, three_wells_ring
from potentials.drift_field import DriftField
from potentials.errors import InputError
from potentials.potential import Potential

__all__ = [
    "bulk_and_outliers",
    "cosine",
    "coupled_chain",
    "curved_valley",
    "describe",
    "double_well",
    "lookup",
    "maier_stein",
    "muller_brown",
    "names",
    "options",
    "quadratic",
    "rescaled_wells",
    "sharp_and_flat",
    "shifted_styblinski_tang",
    "shifted_styblinski_tang_covariance",
    "styblinski_tang",
    "three_wells",
    "three_wells_ring",
    "tilted_well",
    "two_functions",
    "winding_valley",
]

_CATALOGUE: dict[str, Callable[..., Potential | DriftField]] = {
    function.__name__: function
    for function in (
        double_well,
        tilted_well,
        sharp_and_flat,
        three_wells,
        three_wells_ring,
        styblinski_tang,
        shifted_styblinski_tang,
        muller_brown,
        curved_valley,
        winding_valley,
        rescaled_wells,
        bulk_and_outliers,
        coupled_chain,
        two_functions,
        quadratic,
        cosine,
        maier_stein,
    )
}


def names() -> tuple[str, ...]:
    """Names of all potentials and drift fields of the catalogue."""
    return tuple(_CATALOGUE)


def describe(name: str) -> str:
    """One line: why a researcher wants this landscape.

    Raises
    ------
    InputError
        If the catalogue has no such name.
    """
    return (inspect.getdoc(_entry(name)) or "").splitlines()[0]


def options(name: str) -> dict[str, Any]:
    """Name and default of each option of a landscape.

    Raises
    ------
    InputError
        If the catalogue has no such name.
    """
    return {key: option.default for key, option in inspect.signature(_entry(name)).parameters.items()}


def lookup(name: str, **options: Any) -> Potential | DriftField:
    """A landscape by name, with its options, e.g. lookup("styblinski_tang", dim=10, k=2).

    Raises
    ------
    InputError
        If the name, an option or a value is unknown or out of range; the nearest known one is suggested.
    """
    make = _entry(name)
    known = list(inspect.signature(make).parameters)
    for option in options:
        if option not in known:
            close = difflib.get_close_matches(option, known, 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            listed = ", ".join(known) if known else "none"
            raise InputError(
                f"The potential {name} has no option {option!r}{hint}: its options are {listed}."
            )
    return make(**options)


def _entry(name: str) -> Callable[..., Potential | DriftField]:
    if name not in _CATALOGUE:
        close = difflib.get_close_matches(str(name).lower(), _CATALOGUE, 1, cutoff=0.5)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise InputError(f"There is no potential {name!r}{hint}: the catalogue has {', '.join(_CATALOGUE)}.")
    return _CATALOGUE[name]
