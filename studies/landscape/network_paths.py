"""Two trainings of one network on the same digits, and how high the way between them must go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Dimension, Grid, Quantity
from studies.landscape.model_settings import ModelSettings

if TYPE_CHECKING:
    from simdyn.networks import LossSurface

STEPS = 20_000
"""Most steps of a training."""

ENDS = 0.05
"""Cross-entropy at which it ends."""

RATE, BATCH = 0.2, 10


def path_grid(settings: ModelSettings) -> Grid:
    """Barriers between two solutions, by width."""
    return Grid(
        "paths",
        "Ways between two solutions",
        [
            Dimension("width", settings.path_widths, "", "units of the hidden layer"),
            Dimension("run", settings.path_runs, "", "number of the samples and of two first parameters"),
        ],
        [
            Quantity("parameters", "", "number of parameters"),
            Quantity("ends", "", "larger cross-entropy of the two solutions"),
            Quantity("straight", "", "highest cross-entropy on the straight line, above the ends"),
            Quantity("lowered", "", "the same on the lowered path"),
            Quantity("distance", "", "between the solutions"),
            Quantity("longer", "", "length of the lowered path over the distance"),
        ],
        f"One hidden layer, {settings.path_samples} digits, SGD with B = {BATCH} to a cross-entropy of {ENDS:g}; "
        f"string of {settings.path_images} edges, {settings.path_rounds} rounds.",
    )


def path_cell(settings: ModelSettings, width: int, run: int) -> dict[str, float]:
    """The barrier on the straight line between two solutions, and on a path that descent has lowered."""
    from simdyn.exact import lowered_path
    from simdyn.networks import one_thread

    with one_thread():
        surface, one, other = solutions(settings, width, run)
        found = lowered_path(
            surface, one, other, images=settings.path_images, rounds=settings.path_rounds
        )
    first, last = float(found.energies[0]), float(found.energies[-1])
    ends, distance = max(first, last), float(np.linalg.norm(other - one))
    return {
        "parameters": surface.dim,
        "ends": ends,
        "straight": first + found.straight - ends,
        "lowered": first + found.barrier - ends,
        "distance": distance,
        "longer": float(np.linalg.norm(np.diff(found.path, axis=0), axis=1).sum()) / distance,
    }


def solutions(settings: ModelSettings, width: int, run: int) -> tuple[LossSurface, np.ndarray, np.ndarray]:
    """The loss of all samples, and the parameters of two networks that were trained on them."""
    from simdyn.networks import LossSurface, Split, digits, fully_connected, train

    data = Split.of(digits(), settings.path_samples, seed=run)
    ends = []
    for number in (2 * run, 2 * run + 1):
        module = fully_connected((1, 8, 8), 10, width=width, depth=1, seed=number)
        train(
            module,
            data.inputs,
            data.classes,
            learning_rate=RATE,
            batch_size=BATCH,
            steps=STEPS,
            tolerance=ENDS,
            loss="cross_entropy",
            seed=number,
        )
        surface = LossSurface(module, data.inputs, data.classes, "cross_entropy")
        ends.append(surface.parameters)
    return surface, ends[0], ends[1]
