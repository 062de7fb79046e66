"""What a random number is for: one number per use, never renumbered: results of the past depend on them."""

from __future__ import annotations

from enum import IntEnum


class Purpose(IntEnum):
    """The 8-bit purpose field of the counter.

    Streams of different purposes never overlap, so a run may draw bridge uniforms without disturbing its
    normals.
    """

    GAUSSIAN = 0
    """Normals of the dynamics: four to a block, 40-bit radius and 24-bit angle."""
    GAUSSIAN_WIDE = 1
    """Normals of the dynamics, two to a block, 52-bit radius and 52-bit angle."""
    BRIDGE = 2
    """Uniforms of the Brownian-bridge correction of exits: four to a block."""
    MINIBATCH = 3
    LEVY = 4
    START = 5
    SPLITTING = 6
    BOOTSTRAP = 7
