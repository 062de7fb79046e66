"""Settings, grids, and the cells of the model problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.networks import can_train
from simdyn.study import Dimension, Execution, Grid, Quantity, Results, check_at_least
from studies.keskar2017 import networks

if TYPE_CHECKING:
    from numpy.random import SeedSequence

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

LOOKS = (
    Quantity("train_loss", "", "mean cross-entropy over the training samples"),
    Quantity("test_loss", "", "mean cross-entropy over the other samples"),
    Quantity("train_accuracy", "", "share of the training samples that are right"),
    Quantity("test_accuracy", "", "share of the other samples that are right"),
)
SHARPNESS = Quantity("sharpness", "%", "100 (highest loss in the box - loss) / (1 + loss)")


def has_networks(results: Results) -> bool:
    """Whether a run was one with the networks."""
    return "solutions" in results.datasets


def grids(settings: Settings) -> list[Grid]:
    """The model, and with PyTorch the networks."""
    model = Grid(
        "concept",
        "A sharp and a flat minimum",
        [Dimension("shift", settings.shifts, "", "of the test loss against the training loss")],
        [
            Quantity(
                "sharp_rise", "", "test loss less training loss at the sharp minimum, mean of both sides"
            ),
            Quantity("flat_rise", "", "the same at the flat minimum"),
            Quantity("sharp", "%", "largest rise within the shift, over 1 + loss, at the sharp minimum"),
            Quantity("flat", "%", "the same at the flat minimum"),
        ],
        f"One coordinate, curvatures {SHARP:g} and {FLAT:g}, equal depths.",
    )
    if not can_train():
        return [model]
    runs = Dimension("run", settings.runs, "", "number of the training samples, first parameters and batches")
    architectures = Dimension("architecture", settings.architectures, "", "network")
    optimisers = Dimension("optimiser", ("sgd", "adam"), "", "optimiser")
    both = (settings.small_batch, settings.large_batch)
    batches = Dimension("B", both, "", "batch size")
    return [
        model,
        Grid(
            "solutions",
            "Where training ends",
            [architectures, optimisers, batches, runs],
            [
                *LOOKS,
                Quantity("steps", "steps", "steps that training took"),
                Quantity("distance", "", "from the first parameters"),
                Quantity("eigenvalue", "", "largest eigenvalue of the Hessian"),
                Quantity("slope", "", "length of the gradient"),
                Quantity("ball", "%", "100 (highest loss in the ball - loss) / (1 + loss)"),
                Quantity(
                    "ball_even", "%", "the same for the mean of the loss on both sides, without its gradient"
                ),
                Quantity("ball_formula", "%", "100 times largest eigenvalue r^2 / (2 (1 + loss))"),
            ],
            f"{settings.samples} digits, cross-entropy, trained until it is at most {settings.tolerance:g}.",
        ),
        Grid(
            "sharpness",
            "Sharpness of where training ends",
            [
                architectures,
                optimisers,
                batches,
                Dimension("space", ("full", "random"), "", "full space, or a random subspace"),
                Dimension("epsilon", settings.epsilons, "", "size of the box"),
                runs,
            ],
            [SHARPNESS],
            f"Random subspaces have {settings.subspace} dimensions.",
        ),
        Grid(
            "line",
            "On the line through both solutions",
            [architectures, optimisers, Dimension("alpha", settings.alphas, "", "place on the line"), runs],
            LOOKS,
            "0 is the solution of small batches, 1 that of large ones.",
        ),
        Grid(
            "batches",
            "Sharpness and accuracy by batch size",
            [Dimension("B", settings.batch_sizes, "", "batch size"), runs],
            [*LOOKS, SHARPNESS],
        ),
        Grid(
            "course",
            "Sharpness on the way down",
            [
                Dimension("level", settings.levels, "", "training loss at which it is looked at"),
                batches,
                runs,
            ],
            [*LOOKS, SHARPNESS, Quantity("steps", "steps", "steps that training took")],
        ),
        Grid(
            "epochs",
            "Equally many passes instead of equal loss",
            [batches, runs],
            [*LOOKS, SHARPNESS],
            f"{settings.epochs} passes over the data.",
        ),
        Grid(
            "warm",
            "Large batches from a warm start",
            [Dimension("start", settings.warm_epochs, "epochs", "passes with small batches before"), runs],
            [*LOOKS, SHARPNESS, Quantity("steps", "steps", "steps with large batches")],
            "Large batches until the loss is at most the tolerance.",
        ),
        Grid(
            "scaled",
            "The same function with other parameters",
            [
                Dimension("scale", settings.scales, "", "of the first layer; the second is divided by it"),
                runs,
            ],
            [
                *LOOKS,
                SHARPNESS,
                Quantity("change", "", "largest change of a test output, over the largest output"),
                Quantity("eigenvalue", "", "largest eigenvalue of the Hessian"),
            ],
            "From the solution of small batches.",
        ),
        Grid(
            "onwards",
            "On from the solution of large batches",
            [batches, runs],
            [
                Quantity(
                    "barrier", "", "highest loss on the straight line from there, over that at the higher end"
                ),
                Quantity("moved", "", "distance from there"),
                Quantity("train_loss", "", "mean cross-entropy over the training samples"),
            ],
            f"With either batch size as many steps as B = {settings.small_batch} takes in "
            f"{settings.epochs} passes.",
        ),
        Grid(
            "directions",
            "Steep directions",
            [batches, runs],
            [
                Quantity(
                    "held", "", f"share of the Hessian's trace in its steepest {settings.steep_share:.0%}"
                ),
                Quantity("trace", "", "of the Hessian"),
                Quantity("trace_error", "", "its standard error"),
            ],
        ),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell."""
    if grid == "concept":
        return _concept(float(parameters["shift"]))
    return networks.measured(grid, dict(parameters), settings)


def _concept(shift: float) -> dict[str, float]:
    from potentials import sharp_and_flat
    from simdyn.networks import ball_sharpness

    landscape = sharp_and_flat(sharp=SHARP, flat=FLAT)
    found = {}
    for name, place in (("sharp", -1.0), ("flat", 1.0)):
        x = np.array([place])
        sides = [float(landscape.energy(x + s)) for s in (-shift, shift)]
        found[f"{name}_rise"] = float(np.mean(sides) - landscape.energy(x))
        found[name] = ball_sharpness(landscape, x, shift).value
    return found
