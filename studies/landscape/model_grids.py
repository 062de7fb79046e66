"""Grids of the potentials."""

from __future__ import annotations

from simdyn.study import Grid
from studies.landscape.model_settings import ModelSettings


def model_grids(settings: ModelSettings) -> list[Grid]:
    """All of them."""
    return []
