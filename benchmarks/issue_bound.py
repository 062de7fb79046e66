"""How many path-steps a second a GPU could do at most: as many as it can issue the instructions of.

A kernel spends its time in one loop, whose turns are groups of steps. How many instructions such a turn takes
stands in the machine code, which NVRTC makes without a GPU. What happens rarely is not counted, so that the
figure is an upper bound.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from simdyn.engines.device import compiled

_INSTRUCTION = 16
"""Bytes of an instruction on every architecture since sm_70."""

# The low 12 bits of an instruction.
_BRANCH, _EXIT, _MEET_AT, _MEET = 0x947, 0x94D, 0x945, 0x941
_ATOMIC, _STORE_OR_CALL = {0x98E, 0x9A8, 0x3A9}, {0x986, 0x943, 0x944}
"""Operations on global memory; calls."""

_ALWAYS = 7
"""The predicate of what is done in any case."""

THREAD_INSTRUCTIONS_OF_A_CLOCK = 128
"""That a multiprocessor issues at most: four schedulers, a warp of 32 each."""


def instructions_of_turn(source: str, architecture: str, kernel: str) -> int:
    """Instructions that a turn of the loop of a kernel takes when nothing out of the ordinary happens.

    The loop is the largest one without another in it, and the turn the longest way around it that neither
    writes to global memory, as a path does that ends, nor calls anything, as for the slow path of a root.

    Raises
    ------
    ValueError
        A kernel that is not there, or has no such loop.
    """
    code = dict(_sections(compiled(source, architecture)[0])).get(f".text.{kernel}")
    if code is None:
        raise ValueError(f"there is no kernel {kernel} in the machine code")
    words = [struct.unpack_from("<QQ", code, at) for at in range(0, len(code), _INSTRUCTION)]
    follow = _successors(words, int(architecture.removeprefix("sm_")))
    # A branch to itself fills up the end of a kernel.
    back = [(target, at) for at, ways in enumerate(follow) for target in ways if target < at]
    innermost = [
        (first, last)
        for first, last in back
        if not any(first <= a and b <= last and (a, b) != (first, last) for a, b in back)
    ]
    if not innermost:
        raise ValueError(f"the kernel {kernel} has no loop")
    first, last = max(innermost, key=lambda loop: loop[1] - loop[0])
    taken = {first: 1}
    for at in range(first, last + 1):
        for after in follow[at]:
            if at in taken and at < after <= last and not _out_of_the_ordinary(words[after][0]):
                taken[after] = max(taken.get(after, 0), taken[at] + 1)
    if last not in taken:
        raise ValueError(f"there is no ordinary way around the loop of {kernel}")
    return taken[last]


def issue_bound(instructions: float, processors: int, clock: float) -> float:
    """Path-steps a second, at so many instructions a path-step, processors, and clocks a second."""
    return processors * clock * THREAD_INSTRUCTIONS_OF_A_CLOCK / instructions


def _out_of_the_ordinary(low: int) -> bool:
    """Whether an instruction is atomic, or stores or calls unconditionally: some loops end by a call on a
    condition."""
    operation = low & 0xFFF
    return operation in _ATOMIC or (operation in _STORE_OR_CALL and low >> 12 & 0xF == _ALWAYS)


def _successors(words: Sequence[tuple[int, int]], architecture: int) -> list[list[int]]:
    """For each instruction those that may come after it."""
    follow: list[list[int]] = []
    meeting: dict[int, int] = {}
    for at, (low, high) in enumerate(words):
        operation, always = low & 0xFFF, low >> 12 & 0xF == _ALWAYS
        ways = [] if operation in (_BRANCH, _EXIT) and always else [at + 1]
        if operation == _BRANCH:
            ways.append(_target(at, low, high, architecture))
        elif operation == _MEET_AT:
            meeting[low >> 16 & 0xF] = _target(at, low, high, 80)
        elif operation == _MEET:
            # Threads that have met go on together, wherever they came from.
            ways = [meeting.get(low >> 16 & 0xF, at + 1)]
        follow.append(ways)
    return follow


def _target(at: int, low: int, high: int, architecture: int) -> int:
    """Where a branch leads: its distance from the next instruction, in 48 bits, and from sm_90 on in 56."""
    words, bits = (high & 0x3FFFF) << 30 | low >> 34, 48
    if architecture >= 90:
        words, bits = words << 8 | (low >> 16 & 0xFF), 56
    if words >> (bits - 1):
        words -= 1 << bits
    return at + 1 + words * 4 // _INSTRUCTION


def _sections(binary: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of the sections of an ELF file."""
    (table,) = struct.unpack_from("<Q", binary, 0x28)
    size, count, names = struct.unpack_from("<HHH", binary, 0x3A)
    heads = [struct.unpack_from("<IIQQQQIIQQ", binary, table + number * size) for number in range(count)]
    for head in heads:
        begin = heads[names][4] + head[0]
        yield binary[begin : binary.index(b"\0", begin)].decode(), binary[head[4] : head[4] + head[5]]
