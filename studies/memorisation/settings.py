"""Grid points and sample sizes of the two sizes of the study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simdyn.study import check_at_least, check_contains

PAPER = "Arpit et al. 2017"
DECK = "slides on flatness and generalisation (Bengio 2018)"
FACTORS = "Jastrzebski et al. 2017"
LINEAR = "closed form of the linearised network"
TOP = 10
"""Eigenvectors in which targets are said to lie."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    runs
        Numbers of what is drawn at random: samples, labels, first parameters, batches.
    width
        Units of each of the two hidden layers.
    rate, batch
        Learning rate and batch size.
    first_samples, first_batch, first_runs
        Of the first epoch, equally many samples of each class; the runs differ in parameters and batches.
    exchanges
        Random exchanges of the test whether samples are alike.
    ranks
        Shares of the samples at which their frequencies are shown.
    samples
        To train on, in what follows.
    shares
        Of the samples with random labels, from 0 to 1.
    epochs
        At which training is looked at; the last one ends it.
    critical_epochs, radii, search_steps
        Of the critical samples: epochs, half-widths of the box, of which the middle one is judged by, and
        iterations of the search.
    eigen_samples, eigen_widths, modes
        Of the learning along eigenvectors: samples, units of the one hidden layer, eigenvectors.
    eigen_rate, patience
        Learning rate times the largest eigenvalue; how often the time that is predicted for the slowest
        eigenvector is waited for.
    sgd_rate, sgd_batch, paths, marks
        Of SGD in function space: learning rate times the largest squared slope of a sample, batch size,
        paths, and steps at which their mean is looked at.
    directions
        First eigenvectors in which targets are looked for.
    kernel_width, kernel_times
        Of the linearised classifier: units, and times in units of one over the largest eigenvalue.
    units, capacity_shares
        Hidden units of each layer, and shares of random labels, of the capacity.
    counts, most_epochs
        Samples of the time to fit them all, and epochs at most.
    dropouts, decays
        Strengths of the regularisers.
    allowed
        Loss of accuracy on real digits that a regulariser may cost, in percentage points.
    noise_share, noise_rate, noise_batch, noise_factor
        Of the noise of SGD: share of random labels, learning rate and batch size, and by what factor these
        are raised.
    """

    runs: tuple[int, ...]
    width: int
    rate: float
    batch: int
    first_samples: int
    first_batch: int
    first_runs: int
    exchanges: int
    ranks: tuple[float, ...]
    samples: int
    shares: tuple[float, ...]
    epochs: tuple[int, ...]
    critical_epochs: tuple[int, ...]
    radii: tuple[float, ...]
    search_steps: int
    eigen_samples: int
    eigen_widths: tuple[int, ...]
    modes: int
    eigen_rate: float
    patience: float
    sgd_rate: float
    sgd_batch: int
    paths: int
    marks: tuple[int, ...]
    directions: tuple[int, ...]
    kernel_width: int
    kernel_times: tuple[float, ...]
    units: tuple[int, ...]
    capacity_shares: tuple[float, ...]
    counts: tuple[int, ...]
    most_epochs: int
    dropouts: tuple[float, ...]
    decays: tuple[float, ...]
    allowed: float
    noise_share: float
    noise_rate: float
    noise_batch: int
    noise_factor: int

    def __post_init__(self) -> None:
        check_at_least(self, critical_epochs=2, counts=2)
        check_contains(self, shares=(0.0, self.noise_share, 1.0), capacity_shares=(0.0, 1.0), directions=TOP)


QUICK = Settings(
    runs=(0, 1, 2, 3, 4, 5),
    width=64,
    rate=0.2,
    batch=20,
    first_samples=1_000,
    first_batch=40,
    first_runs=100,
    exchanges=199,
    ranks=tuple(np.round(np.linspace(0.0, 1.0, 41), 10).tolist()),
    samples=200,
    shares=(0.0, 0.2, 0.4, 0.6, 1.0),
    epochs=(0, 1, 2, 3, 4, 5, 7, 9, 11, 13, 16, 20, 25, 30, 40, 60, 80, 120, 160),
    critical_epochs=(1, 5, 10, 20, 40, 160),
    radii=(0.05,),
    search_steps=20,
    eigen_samples=100,
    eigen_widths=(32, 128, 512),
    modes=10,
    eigen_rate=0.5,
    patience=2.0,
    sgd_rate=0.1,
    sgd_batch=10,
    paths=1_000,
    marks=(20, 100, 400),
    directions=(1, 2, 5, 10, 20, 50, 100),
    kernel_width=128,
    kernel_times=tuple(float(f"{t:.3g}") for t in np.logspace(0, 6, 25)),
    units=(4, 8, 16, 32, 64, 128),
    capacity_shares=(0.0, 0.4, 1.0),
    counts=(40, 100, 200),
    most_epochs=300,
    dropouts=(0.25, 0.5, 0.65, 0.7, 0.75),
    decays=(0.005, 0.01, 0.012, 0.014, 0.017, 0.02),
    allowed=1.0,
    noise_share=0.4,
    noise_rate=0.1,
    noise_batch=10,
    noise_factor=4,
)
FULL = Settings(
    runs=tuple(range(12)),
    width=128,
    rate=0.2,
    batch=20,
    first_samples=1_000,
    first_batch=40,
    first_runs=100,
    exchanges=1_999,
    ranks=tuple(np.round(np.linspace(0.0, 1.0, 41), 10).tolist()),
    samples=400,
    shares=(0.0, 0.1, 0.2, 0.4, 0.6, 1.0),
    epochs=(0, 1, 2, 3, 4, 5, 7, 10, 13, 16, 20, 25, 30, 40, 60, 80, 120, 200),
    critical_epochs=(1, 5, 10, 20, 40, 200),
    radii=(0.02, 0.05, 0.1),
    search_steps=40,
    eigen_samples=200,
    eigen_widths=(32, 128, 512, 2048),
    modes=10,
    eigen_rate=0.5,
    patience=3.0,
    sgd_rate=0.1,
    sgd_batch=10,
    paths=10_000,
    marks=(20, 100, 400, 1_000),
    directions=(1, 2, 5, 10, 20, 50, 100, 200),
    kernel_width=256,
    kernel_times=tuple(float(f"{t:.3g}") for t in np.logspace(0, 6, 49)),
    units=(2, 4, 8, 16, 32, 64, 128),
    capacity_shares=(0.0, 0.4, 1.0),
    counts=(40, 100, 200, 400),
    most_epochs=300,
    dropouts=(0.25, 0.5, 0.65, 0.75, 0.8, 0.85),
    decays=(0.005, 0.006, 0.007, 0.008, 0.009, 0.01, 0.014, 0.02),
    allowed=1.0,
    noise_share=0.4,
    noise_rate=0.1,
    noise_batch=10,
    noise_factor=4,
)
