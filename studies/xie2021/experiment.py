"""All grids, and which function measures a cell of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdyn.networks import can_train
from simdyn.study import Execution, Grid
from studies.xie2021 import lines, networks
from studies.xie2021.styblinski import styblinski_cell, styblinski_grids

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from studies.xie2021.settings import Settings


def grids(settings: Settings) -> list[Grid]:
    """The Styblinski-Tang function, landscapes on a line, and with PyTorch the networks."""
    found = [*styblinski_grids(settings), *lines.line_grids(settings)]
    return [*found, *networks.network_grids(settings)] if can_train() else found


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell."""
    if grid == "floor":
        return lines.floor_cell(
            float(parameters["eta"]), float(parameters["delta"]), seed, settings, execution
        )
    if grid == "curved":
        return lines.curved_cell(float(parameters["c"]), float(parameters["delta"]), settings)
    if grid == "paths":
        return lines.path_cell(str(parameters["shape"]), settings)
    if grid in ("barrier", "favour"):
        return lines.barrier_cell(parameters, seed, settings, execution)
    if grid == "wells":
        return lines.wells_cell(float(parameters["D"]), seed, settings, execution)
    if grid in networks.GRIDS:
        return networks.network_cell(grid, parameters, seed, settings)
    return styblinski_cell(grid, parameters, seed, settings, execution)
