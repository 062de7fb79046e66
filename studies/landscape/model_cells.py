"""Which function measures a cell of the potentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdyn.study import Execution
from studies.landscape import cooling, indices, network_paths, rolling, wells
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
    if grid == "cooling":
        return cooling.cooled(
            settings, seed, execution, str(parameters["schedule"]), int(parameters["steps"])
        )
    if grid == "rolling":
        return rolling.rolled(settings, seed, execution, float(parameters["beta"]))
    if grid == "indices":
        return indices.compared(settings, seed, str(parameters["law"]), float(parameters["spread"]))
    if grid == "strings":
        return wells.string(settings, str(parameters["landscape"]))
    if grid == "smoothing":
        return wells.survived(
            settings, str(parameters["landscape"]), str(parameters["average"]), float(parameters["width"])
        )
    if grid == "smoothed_planes":
        return wells.counted(str(parameters["landscape"]), float(parameters["share"]))
    return network_paths.path_cell(settings, int(parameters["width"]), int(parameters["run"]))
