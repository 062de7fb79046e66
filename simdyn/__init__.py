"""simdyn: stochastic dynamics of optimisation, measured, predicted and exact, side by side.

Names are imported on first use, so that `import simdyn` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from simdyn._version import __version__

if TYPE_CHECKING:
    from simdyn import exact, theory
    from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable, cosine, stepwise
    from simdyn.errors import InputError
    from simdyn.exits import Exit
    from simdyn.installation import bench, doctor
    from simdyn.questions import (
        EscapeEstimate,
        StationaryEstimate,
        Survey,
        ValidityMap,
        escape_time,
        rate_diagram,
        selection_diagram,
        sharpness_diagram,
        simulate,
        stationary,
        survey,
        validity,
    )
    from simdyn.questions.stability import StabilityReport, stability
    from simdyn.results import Estimate, Prediction, Reference

_HOMES = {
    "AlphaStable": "simdyn.dynamics",
    "EscapeEstimate": "simdyn.questions",
    "Estimate": "simdyn.results",
    "Exit": "simdyn.exits",
    "InputError": "simdyn.errors",
    "Prediction": "simdyn.results",
    "Reference": "simdyn.results",
    "SDE": "simdyn.dynamics",
    "SGD": "simdyn.dynamics",
    "SGLD": "simdyn.dynamics",
    "StationaryEstimate": "simdyn.questions",
    "cosine": "simdyn.dynamics",
    "escape_time": "simdyn.questions",
    "stationary": "simdyn.questions",
    "stepwise": "simdyn.dynamics",
    "StabilityReport": "simdyn.questions",
    "Survey": "simdyn.questions",
    "rate_diagram": "simdyn.questions",
    "selection_diagram": "simdyn.questions",
    "sharpness_diagram": "simdyn.questions",
    "stability": "simdyn.questions",
    "survey": "simdyn.questions",
    "bench": "simdyn.installation",
    "doctor": "simdyn.installation",
    "simulate": "simdyn.questions",
    "ValidityMap": "simdyn.questions",
    "validity": "simdyn.questions",
}
_MODULES = {"exact", "theory"}

__all__ = [
    "SDE",
    "SGD",
    "SGLD",
    "AlphaStable",
    "EscapeEstimate",
    "Estimate",
    "Exit",
    "InputError",
    "Prediction",
    "Reference",
    "StabilityReport",
    "StationaryEstimate",
    "Survey",
    "ValidityMap",
    "__version__",
    "cosine",
    "escape_time",
    "exact",
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
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = import_module(f"simdyn.{name}")
    else:
        raise AttributeError(f"module 'simdyn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
