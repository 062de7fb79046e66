"""Estimators measure, and only measure."""

from simdyn.estimators.direct import DirectMeasurement, Progress, measure_escape
from simdyn.estimators.flux import FluxMeasurement, measure_flux
from simdyn.estimators.hill import SplittingMeasurement, measure_by_splitting
from simdyn.estimators.measurement import Measurement

__all__ = [
    "DirectMeasurement",
    "FluxMeasurement",
    "Measurement",
    "Progress",
    "SplittingMeasurement",
    "measure_by_splitting",
    "measure_escape",
    "measure_flux",
]
