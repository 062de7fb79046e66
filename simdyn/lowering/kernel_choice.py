"""Which kernels a program gets: unrolled for few coordinates, in loops for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simdyn.errors import InputError
from simdyn.lowering.loop_kernels import LOOP_LANES, loaded_loop_code, loop_source
from simdyn.lowering.machine_code import MachineCode, loaded_code
from simdyn.lowering.numba_kernels import Grouping, grouping, kernel_source, lanes_of
from simdyn.lowering.program import Program

MOST_UNROLLED = 12
"""Coordinates, normals or channels of an exit up to which every one has its own lines in a kernel.

Unrolled code is somewhat faster, but the time to compile it grows faster than its length.
"""


MOST_TAMED = 40
"""The same for exits of rules with jumps, which only unrolled kernels tell from explosions; more coordinates
take minutes to compile."""


@dataclass(frozen=True)
class Kernels:
    """What an engine needs to know of the kernels of a program.

    Attributes
    ----------
    source
        Text of the module that holds them.
    code
        The same, to be called.
    lanes
        Paths that one call of a kernel advances side by side.
    group
        How steps share Philox blocks.
    constants
        The argument that stands for the run-time constants.
    """

    source: str
    code: MachineCode
    lanes: int
    group: Grouping
    constants: Any


def kernels_of(program: Program, dtype: str, wide: bool) -> Kernels:
    """The kernels of a program; both kinds give the same bits.

    Raises
    ------
    InputError
        Coordinates of too many different forms, or too many for exits by jumps.
    """
    if program.tame is not None and program.crossed:
        if size_of(program) > MOST_TAMED:
            raise InputError(
                f"Exits by alpha-stable kicks are found in up to {MOST_TAMED} dimensions, and there are "
                f"{program.dim}; use Gaussian noise or fewer dimensions."
            )
        return unrolled(program, dtype, wide)
    # The roots of matrices are loops in any case.
    chosen = looped if program.roots or size_of(program) > MOST_UNROLLED else unrolled
    return chosen(program, dtype, wide)


def unrolled(program: Program, dtype: str, wide: bool) -> Kernels:
    """Kernels in which every coordinate has its own lines."""
    constants = np.array(program.constant_values(), dtype=dtype)
    source, group = kernel_source(program, dtype, wide), grouping(program, wide)
    return Kernels(source, loaded_code(source), lanes_of(program, dtype, wide), group, constants)


def looped(program: Program, dtype: str, wide: bool) -> Kernels:
    """Kernels with loops over coordinates of one shape.

    Raises
    ------
    InputError
        Coordinates of too many different forms.
    """
    source, tables = loop_source(program, dtype, wide)
    constants = tables.arguments(program.constant_values(), np.dtype(dtype))
    group = grouping(program, wide)
    return Kernels(source, loaded_loop_code(source, group.steps), LOOP_LANES, group, constants)


def size_of(program: Program) -> int:
    """What decides how long an unrolled kernel is."""
    return max(program.dim, program.noise_dim, len(program.crossed))
