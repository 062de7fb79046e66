"""Grids and sample sizes of the networks."""

from __future__ import annotations

from dataclasses import dataclass

from simdyn.study import check_at_least


@dataclass(frozen=True)
class NetworkSettings:
    """Grids and sample sizes of the networks, which have one hidden layer.

    Attributes
    ----------
    samples
        Digits to train on; the others are for testing.
    runs
        Numbers of what is drawn at random: training samples, first parameters, batches.
    width, rate, batch, tolerance, most_steps
        Units of the hidden layer, learning rate, batch size, and the cross-entropy at which training ends.
    classes
        Of digits that are told apart; the last number is that of all grids but one.
    large_batch
        For the outliers.
    widths
        Of spectra.
    flat
        Eigenvalues below this share of the largest one count as near zero.
    looks
        Steps at which a training is looked at, 0 first.
    tradeoff_batches, tradeoff_rates, tradeoff_loss, tradeoff_steps
        Batch sizes, learning rates, the loss to be reached, and the most steps allowed for that.
    tail_batches, tail_draws, tail_step
        Batch sizes of the noise, draws of it, and the step of training at which it is looked at.
    descent_widths, descent_steps
        Of GD beside SGD.
    fit_samples, fit_flips, fit_inputs
        Digits whose parity is learnt, the share of wrong labels, and principal components they are given by.
    fit_widths, fit_members, fit_rate, fit_steps
        Networks side by side, trained by Adam until all margins are kept or the steps are used up.
    """

    samples: int
    runs: tuple[int, ...]
    width: int
    rate: float
    batch: int
    tolerance: float
    most_steps: int
    classes: tuple[int, ...]
    large_batch: int
    widths: tuple[int, ...]
    flat: float
    looks: tuple[int, ...]
    tradeoff_batches: tuple[int, ...]
    tradeoff_rates: tuple[float, ...]
    tradeoff_loss: float
    tradeoff_steps: int
    tail_batches: tuple[int, ...]
    tail_draws: int
    tail_step: int
    descent_widths: tuple[int, ...]
    descent_steps: int
    fit_samples: int
    fit_flips: float
    fit_inputs: int
    fit_widths: tuple[int, ...]
    fit_members: int
    fit_rate: float
    fit_steps: int

    def __post_init__(self) -> None:
        check_at_least(self, classes=2, looks=3)


QUICK_NETWORKS = NetworkSettings(
    samples=400,
    runs=(0, 1, 2, 3, 4),
    width=12,
    rate=0.2,
    batch=10,
    tolerance=0.05,
    most_steps=20_000,
    classes=(3, 5, 10),
    large_batch=200,
    widths=(12, 24),
    flat=1e-3,
    looks=(0, 30, 100, 300, 1_000),
    tradeoff_batches=(3, 6, 12, 25, 50, 200),
    tradeoff_rates=(0.1, 0.2, 0.4, 0.8),
    tradeoff_loss=0.5,
    tradeoff_steps=450,
    tail_batches=(1, 8, 50),
    tail_draws=2_000,
    tail_step=300,
    descent_widths=(3, 12, 64),
    descent_steps=1_000,
    fit_samples=150,
    fit_flips=0.2,
    fit_inputs=10,
    fit_widths=(2, 4, 6, 8, 12, 30, 80),
    fit_members=6,
    fit_rate=0.02,
    fit_steps=1_500,
)
FULL_NETWORKS = NetworkSettings(
    samples=500,
    runs=(0, 1, 2, 3, 4, 5, 6, 7),
    width=16,
    rate=0.2,
    batch=10,
    tolerance=0.03,
    most_steps=60_000,
    classes=(3, 4, 5, 7, 10),
    large_batch=250,
    widths=(10, 16, 24),
    flat=1e-3,
    looks=(0, 10, 30, 100, 300, 1_000, 3_000),
    tradeoff_batches=(2, 4, 8, 16, 32, 64, 128, 250),
    tradeoff_rates=(0.05, 0.1, 0.2, 0.4, 0.8),
    tradeoff_loss=0.3,
    tradeoff_steps=3_000,
    tail_batches=(1, 4, 16, 64),
    tail_draws=10_000,
    tail_step=300,
    descent_widths=(2, 4, 16, 64, 256),
    descent_steps=3_000,
    fit_samples=300,
    fit_flips=0.2,
    fit_inputs=10,
    fit_widths=(1, 2, 3, 4, 6, 8, 10, 12, 14, 17, 20, 30, 50, 100, 250),
    fit_members=12,
    fit_rate=0.01,
    fit_steps=5_000,
)
