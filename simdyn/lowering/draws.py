"""Source text of the functions with which kernels draw the random numbers of a group of steps.

Words come first, numbers from them in a loop of their own, so that neither loop is too long for the
registers. Each does two chains of operations side by side (see `simdyn.noise.device`). In single precision
the words of two neighbouring lanes share 64 bits, so that the loop over numbers finds them as close as its
numbers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simdyn.noise.purposes import Purpose

LANE_UNIT = 16
"""Lanes are drawn in multiples of this, which fills whole vectors on every processor: the number of lanes has
to be a multiple, and arrays of lanes must be as long."""

OPENED = 3
"""Words of a lane that serve it for all groups of steps."""

STEADY_BLOCKS = 2**32
"""Up to so many blocks the words that serve a lane for all of them stay the same."""

_KINDS = {"group": "_in_step", "groups": ""}

_DRAW = '''
@njit(nogil=True, error_model="numpy")
def open_{name}{kind}(opened, paths, {groups}, q, width, key0, key1):
    """What the words of block q of a group of steps owe to the path alone."""
    distinct_arrays()
    never_inlined()
    prefer_wide_vectors()
    for j in range((uint64(width) + uint64({unit} - 1)) & uint64(~({unit} - 1) & 0xFFFFFFFF)):
        m = uint64({group_j}) * uint64({blocks}) + uint64(q)
        p = {place}
        opened[p], opened[ROW1 + p], opened[ROW2 + p] = philox_opening(
            (m >> uint64(32)) | uint64({purpose}), paths[j], key0, key1
        )


@njit(nogil=True, error_model="numpy")
def draw_{name}{kind}(numbers, words, opened, paths, {groups}, steady, width, key0, key1):
    """The {name} of a group of steps{of_whom}; `opened` is new for each block unless it is steady."""
    distinct_arrays()
    prefer_wide_vectors()
    lanes = (uint64(width) + uint64({unit} - 1)) & uint64(~({unit} - 1) & 0xFFFFFFFF)
    half = lanes >> uint64(1)
    for q in range({blocks}):
        if not steady:
            open_{name}{kind}(opened, paths, {groups}, q, width, key0, key1)
        for h in range(half):
            {pair}
            a0, a1, a2, a3, b0, b1, b2, b3 = philox_twice(
                uint64({group_j}) * uint64({blocks}) + uint64(q), {far_j},
                opened[p], opened[ROW1 + p], opened[ROW2 + p],
                uint64({group_k}) * uint64({blocks}) + uint64(q), {far_k},
                opened[r], opened[ROW1 + r], opened[ROW2 + r],
                key0, key1,
            )
{keep}
{numbers}
'''

_APART = """            words[j], words[k] = a0, b0
            words[ROW1 + j], words[ROW1 + k] = a1, b1
            words[ROW2 + j], words[ROW2 + k] = a2, b2
            words[ROW3 + j], words[ROW3 + k] = a3, b3"""

_TOGETHER = """            words[h] = a0 | (b0 << uint64(32))
            words[HALF_ROW1 + h] = (a1 & uint64(0xFFFFFFFF)) | (b1 << uint64(32))
            words[HALF_ROW2 + h] = a2 | (b2 << uint64(32))
            words[HALF_ROW3 + h] = (a3 & uint64(0xFFFFFFFF)) | (b3 << uint64(32))"""

_NORMALS = """        to = uint64(4 * q * LANES)
        for j in range(lanes):
            z0, z1, z2, z3 = {function}({words})
            numbers[to + j] = z0
            numbers[to + ROW1 + j] = z1
            numbers[to + ROW2 + j] = z2
            numbers[to + ROW3 + j] = z3"""

_WIDE_NORMALS = """        to = uint64(2 * q * LANES)
        for j in range(lanes):
            z0, z1 = normal_pair_wide({words})
            numbers[to + j] = REAL(z0)
            numbers[to + ROW1 + j] = REAL(z1)"""

_UNIFORMS = """        to = uint64(4 * q * LANES)
        for j in range(lanes):
            w0, w1, w2, w3 = {words}
            numbers[to + j] = {function}(w0)
            numbers[to + ROW1 + j] = {function}(w1)
            numbers[to + ROW2 + j] = {function}(w2)
            numbers[to + ROW3 + j] = {function}(w3)"""


@dataclass(frozen=True)
class Stream:
    """One kind of random number that a kernel draws.

    Attributes
    ----------
    name
        Of the array of numbers; the function is called draw_`name`.
    purpose
        Which words it is made of.
    blocks
        Philox blocks that a group of steps consumes.
    """

    name: str
    purpose: Purpose
    blocks: int

    @property
    def count(self) -> int:
        """Numbers that the blocks make."""
        return self.blocks * (2 if self.purpose is Purpose.GAUSSIAN_WIDE else 4)

    @property
    def array(self) -> str:
        """The line that makes the array of numbers."""
        return f"{self.name} = np.empty({self.count} * LANES, dtype=REAL)"

    @property
    def opened(self) -> str:
        """The line that makes the array of what `open` finds."""
        return f"opened_{self.name} = np.empty({OPENED} * LANES, dtype=np.uint64)"

    def open(self, groups: str) -> str:
        """The line that prepares all lanes for being drawn for, steadily."""
        of = _KINDS[groups]
        return f"open_{self.name}{of}(opened_{self.name}, paths, {groups}, 0, width, key0, key1)"

    def draw(self, groups: str, steady: str = "steady", width: str = "width", given: str = "") -> str:
        """The line that draws for so many lanes; the caller has arrays of these names.

        `groups` says in which groups of steps they are: "group" is one for all of them, "groups" has one for
        each; `given` stands in its place if it bears another name.
        """
        return (
            f"draw_{self.name}{_KINDS[groups]}({self.name}, words, opened_{self.name}, paths, "
            f"{given or groups}, {steady}, {width}, key0, key1)"
        )


def steady_limits(used: Sequence[Stream]) -> dict[str, int]:
    """Until when the words that serve a lane for all groups stay the same, for templates: the most blocks
    that a group takes, and how many there may be."""
    return {"most": max((stream.blocks for stream in used), default=0), "steady_blocks": STEADY_BLOCKS}


def draw_functions(stream: Stream, single: bool, groups: str) -> str:
    """The functions that `Stream.open` and `Stream.draw` call with these `groups`, for a module whose header
    is that of the CPU kernels."""
    # Wide normals are made in double precision always.
    together = single and stream.purpose is not Purpose.GAUSSIAN_WIDE
    words = ", ".join(f"words[{place}j]" for place in ("", "ROW1 + ", "ROW2 + ", "ROW3 + "))
    if stream.purpose is Purpose.GAUSSIAN:
        numbers = _NORMALS.format(function="four_normals32" if single else "four_normals", words="{words}")
    elif stream.purpose is Purpose.GAUSSIAN_WIDE:
        numbers = _WIDE_NORMALS
    else:
        numbers = _UNIFORMS.format(function="uniform32" if single else "uniform", words="{words}")
    numbers = numbers.format(words=words.replace("words", "halves") if together else words)
    in_step = groups == "group"
    return _DRAW.format(
        name=stream.name,
        kind=_KINDS[groups],
        of_whom=" that all lanes are in" if in_step else ", another for each lane",
        groups=groups,
        group_j="group" if in_step else "groups[j]",
        group_k="group" if in_step else "groups[k]",
        far_j=f"paths[{0 if in_step else 'j'}] >> uint64(32)",
        far_k=f"paths[{0 if in_step else 'k'}] >> uint64(32)",
        unit=LANE_UNIT,
        blocks=stream.blocks,
        purpose=int(stream.purpose) << 24,
        # Lanes whose words share 64 bits lie apart in `opened`, so that a register takes them as they are.
        place="(j >> uint64(1)) + (j & uint64(1)) * HALF_ROW1" if together else "j",
        pair="j, k, p, r = uint64(2) * h, uint64(2) * h + uint64(1), h, HALF_ROW1 + h"
        if together
        else "j, k, p, r = h, h + half, h, h + half",
        keep=_TOGETHER if together else _APART,
        numbers=("        halves = words.view(np.uint32)\n" if together else "") + numbers,
    )
