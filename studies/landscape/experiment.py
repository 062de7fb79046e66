"""The settings, the grids, and which part measures a cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simdyn.networks import can_train
from simdyn.study import Execution, Grid
from studies.landscape import model_cells, network_cells
from studies.landscape.model_grids import model_grids
from studies.landscape.model_settings import FULL_MODEL, QUICK_MODEL, ModelSettings
from studies.landscape.network_grids import network_grids
from studies.landscape.network_settings import FULL_NETWORKS, QUICK_NETWORKS, NetworkSettings

if TYPE_CHECKING:
    from numpy.random import SeedSequence


@dataclass(frozen=True)
class Settings(ModelSettings, NetworkSettings):
    """Grids and sample sizes: those of both parts, whose names all differ."""


def _joined(networks: NetworkSettings, model: ModelSettings) -> Settings:
    # Flat, since settings are stored and overridden one by one.
    parts = (networks, model)
    return Settings(**{f.name: getattr(part, f.name) for part in parts for f in dataclasses.fields(part)})


QUICK = _joined(QUICK_NETWORKS, QUICK_MODEL)
FULL = _joined(FULL_NETWORKS, FULL_MODEL)


def grids(settings: Settings) -> list[Grid]:
    """The potentials, and with PyTorch the networks."""
    return [*model_grids(settings), *(network_grids(settings) if can_train() else [])]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell."""
    if grid in network_cells.CELLS:
        return network_cells.measured(grid, dict(parameters), settings)
    return model_cells.measured(grid, parameters, seed, settings, execution)
