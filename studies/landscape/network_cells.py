"""Cells of the networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simdyn.networks import one_thread
from studies.landscape.network_settings import NetworkSettings

CELLS: dict[str, Callable[..., dict[str, float]]] = {}


def measured(grid: str, cell: dict[str, Any], settings: NetworkSettings) -> dict[str, float]:
    """All quantities of a cell."""
    with one_thread():
        return CELLS[grid](settings, **cell)
