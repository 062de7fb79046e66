"""Questions put to a landscape and a dynamics: measure, attach predictions and reference, plot."""

from simdyn.questions.escape import EscapeEstimate, escape_time
from simdyn.questions.landscape_survey import Survey, survey
from simdyn.questions.simulation import simulate
from simdyn.questions.stationary_law import StationaryEstimate, stationary

__all__ = [
    "EscapeEstimate",
    "StationaryEstimate",
    "Survey",
    "escape_time",
    "simulate",
    "stationary",
    "survey",
]
