"""Questions put to a landscape and a dynamics: measure, attach predictions and reference, plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.questions.escape import escape_time
    from simdyn.questions.escape_estimate import EscapeEstimate
    from simdyn.questions.gradient_noise import GradientNoise, gradient_noise
    from simdyn.questions.landscape_survey import Survey, survey
    from simdyn.questions.linear_scaling import LinearScaling, linear_scaling
    from simdyn.questions.simulation import simulate
    from simdyn.questions.stability import StabilityReport, stability
    from simdyn.questions.stability_diagrams import rate_diagram, selection_diagram, sharpness_diagram
    from simdyn.questions.stationary_estimate import StationaryEstimate
    from simdyn.questions.stationary_law import stationary
    from simdyn.questions.validity_diagram import validity
    from simdyn.questions.validity_map import ValidityMap
    from simdyn.questions.walk import Walk, walk

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.questions.escape": ["escape_time"],
        "simdyn.questions.escape_estimate": ["EscapeEstimate"],
        "simdyn.questions.gradient_noise": ["GradientNoise", "gradient_noise"],
        "simdyn.questions.landscape_survey": ["Survey", "survey"],
        "simdyn.questions.linear_scaling": ["LinearScaling", "linear_scaling"],
        "simdyn.questions.simulation": ["simulate"],
        "simdyn.questions.stability": ["StabilityReport", "stability"],
        "simdyn.questions.stability_diagrams": ["rate_diagram", "selection_diagram", "sharpness_diagram"],
        "simdyn.questions.stationary_estimate": ["StationaryEstimate"],
        "simdyn.questions.stationary_law": ["stationary"],
        "simdyn.questions.validity_diagram": ["validity"],
        "simdyn.questions.validity_map": ["ValidityMap"],
        "simdyn.questions.walk": ["Walk", "walk"],
    },
)

__all__ = [
    "EscapeEstimate",
    "GradientNoise",
    "LinearScaling",
    "StabilityReport",
    "StationaryEstimate",
    "Survey",
    "ValidityMap",
    "Walk",
    "escape_time",
    "gradient_noise",
    "linear_scaling",
    "rate_diagram",
    "selection_diagram",
    "sharpness_diagram",
    "simulate",
    "stability",
    "stationary",
    "survey",
    "validity",
    "walk",
]
