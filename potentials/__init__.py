"""Landscapes: formulas read safely, their derivatives and their critical points.

Names are imported on first use, so that whoever needs only the errors does not wait for SymPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

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
    from potentials.smoothing import EffectiveEnergy, smoothed
    from potentials.valley import Valley
    from potentials.well_graph import Pass, WellGraph

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "potentials.catalogue": [
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
        ],
        "potentials.critical_points": ["CriticalPoint"],
        "potentials.drift_field": ["DriftField"],
        "potentials.errors": ["InputError"],
        "potentials.finite_sum": ["FiniteSum"],
        "potentials.fixed_points": ["FixedPoint"],
        "potentials.formula": ["parse_condition", "parse_expression", "symbol"],
        "potentials.function_space": ["FunctionSpace"],
        "potentials.linearised_network": ["LinearisedNetwork"],
        "potentials.potential": ["Potential"],
        "potentials.quadratic_sum": ["QuadraticSum"],
        "potentials.sample_curvatures": ["SampleCurvatures", "curvatures_at"],
        "potentials.sample_mean": ["SampleMean"],
        "potentials.smoothing": ["EffectiveEnergy", "smoothed"],
        "potentials.valley": ["Valley"],
        "potentials.well_graph": ["Pass", "WellGraph"],
    },
)

__all__ = [
    "CriticalPoint",
    "DriftField",
    "EffectiveEnergy",
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
    "smoothed",
    "styblinski_tang",
    "symbol",
    "three_wells",
    "three_wells_ring",
    "tilted_well",
    "winding_valley",
    "two_functions",
]
