"""Landscapes: formulas read safely, their derivatives and their critical points."""

from potentials.catalogue import (
    cosine,
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

__all__ = [
    "CriticalPoint",
    "InputError",
    "Potential",
    "Valley",
    "cosine",
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
