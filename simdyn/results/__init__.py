"""The three kinds of answer: an estimate (measured), a prediction (closed form), a reference (exact)."""

from simdyn.results.answers import Bounds, Estimate, Prediction, Reference, Unit
from simdyn.results.versions import versions

__all__ = ["Bounds", "Estimate", "Prediction", "Reference", "Unit", "versions"]
