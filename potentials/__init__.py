"""Landscapes: formulas read safely, their derivatives and their critical points.

Names are imported on first use, so that whoever needs only the errors does not wait for SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from potentials.catalogue import (
        bulk_and_outliers,
        cosine,
        coupled_chain,
        curved_valley,
        describe,
        double_well,
        lookup,
        maier_stein,
        muller_brown,
        names,
        options,
        quadratic,
        rescaled_wells,
        sharp_and_flat,
        shifted_styblinski_tang,
        shifted_styblinski_tang_covariance,
        styblinski_tang,
        three_wells,
        three_wells_ring,
        tilted_well,
        two_functions,
        winding_valley,
    )
    from potentials.critical_points import CriticalPoint
    from potentials.drift_field import DriftField
    from potentials.errors import InputError
    from potentials.finite_sum import FiniteSum
    from potentials.fixed_points import FixedPoint
    from potentials.formula import parse_condition, parse_expression, symbol
    from potentials.function_space import FunctionSpace
    from potentials.linearised_network import LinearisedNetwork
    from potentials.potential import Potential
    from potentials.quadratic_sum import QuadraticSum
    from potentials.sample_curvatures import SampleCurvatures, curvatures_at
    from potentials.sample_mean import SampleMean
    from potentials.valley import Valley
    from potentials.well_graph import Pass, WellGraph

_HOMES = {
    "CriticalPoint": "potentials.critical_points",
    "DriftField": "potentials.drift_field",
    "FixedPoint": "potentials.fixed_points",
    "FiniteSum": "potentials.finite_sum",
    "FunctionSpace": "potentials.function_space",
    "InputError": "potentials.errors",
    "LinearisedNetwork": "potentials.linearised_network",
    "Pass": "potentials.well_graph",
    "Potential": "potentials.potential",
    "QuadraticSum": "potentials.quadratic_sum",
    "SampleMean": "potentials.sample_mean",
    "Valley": "potentials.valley",
    "WellGraph": "potentials.well_graph",
    "bulk_and_outliers": "potentials.catalogue",
    "cosine": "potentials.catalogue",
    "curved_valley": "potentials.catalogue",
    "coupled_chain": "potentials.catalogue",
    "describe": "potentials.catalogue",
    "double_well": "potentials.catalogue",
    "lookup": "potentials.catalogue",
    "maier_stein": "potentials.catalogue",
    "muller_brown": "potentials.catalogue",
    "names": "potentials.catalogue",
    "options": "potentials.catalogue",
    "parse_condition": "potentials.formula",
    "parse_expression": "potentials.formula",
    "quadratic": "potentials.catalogue",
    "rescaled_wells": "potentials.catalogue",
    "SampleCurvatures": "potentials.sample_curvatures",
    "curvatures_at": "potentials.sample_curvatures",
    "sharp_and_flat": "potentials.catalogue",
    "shifted_styblinski_tang": "potentials.catalogue",
    "shifted_styblinski_tang_covariance": "potentials.catalogue",
    "styblinski_tang": "potentials.catalogue",
    "symbol": "potentials.formula",
    "three_wells": "potentials.catalogue",
    "three_wells_ring": "potentials.catalogue",
    "tilted_well": "potentials.catalogue",
    "winding_valley": "potentials.catalogue",
    "two_functions": "potentials.catalogue",
}

__all__ = [
    "CriticalPoint",
    "DriftField",
    "FixedPoint",
    "FiniteSum",
    "FunctionSpace",
    "InputError",
    "LinearisedNetwork",
    "Pass",
    "Potential",
    "QuadraticSum",
    "SampleCurvatures",
    "SampleMean",
    "Valley",
    "WellGraph",
    "bulk_and_outliers",
    "cosine",
    "curvatures_at",
    "curved_valley",
    "coupled_chain",
    "describe",
    "double_well",
    "lookup",
    "maier_stein",
    "muller_brown",
    "names",
    "options",
    "parse_condition",
    "parse_expression",
    "quadratic",
    "rescaled_wells",
    "sharp_and_flat",
    "shifted_styblinski_tang",
    "shifted_styblinski_tang_covariance",
    "styblinski_tang",
    "symbol",
    "three_wells",
    "three_wells_ring",
    "tilted_well",
    "winding_valley",
    "two_functions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'potentials' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
