"""Estimators measure, and only measure."""

from simdyn.estimators.basin_table import basin_table
from simdyn.estimators.direct import DirectMeasurement, Progress, measure_escape
from simdyn.estimators.flux import FluxMeasurement, measure_flux
from simdyn.estimators.hill import SplittingMeasurement, measure_by_splitting
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
    "Measurement",
    "Progress",
    "SplittingMeasurement",
    "StationaryMeasurement",
    "Wanted",
    "basin_table",
    "check_target",
    "measure_by_splitting",
    "measure_escape",
    "measure_stationary",
    "measure_flux",
]
