"""Settings and grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.networks import can_train, one_thread
from simdyn.study import Dimension, Execution, Grid, Quantity, Results, check_at_least, check_contains
from studies.memorisation import eigenmodes, training
from studies.memorisation.samples import INPUTS, LABELS, REAL, noisy

if TYPE_CHECKING:
    from numpy.random import SeedSequence

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

ACCURACIES = (
    Quantity("train_accuracy", "", "share of the training samples that get their label, random or not"),
    Quantity("test_accuracy", "", "share of the other digits that get their true class"),
)
HALVES = (
    Quantity("first_half", "", "test accuracy on one half of the other digits"),
    Quantity("second_half", "", "and on the other half"),
)


def judged_radius(settings: Settings) -> float:
    """Half-width of the box that critical samples are judged by."""
    return sorted(settings.radii)[len(settings.radii) // 2]


def has_networks(results: Results) -> bool:
    """Whether a run was one with the networks."""
    return "course" in results.datasets


def grids(settings: Settings) -> list[Grid]:
    """With PyTorch all; without it the answer that there is nothing to run."""
    if not can_train():
        return [
            Grid(
                "nothing",
                "PyTorch and scikit-learn are not installed",
                [Dimension("run", (0,), "", "none")],
                [Quantity("networks", "", "that were trained")],
            )
        ]
    run = Dimension("run", settings.runs, "", "number of samples, labels, first parameters and batches")
    pair = Dimension("data", (REAL, LABELS), "", "what is learnt")
    three = Dimension("data", (REAL, LABELS, INPUTS), "", "what is learnt")
    courses = Dimension("data", training.kinds(settings), "", "what is learnt")
    mode = Dimension("mode", range(1, settings.modes + 1), "", "eigenvector, largest eigenvalue first")
    units = f"{settings.samples} digits, two hidden layers of {settings.width}, cross-entropy, batches of "
    units += f"{settings.batch}, learning rate {settings.rate:g}."
    return [
        Grid(
            "first_epoch",
            "After the first epoch: are all samples alike?",
            [three],
            [
                Quantity("share", "", "of the samples that are right, mean of all runs"),
                Quantity("dispersion", "", "variance of the counts of runs over that of samples alike"),
                Quantity("p_value", "", "that samples can be exchanged within runs"),
                Quantity("variance", "", "of the probability to be right, over samples"),
                Quantity("low", "", "lower end of its 95 % interval"),
                Quantity("high", "", "upper end of its 95 % interval"),
                Quantity("within", "", "the variance within classes, mean of the classes"),
            ],
            f"{settings.first_samples} digits, equally many of each class, the same in "
            f"{settings.first_runs} runs from other parameters.",
        ),
        Grid(
            "difficulty",
            "How often samples are right after the first epoch",
            [three, Dimension("rank", settings.ranks, "", "share of the samples that are right less often")],
            [
                Quantity("frequency", "", "share of the runs in which such a sample is right"),
                Quantity("binomial", "", "the same if all samples were alike and independent"),
            ],
        ),
        Grid(
            "components",
            "Learning along eigenvectors, linearised",
            [mode, Dimension("step", settings.marks, "steps", "steps taken")],
            [
                Quantity("exact", "", "error along the eigenvector, in closed form"),
                Quantity("gd", "", "the same by gradient descent in function space"),
                Quantity("sgd", "", f"mean of {settings.paths} paths of SGD"),
                Quantity("error", "", "its standard error"),
            ],
        ),
        Grid(
            "order",
            "Steps to half the error along eigenvectors",
            [Dimension("width", settings.eigen_widths, "", "hidden units of a network"), pair, mode, run],
            [
                Quantity("measured", "steps", "by gradient descent of the network"),
                Quantity("predicted", "steps", "of the linearised network, in closed form"),
            ],
            f"{settings.eigen_samples} digits, odd or even, squared loss, one hidden layer.",
        ),
        Grid(
            "alignment",
            "Where the targets lie",
            [pair, Dimension("directions", settings.directions, "", "first eigenvectors"), run],
            [Quantity("held", "", "share of the targets' square, less their mean, in these")],
        ),
        Grid(
            "kernel",
            "A linearised classifier in the course of training",
            [
                Dimension("data", eigenmodes.kernel_kinds(settings), "", "what is learnt"),
                Dimension("time", settings.kernel_times, "1/lambda", "eta t, lambda the largest eigenvalue"),
                run,
            ],
            [*ACCURACIES, *HALVES],
            f"{settings.samples} digits, closed form, squared loss, {settings.kernel_width} hidden units.",
        ),
        Grid(
            "course",
            "In the course of training",
            [courses, Dimension("epoch", settings.epochs, "epochs", "passes over the samples"), run],
            [
                *ACCURACIES,
                *HALVES,
                Quantity("learnt_wrong", "", "share of the wrong labels that are reproduced"),
                Quantity("gini", "", "Gini's coefficient of |df_i/dx_i|_1 over training samples"),
            ],
            units,
        ),
        Grid(
            "critical",
            "Critical sample ratio",
            [
                courses,
                Dimension("epoch", settings.critical_epochs, "epochs", "passes over the samples"),
                Dimension("radius", settings.radii, "", "half-width of the box; pixels go from 0 to 1"),
                run,
            ],
            [Quantity("critical", "", "share of training samples with another class in the box")],
        ),
        Grid(
            "capacity",
            "Accuracy by hidden units",
            [
                Dimension("data", [noisy(share) for share in settings.capacity_shares], "", "what is learnt"),
                Dimension("units", settings.units, "", "in each hidden layer"),
                run,
            ],
            ACCURACIES,
            f"After {settings.epochs[-1]} epochs.",
        ),
        Grid(
            "time",
            "Steps until all samples are right",
            [
                three,
                Dimension("samples", settings.counts, "", "to train on"),
                Dimension("units", (settings.width, 2 * settings.width), "", "in each hidden layer"),
                run,
            ],
            [Quantity("steps", "steps", f"missing where {settings.most_epochs} epochs were not enough")],
        ),
        Grid(
            "regularisers",
            "Held back from memorising",
            [Dimension("regulariser", training.regularisers(settings), "", "and its strength"), pair, run],
            ACCURACIES,
            f"Means of {training.LATE} looks in the last quarter of {settings.epochs[-1]} epochs.",
        ),
        Grid(
            "noise",
            "Where half of the wrong labels are learnt",
            [Dimension("sgd", tuple(training.sgd_settings(settings)), "", "learning rate and batch"), run],
            [*ACCURACIES, Quantity("epochs", "epochs", "until then; missing if it never was")],
            f"{noisy(settings.noise_share)}.",
        ),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell. The number of the run seeds what it draws."""
    if grid == "nothing":
        return {"networks": 0}
    with one_thread():
        return (training.CELLS | eigenmodes.CELLS)[grid](settings, **parameters)
