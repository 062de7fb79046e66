"""simdyn: stochastic dynamics of optimisation, measured, predicted and exact, side by side.

Names are imported on first use, so that `import simdyn` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use
from simdyn._version import __version__

if TYPE_CHECKING:
    from simdyn import exact, theory
    from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable, cosine, stepwise
    from simdyn.errors import InputError
    from simdyn.exits import Exit
    from simdyn.installation import bench, doctor
    from simdyn.questions import (
        EscapeEstimate,
        GradientNoise,
        LinearScaling,
        StationaryEstimate,
        Survey,
        ValidityMap,
        Walk,
        escape_time,
        gradient_noise,
        linear_scaling,
        rate_diagram,
        selection_diagram,
        sharpness_diagram,
        simulate,
        stationary,
        survey,
        validity,
        walk,
    )
    from simdyn.questions.stability import StabilityReport, stability
    from simdyn.results import Estimate, Prediction, Reference

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.dynamics": ["AlphaStable", "SDE", "SGD", "SGLD", "cosine", "stepwise"],
        "simdyn.errors": ["InputError"],
        "simdyn.exits": ["Exit"],
        "simdyn.installation": ["bench", "doctor"],
        "simdyn.questions": [
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
        ],
        "simdyn.results": ["Estimate", "Prediction", "Reference"],
    },
    modules=["exact", "theory"],
)

__all__ = [
    "SDE",
    "SGD",
    "SGLD",
    "AlphaStable",
    "EscapeEstimate",
    "Estimate",
    "Exit",
    "GradientNoise",
    "InputError",
    "LinearScaling",
    "Prediction",
    "Reference",
    "StabilityReport",
    "StationaryEstimate",
    "Survey",
    "ValidityMap",
    "Walk",
    "__version__",
    "cosine",
    "escape_time",
    "exact",
    "gradient_noise",
    "linear_scaling",
    "rate_diagram",
    "selection_diagram",
    "sharpness_diagram",
    "stability",
    "stationary",
    "stepwise",
    "survey",
    "bench",
    "doctor",
    "simulate",
    "theory",
    "validity",
    "walk",
]
