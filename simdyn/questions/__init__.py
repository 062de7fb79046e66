"""Questions put to a landscape and a dynamics: measure, attach predictions and reference, plot."""

from simdyn.questions.escape import EscapeEstimate, escape_time
from simdyn.questions.landscape_survey import Survey, survey
from simdyn.questions.simulation import simulate
from simdyn.questions.stability import StabilityReport, stability
from simdyn.questions.stability_diagrams import rate_diagram, selection_diagram, sharpness_diagram
from simdyn.questions.stationary_law import StationaryEstimate, stationary
from simdyn.questions.validity_diagram import validity
from simdyn.questions.validity_map import ValidityMap

__all__ = [
    "EscapeEstimate",
    "StabilityReport",
    "StationaryEstimate",
    "Survey",
    "ValidityMap",
    "escape_time",
    "rate_diagram",
    "selection_diagram",
    "sharpness_diagram",
    "simulate",
    "stability",
    "stationary",
    "survey",
    "validity",
]
