"""Engines advance ensembles of paths."""

from simdyn.engines.backends import BACKENDS, check_backend, engine_for, watching_engine
from simdyn.engines.records import ExitRecords, Report, Tally

__all__ = ["BACKENDS", "ExitRecords", "Report", "Tally", "check_backend", "engine_for", "watching_engine"]
