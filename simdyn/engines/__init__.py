"""Engines advance ensembles of paths."""

from simdyn.engines.backends import BACKENDS, backend_of, engine_for
from simdyn.engines.records import ExitRecords, Report, Tally

__all__ = ["BACKENDS", "ExitRecords", "Report", "Tally", "backend_of", "engine_for"]
