"""One seed for the study; each cell's own follows from the cell's coordinates, not from its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import SeedSequence


def cell_seed(entropy: int, grid: str, parameters: Mapping[str, float | int | bool | str]) -> SeedSequence:
    """The seed of one cell.

    The child is SeedSequence(entropy, spawn_key = the first 128 bits of a SHA-256 of grid and coordinates),
    so a grid may gain points without any other cell changing. Numbers enter by value: 1 and 1.0 are one
    coordinate.
    """
    from numpy.random import SeedSequence

    coordinates = {
        name: value if isinstance(value, str | bool) else float(value).hex()
        for name, value in parameters.items()
    }
    text = json.dumps([grid, coordinates], sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    words = tuple(int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4))
    return SeedSequence(entropy, spawn_key=words)
