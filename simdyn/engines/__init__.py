"""Engines advance ensembles of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.engines.backends import BACKENDS, check_backend, engine_for, watching_engine
    from simdyn.engines.records import ExitCounts, ExitRecords, Report, Tally

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.engines.backends": ["BACKENDS", "check_backend", "engine_for", "watching_engine"],
        "simdyn.engines.records": ["ExitCounts", "ExitRecords", "Report", "Tally"],
    },
)

__all__ = [
    "BACKENDS",
    "ExitCounts",
    "ExitRecords",
    "Report",
    "Tally",
    "check_backend",
    "engine_for",
    "watching_engine",
]
