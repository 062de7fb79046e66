"""Estimators measure, and only measure."""

from simdyn.estimators.automatic_score import automatic_score
from simdyn.estimators.basin_table import basin_table
from simdyn.estimators.direct import DirectMeasurement, Progress, measure_escape
from simdyn.estimators.flux import FluxMeasurement, measure_flux
from simdyn.estimators.hill import SplittingMeasurement, measure_by_splitting
from simdyn.estimators.linear_growth import LinearGrowth, measure_growth
from simdyn.estimators.measurement import Measurement
from simdyn.estimators.stationary import (
    FEWEST_PATHS,
    StationaryMeasurement,
    Wanted,
    check_target,
    measure_stationary,
)

__all__ = [
    "FEWEST_PATHS",
    "DirectMeasurement",
    "FluxMeasurement",
    "LinearGrowth",
    "Measurement",
    "Progress",
    "SplittingMeasurement",
    "automatic_score",
    "StationaryMeasurement",
    "Wanted",
    "basin_table",
    "check_target",
    "measure_by_splitting",
    "measure_escape",
    "measure_stationary",
    "measure_flux",
    "measure_growth",
]
