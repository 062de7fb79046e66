"""Questions put to a landscape and a dynamics: measure, attach predictions and reference, plot."""

from simdyn.questions.escape import EscapeEstimate, escape_time
from simdyn.questions.landscape_survey import Survey, survey
from simdyn.questions.simulation import simulate
from simdyn.questions.stability import StabilityReport, stability

__all__ = ["EscapeEstimate", "StabilityReport", "Survey", "escape_time", "simulate", "stability", "survey"]
