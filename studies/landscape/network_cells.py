"""Which function measures a cell of the networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simdyn.networks import one_thread
from studies.landscape import fitting, motion, spectra
from studies.landscape.network_settings import NetworkSettings

CELLS: dict[str, Callable[..., dict[str, float]]] = {
    "spectrum": spectra.of_stage,
    "eigenvalues": spectra.of_rank,
    "classes": spectra.of_classes,
    "outlier_batches": spectra.of_batch,
    "widths": spectra.of_width,
    "course": motion.look,
    "tradeoff": motion.steps_to_loss,
    "tails": motion.tails,
    "descent": motion.descent,
    "fitting": fitting.fitted,
}


def measured(grid: str, cell: dict[str, Any], settings: NetworkSettings) -> dict[str, float]:
    """All quantities of a cell."""
    with one_thread():
        return CELLS[grid](settings, **cell)
