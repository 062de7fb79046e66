"""Grids and sample sizes of the potentials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSettings:
    """Grids and sample sizes of the potentials; no name may be one of `NetworkSettings`."""


QUICK_MODEL = ModelSettings()
FULL_MODEL = ModelSettings()
