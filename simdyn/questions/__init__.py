"""Questions put to a landscape and a dynamics: measure, attach predictions and reference, plot."""

from simdyn.questions.escape import EscapeEstimate, escape_time
from simdyn.questions.landscape_survey import Survey, survey
from simdyn.questions.simulation import simulate
from simdyn.questions.validity_diagram import validity
from simdyn.questions.validity_map import ValidityMap

__all__ = ["EscapeEstimate", "Survey", "ValidityMap", "escape_time", "simulate", "survey", "validity"]
