"""Estimators measure, and only measure."""

from simdyn.estimators.direct import DirectMeasurement, Progress, measure_escape

__all__ = ["DirectMeasurement", "Progress", "measure_escape"]
