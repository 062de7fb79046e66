"""Engines advance ensembles of paths."""

from simdyn.engines.backends import BACKENDS, check_backend, engine_for
from simdyn.engines.records import ExitCounts, ExitRecords, Report, Tally

__all__ = ["BACKENDS", "ExitCounts", "ExitRecords", "Report", "Tally", "check_backend", "engine_for"]
