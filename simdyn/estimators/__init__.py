"""Estimators measure, and only measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.estimators.automatic_score import automatic_score
    from simdyn.estimators.basin_table import basin_table
    from simdyn.estimators.direct import (
        DirectMeasurement,
        Progress,
        check_target,
        checked_budget,
        measure_escape,
    )
    from simdyn.estimators.flux import FluxMeasurement, measure_flux
    from simdyn.estimators.hill import SplittingMeasurement, measure_by_splitting, why_not_split
    from simdyn.estimators.linear_growth import LinearGrowth, measure_growth
    from simdyn.estimators.look_spacing import LookSpacing
    from simdyn.estimators.measurement import Measurement
    from simdyn.estimators.pilot import Pilot, run_pilot
    from simdyn.estimators.stationary import FEWEST_PATHS, measure_stationary
    from simdyn.estimators.stationary_measurement import StationaryMeasurement, Wanted

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.estimators.automatic_score": ["automatic_score"],
        "simdyn.estimators.basin_table": ["basin_table"],
        "simdyn.estimators.direct": [
            "DirectMeasurement",
            "Progress",
            "check_target",
            "checked_budget",
            "measure_escape",
        ],
        "simdyn.estimators.flux": ["FluxMeasurement", "measure_flux"],
        "simdyn.estimators.hill": ["SplittingMeasurement", "measure_by_splitting", "why_not_split"],
        "simdyn.estimators.linear_growth": ["LinearGrowth", "measure_growth"],
        "simdyn.estimators.look_spacing": ["LookSpacing"],
        "simdyn.estimators.measurement": ["Measurement"],
        "simdyn.estimators.pilot": ["Pilot", "run_pilot"],
        "simdyn.estimators.stationary": ["FEWEST_PATHS", "measure_stationary"],
        "simdyn.estimators.stationary_measurement": ["StationaryMeasurement", "Wanted"],
    },
)

__all__ = [
    "FEWEST_PATHS",
    "DirectMeasurement",
    "FluxMeasurement",
    "LinearGrowth",
    "LookSpacing",
    "Measurement",
    "Pilot",
    "Progress",
    "SplittingMeasurement",
    "automatic_score",
    "StationaryMeasurement",
    "Wanted",
    "basin_table",
    "check_target",
    "checked_budget",
    "measure_by_splitting",
    "measure_escape",
    "measure_stationary",
    "measure_flux",
    "measure_growth",
    "run_pilot",
    "why_not_split",
]
