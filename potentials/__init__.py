"""Landscapes: formulas read safely, their derivatives and their critical points.

Names are imported on first use, so that whoever needs only the errors does not wait for SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from potentials.catalogue import (
        cosine,
        coupled_chain,
        describe,
        double_well,
        lookup,
        muller_brown,
        names,
        quadratic,
        shifted_styblinski_tang,
        shifted_styblinski_tang_covariance,
        styblinski_tang,
        tilted_well,
    )
    from potentials.critical_points import CriticalPoint
    from potentials.errors import InputError
    from potentials.formula import parse_condition, parse_expression, symbol
    from potentials.potential import Potential
    from potentials.valley import Valley

_HOMES = {
    "CriticalPoint": "potentials.critical_points",
    "InputError": "potentials.errors",
    "Potential": "potentials.potential",
    "Valley": "potentials.valley",
    "cosine": "potentials.catalogue",
    "coupled_chain": "potentials.catalogue",
    "describe": "potentials.catalogue",
    "double_well": "potentials.catalogue",
    "lookup": "potentials.catalogue",
    "muller_brown": "potentials.catalogue",
    "names": "potentials.catalogue",
    "parse_condition": "potentials.formula",
    "parse_expression": "potentials.formula",
    "quadratic": "potentials.catalogue",
    "shifted_styblinski_tang": "potentials.catalogue",
    "shifted_styblinski_tang_covariance": "potentials.catalogue",
    "styblinski_tang": "potentials.catalogue",
    "symbol": "potentials.formula",
    "tilted_well": "potentials.catalogue",
}

__all__ = [
    "CriticalPoint",
    "InputError",
    "Potential",
    "Valley",
    "cosine",
    "coupled_chain",
    "describe",
    "double_well",
    "lookup",
    "muller_brown",
    "names",
    "parse_condition",
    "parse_expression",
    "quadratic",
    "shifted_styblinski_tang",
    "shifted_styblinski_tang_covariance",
    "styblinski_tang",
    "symbol",
    "tilted_well",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'potentials' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
