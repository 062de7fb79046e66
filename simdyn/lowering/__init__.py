"""Potential + dynamics + exit -> one operation tree -> source text of kernels."""

from simdyn.lowering.cache import cache_folder, load_kernels
from simdyn.lowering.numba_kernels import LANES, Grouping, grouping, kernel_source
from simdyn.lowering.program import DIVERGED, DIVERGENCE_BOUND, Program, lower

__all__ = [
    "DIVERGED",
    "DIVERGENCE_BOUND",
    "LANES",
    "Grouping",
    "Program",
    "cache_folder",
    "grouping",
    "kernel_source",
    "load_kernels",
    "lower",
]
