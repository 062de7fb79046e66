"""Potential + dynamics + exit -> one operation tree -> source text of kernels."""

from simdyn.lowering.cache import cache_folder, cached_file, load_kernels
from simdyn.lowering.kernel_choice import Kernels, kernels_of
from simdyn.lowering.numba_kernels import Grouping, grouping
from simdyn.lowering.program import DIVERGED, DIVERGENCE_BOUND, Program, lower

__all__ = [
    "DIVERGED",
    "DIVERGENCE_BOUND",
    "Grouping",
    "Kernels",
    "Program",
    "cache_folder",
    "cached_file",
    "grouping",
    "kernels_of",
    "load_kernels",
    "lower",
]
