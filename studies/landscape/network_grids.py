"""Grids of the networks."""

from __future__ import annotations

from simdyn.study import Grid
from studies.landscape.network_settings import NetworkSettings


def network_grids(settings: NetworkSettings) -> list[Grid]:
    """All of them."""
    return []
