"""Grids, and the cells of the model problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.networks import can_train
from simdyn.study import Dimension, Execution, Grid, Quantity, Results
from studies.keskar2017 import networks
from studies.keskar2017.settings import FLAT, SHARP, Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

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
