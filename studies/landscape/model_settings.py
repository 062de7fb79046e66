"""Grids and sample sizes of the potentials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSettings:
    """Grids and sample sizes of the potentials; no name may be one of `NetworkSettings`.

    Attributes
    ----------
    path_widths, path_runs, path_samples, path_images, path_rounds
        Ways between two solutions of a network: units of its hidden layer, numbers of what is drawn, digits,
        and edges and rounds of the string.
    """

    path_widths: tuple[int, ...]
    path_runs: tuple[int, ...]
    path_samples: int
    path_images: int
    path_rounds: int


QUICK_MODEL = ModelSettings(
    path_widths=(6, 24),
    path_runs=(0, 1, 2),
    path_samples=100,
    path_images=10,
    path_rounds=80,
)
FULL_MODEL = ModelSettings(
    path_widths=(6, 12, 24, 48),
    path_runs=(0, 1, 2, 3, 4, 5),
    path_samples=200,
    path_images=12,
    path_rounds=400,
)
