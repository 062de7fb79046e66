"""Potential + dynamics + exit -> one operation tree -> source text of kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.lowering.cache import cache_folder, cached_file, load_kernels
    from simdyn.lowering.kernel_choice import Kernels, kernels_of
    from simdyn.lowering.machine_code import MachineCode, loaded_code
    from simdyn.lowering.numba_kernels import Grouping, grouping
    from simdyn.lowering.program import DIVERGED, DIVERGENCE_BOUND, Program, lower

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.lowering.cache": ["cache_folder", "cached_file", "load_kernels"],
        "simdyn.lowering.kernel_choice": ["Kernels", "kernels_of"],
        "simdyn.lowering.machine_code": ["MachineCode", "loaded_code"],
        "simdyn.lowering.numba_kernels": ["Grouping", "grouping"],
        "simdyn.lowering.program": ["DIVERGED", "DIVERGENCE_BOUND", "Program", "lower"],
    },
)

__all__ = [
    "DIVERGED",
    "DIVERGENCE_BOUND",
    "Grouping",
    "Kernels",
    "MachineCode",
    "Program",
    "cache_folder",
    "cached_file",
    "grouping",
    "kernels_of",
    "load_kernels",
    "lower",
    "loaded_code",
]
