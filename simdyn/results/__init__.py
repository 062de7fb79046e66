"""The three kinds of answer: an estimate (measured), a prediction (closed form), a reference (exact)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.results.answers import Bounds, Estimate, Prediction, Reference, Unit
    from simdyn.results.versions import versions

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.results.answers": ["Bounds", "Estimate", "Prediction", "Reference", "Unit"],
        "simdyn.results.versions": ["versions"],
    },
)

__all__ = ["Bounds", "Estimate", "Prediction", "Reference", "Unit", "versions"]
