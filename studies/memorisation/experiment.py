"""Grids, and what measures their cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdyn.networks import can_train, one_thread
from simdyn.study import Dimension, Execution, Grid, Quantity, Results
from studies.memorisation import eigenmodes, training
from studies.memorisation.samples import INPUTS, LABELS, REAL, noisy
from studies.memorisation.settings import Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

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
