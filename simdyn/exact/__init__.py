"""Numerically exact answers, where dimension or structure allows them."""

from simdyn.exact.chain import chain_first_passage
from simdyn.exact.errors import NoReference
from simdyn.exact.escape import escape_moments, escape_time, overshoot_share
from simdyn.exact.first_passage import first_passage

__all__ = [
    "NoReference",
    "chain_first_passage",
    "escape_moments",
    "escape_time",
    "first_passage",
    "overshoot_share",
]
