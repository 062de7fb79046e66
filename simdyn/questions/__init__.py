"""Questions put to a landscape and a dynamics: measure, attach predictions and reference, plot."""

from simdyn.questions.escape import EscapeEstimate, escape_time
from simdyn.questions.landscape_survey import Survey, survey

__all__ = ["EscapeEstimate", "Survey", "escape_time", "survey"]
