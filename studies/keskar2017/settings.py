"""Grid points and sample sizes of the two sizes of the study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simdyn.study import check_at_least

PAPER = "Keskar et al. 2017"
DECK = "slides on Keskar et al. 2017 (He Ma 2017)"
DINH = "Dinh et al. 2017"

SHARP, FLAT = 20.0, 2.0
"""Curvatures of the two minima of the model."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    shifts
        Of the model's test loss against its training loss.
    samples
        Digits to train on; the others are for testing.
    small_batch, large_batch
        In the paper 256, and a tenth of the data.
    architectures
        "fully connected", "VGG"; all but the tables and the lines is done with the first.
    optimiser
        "sgd" or "adam", of all but the tables and the lines, which have both.
    sgd_rate, adam_rate
        Learning rates, the same for all batch sizes.
    runs
        Numbers of what is drawn at random: training samples, first parameters, batches.
    tolerance, most_steps
        Training ends at this cross-entropy.
    epsilons, subspace
        Of the sharpness; all but the table have the first epsilon and full space.
    searches, iterations
        Random starts, and iterations of L-BFGS-B, for a sharpness; the paper has ten of these.
    radius
        Of the ball of Dinh et al.
    alphas
        Places on the line, 0 the small and 1 the large batch.
    batch_sizes
        For sharpness against accuracy.
    levels
        Losses at which training is looked at, highest first.
    epochs
        Passes over the data where all batch sizes train equally long; those of small batches also tell how
        many steps lead on from the solution of large ones.
    warm_epochs
        Passes with small batches before large ones; 0 is a cold start.
    scales
        Of the first layer against the second; 1 first.
    steep_share
        Share of directions looked at for steepness.
    """

    shifts: tuple[float, ...]
    samples: int
    small_batch: int
    large_batch: int
    architectures: tuple[str, ...]
    optimiser: str
    sgd_rate: float
    adam_rate: float
    runs: tuple[int, ...]
    tolerance: float
    most_steps: int
    epsilons: tuple[float, ...]
    subspace: int
    searches: int
    iterations: int
    radius: float
    alphas: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    levels: tuple[float, ...]
    epochs: int
    warm_epochs: tuple[int, ...]
    scales: tuple[float, ...]
    steep_share: float

    def __post_init__(self) -> None:
        check_at_least(self, batch_sizes=2, levels=2, warm_epochs=2, scales=2)


QUICK = Settings(
    shifts=(0.01, 0.03, 0.1),
    samples=400,
    small_batch=4,
    large_batch=40,
    architectures=("fully connected",),
    optimiser="sgd",
    sgd_rate=0.1,
    adam_rate=0.001,
    runs=(0, 1, 2, 3),
    tolerance=0.02,
    most_steps=40_000,
    epsilons=(1e-3, 5e-4),
    subspace=100,
    searches=1,
    iterations=10,
    radius=0.01,
    alphas=tuple(np.round(np.arange(-1.0, 2.01, 0.125), 10).tolist()),
    batch_sizes=(4, 12, 40),
    levels=(1.0, 0.1, 0.02),
    epochs=40,
    warm_epochs=(0, 1, 10),
    scales=(1.0, 3.0, 10.0, 30.0),
    steep_share=0.01,
)
FULL = Settings(
    shifts=(0.01, 0.02, 0.03, 0.05, 0.1, 0.15),
    samples=1_000,
    small_batch=5,
    large_batch=100,
    architectures=("fully connected", "VGG"),
    optimiser="sgd",
    sgd_rate=0.1,
    adam_rate=0.001,
    runs=(0, 1, 2, 3, 4, 5, 6, 7),
    tolerance=0.01,
    most_steps=60_000,
    epsilons=(1e-3, 5e-4),
    subspace=100,
    searches=1,
    iterations=10,
    radius=0.01,
    alphas=tuple(np.round(np.arange(-1.0, 2.01, 0.0625), 10).tolist()),
    batch_sizes=(5, 10, 25, 50, 100, 250),
    levels=(1.0, 0.3, 0.1, 0.03, 0.01),
    epochs=100,
    warm_epochs=(0, 1, 2, 5, 10, 20),
    scales=(0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    steep_share=0.01,
)
