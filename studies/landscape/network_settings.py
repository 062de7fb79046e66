"""Grids and sample sizes of the networks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkSettings:
    """Grids and sample sizes of the networks.

    Attributes
    ----------
    samples
        Digits to train on; the others are for testing.
    runs
        Numbers of what is drawn at random: training samples, first parameters, batches.
    """

    samples: int
    runs: tuple[int, ...]


QUICK_NETWORKS = NetworkSettings(samples=300, runs=(0, 1, 2))
FULL_NETWORKS = NetworkSettings(samples=600, runs=(0, 1, 2, 3, 4, 5))
