"""Cells of the potentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdyn.study import Execution
from studies.landscape.model_settings import ModelSettings

if TYPE_CHECKING:
    from numpy.random import SeedSequence


def measured(
    grid: str,
    parameters: Mapping[str, Any],
    seed: SeedSequence,
    settings: ModelSettings,
    execution: Execution,
) -> dict[str, Any]:
    """All quantities of a cell."""
    raise KeyError(grid)
