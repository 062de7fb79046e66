"""All eigenvalues of a small network's Hessian: what lies in the bulk, what out of it, what is zero."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from simdyn.networks import outliers
from studies.landscape.solutions import CLASSES, Solution, trained

if TYPE_CHECKING:
    from studies.landscape.network_settings import NetworkSettings

Array = np.ndarray

ZERO = 1e-12
"""Eigenvalues below this share of the largest are zero up to rounding."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues in descending order, and the network they belong to."""

    eigenvalues: Array
    solution: Solution


@cache
def spectrum(
    settings: NetworkSettings, run: int, classes: int, width: int, batch: int, begun: bool
) -> Spectrum:
    """Of a network before training, or where training ended; many cells look at the same one."""
    import torch

    found = trained(
        settings,
        run,
        steps=0 if begun else settings.most_steps,
        classes=classes,
        width=width,
        batch=batch,
        tolerance=settings.tolerance,
    )
    hessian = torch.as_tensor(found.surface.hessian(found.surface.parameters))
    return Spectrum(torch.linalg.eigvalsh(hessian).numpy()[::-1], found)


def structural_zeros(found: Solution) -> int:
    """Zero eigenvalues that must be there, for reasons that can be counted.

    The first layer's weights of a unit act on the samples that the unit is active on, and only where these
    have rank: pixels that are black in all of them leave it. A silent unit's weights to the outputs do
    nothing. A shift of all outputs does nothing to the softmax: in the last biases, and in the weights of
    each unit that is not silent.
    """
    import torch

    hidden, last = found.module[1], found.module[3]
    pixels = torch.as_tensor(found.data.inputs).flatten(1).double()
    active = pixels @ hidden.weight.double().T + hidden.bias.double() > 0
    inputs = torch.cat([pixels, torch.ones(len(pixels), 1, dtype=torch.float64)], 1)
    ranks = [int(torch.linalg.matrix_rank(inputs[rows])) if rows.any() else 0 for rows in active.T]
    silent = ranks.count(0)
    outputs = len(last.bias)
    return sum(inputs.shape[1] - rank for rank in ranks) + silent * outputs + len(ranks) - silent + 1


def described(found: Spectrum, settings: NetworkSettings) -> dict[str, float]:
    """Outliers, bulk and zeros; outliers are looked for among the largest, three for each class."""
    values, solution = found.eigenvalues, found.solution
    classes = len(solution.module[3].bias)
    top = float(values[0])
    return {
        "parameters": len(values),
        "loss": solution.loss,
        "steps": solution.steps,
        "test_accuracy": solution.test_accuracy,
        "top": top,
        "top_mean": float(values[: classes - 1].mean()),
        "outliers": outliers(values[: 3 * classes]),
        "bulk": float(np.sqrt((values[classes:] ** 2).mean())),
        "near_zero": float((np.abs(values) < settings.flat * top).mean()),
        "zeros": int((np.abs(values) < ZERO * top).sum()),
        "structural_zeros": structural_zeros(solution),
        "negative": int((values < -ZERO * top).sum()),
        "lowest": float(values[-1]),
    }


def at_the_end(
    settings: NetworkSettings, run: int, *, classes: int = CLASSES, width: int = 0, batch: int = 0
) -> Spectrum:
    """Where training ended; the width and the batch size are by default those of the settings."""
    return spectrum(settings, run, classes, width or settings.width, batch or settings.batch, False)


def of_stage(settings: NetworkSettings, stage: str, run: int) -> dict[str, float]:
    """Cell of the grid "spectrum"."""
    return described(_at(settings, stage, run), settings)


def of_rank(settings: NetworkSettings, stage: str, rank: int) -> dict[str, float]:
    """Cell of the grid "eigenvalues"; ranks are counted from 1."""
    return {"eigenvalue": float(_at(settings, stage, settings.runs[0]).eigenvalues[rank - 1])}


def of_classes(settings: NetworkSettings, classes: int, run: int) -> dict[str, float]:
    """Cell of the grid "classes"."""
    return described(at_the_end(settings, run, classes=classes), settings)


def of_batch(settings: NetworkSettings, B: int, run: int) -> dict[str, float]:
    """Cell of the grid "outlier_batches"."""
    return described(at_the_end(settings, run, batch=B), settings)


def of_width(settings: NetworkSettings, width: int, run: int) -> dict[str, float]:
    """Cell of the grid "widths"."""
    return described(at_the_end(settings, run, width=width), settings)


def ranks(settings: NetworkSettings) -> tuple[int, ...]:
    """Numbers of the eigenvalues that are drawn: all large ones, and fewer and fewer of the others but for
    the lowest."""
    d = parameters(settings.width)
    upper = [*range(1, 31), *np.unique(np.geomspace(31, d // 2, 15).astype(int)).tolist()]
    return tuple(sorted({*upper, *(d + 1 - rank for rank in upper)}))


def parameters(width: int, classes: int = CLASSES) -> int:
    """Of a network with one hidden layer on 64 pixels."""
    return width * (64 + 1 + classes) + classes


def _at(settings: NetworkSettings, stage: str, run: int) -> Spectrum:
    return spectrum(settings, run, CLASSES, settings.width, settings.batch, stage == "start")
