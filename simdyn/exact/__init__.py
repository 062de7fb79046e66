"""Numerically exact answers, where dimension or structure allows them."""

from simdyn.exact.chain import chain_first_passage
from simdyn.exact.committor import committor
from simdyn.exact.curves import Density, Survival
from simdyn.exact.errors import NoReference
from simdyn.exact.escape import escape_moments, escape_time, overshoot_share
from simdyn.exact.first_passage import first_passage
from simdyn.exact.long_run import quasi_stationary, spectral_gap, stationary_density
from simdyn.exact.minimum_action import MinimumAction, minimum_action
from simdyn.exact.survival import survival

__all__ = [
    "Density",
    "MinimumAction",
    "NoReference",
    "Survival",
    "chain_first_passage",
    "committor",
    "escape_moments",
    "escape_time",
    "first_passage",
    "minimum_action",
    "overshoot_share",
    "quasi_stationary",
    "spectral_gap",
    "stationary_density",
    "survival",
]
