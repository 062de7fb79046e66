"""Records of problems and answers that programs can read."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from simdyn.questions.escape_estimate import EscapeEstimate


def dynamics_record(dynamics: Any) -> dict[str, Any]:
    """Name and settings of a dynamics, or of a dataclass within it, as plain data."""
    fields = {}
    for entry in dataclasses.fields(dynamics):
        value = getattr(dynamics, entry.name)
        fields[entry.name] = dynamics_record(value) if dataclasses.is_dataclass(value) else _plain(value)
    return {"name": type(dynamics).__name__, **fields}


def json_object(answer: EscapeEstimate) -> dict[str, Any]:
    """The answer as one JSON-able object; what is unbounded or undefined is None."""
    reference = answer.reference
    return {
        "estimate": {
            "value": finite(answer.value),
            "low": finite(answer.low),
            "high": finite(answer.high),
            "unit": answer.unit,
            "confidence": answer.confidence,
            "events": answer.events,
            "censored": answer.censored,
            "diverged": answer.diverged,
            "exits": dict(answer.exits),
            "misclassified": answer.misclassified,
            "overshoot": answer.overshoot,
        },
        "predictions": [
            {
                "name": p.name,
                "value": finite(p.value),
                "unit": p.unit,
                "valid": p.valid,
                "why": p.why,
                "formula": p.formula,
                "source": p.source,
            }
            for p in answer.predictions
        ],
        "reference": None
        if reference is None
        else {
            "value": finite(reference.value),
            "error": finite(reference.error),
            "unit": reference.unit,
            "method": reference.method,
        },
        "reference_note": answer.reference_note,
        "warnings": list(answer.warnings),
        "problem": answer.problem,
        "seed": answer.seed,
        "backend": answer.backend,
        "steps_done": answer.steps_done,
        "seconds": round(answer.seconds, 3),
        "versions": answer.versions,
    }


def listed(values: np.ndarray) -> Any:
    """Nested lists, with None for what is not finite."""
    if values.dtype.kind != "f":
        return values.tolist()
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()


def finite(value: float) -> float | None:
    """The number, or None where it is none or infinite."""
    return float(value) if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
