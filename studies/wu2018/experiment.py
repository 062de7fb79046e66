"""Settings, grids, and the cells of the model problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import QuadraticSum, curvatures_at, two_functions
from simdyn.networks import can_train
from simdyn.study import (
    Dimension,
    Execution,
    Grid,
    Quantity,
    Results,
    quantity_with_interval,
    value_with_interval,
)
from studies.wu2018 import bounds, networks

if TYPE_CHECKING:
    from numpy.random import SeedSequence

PAPER = "Wu, Ma & E 2018"
DECK = "slides on Wu, Ma & E 2018 (University of Virginia 2019)"

BESIDE = 1e-5
"""How far beside the minimum x = 1 paths start."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    example_rate, example_paths, example_steps
        Learning rate of the two functions, and the ensemble.
    example_rates
        Learning rates at which the share of runs that leave is measured.
    sharpness, nonuniformity, diagram_batch_sizes
        Cells of the measured diagram, at the learning rate 1; samples drawn with replacement.
    diagram_paths
        Paths of such a cell.
    plane_rates, plane_paths
        Learning rates of the example in two dimensions, and the ensemble; also of ways to draw batches.
    data, folder
        "digits", which scikit-learn ships; or "fashion_mnist" or "cifar10" from files in the folder.
    samples, architectures, learning_rates, batch_sizes, runs
        Of the networks; a batch size of all samples is gradient descent. CIFAR-10 is cut down to aeroplanes
        and automobiles.
    tolerance, most_steps
        Training ends at this loss.
    switch_rate, switch_batch_size, switch_steps
        Gradient descent, then SGD at the same learning rate, looked at after so many steps.
    course_steps
        Steps at which training from scratch is looked at, with gradient descent and with the least batches,
        at the learning rate of the switch.
    descent_rates, escape_rate, escape_steps
        Learning rates of gradient descent, whose minima SGD then leaves at a learning rate of its own, with
        the batches of the switch, followed for so many steps.
    adam_rate, adam_batch_size
        Of the adaptive optimiser; SGD runs beside it with the same batches at the largest learning rate.
    """

    example_rate: float
    example_paths: int
    example_steps: int
    example_rates: tuple[float, ...]
    sharpness: tuple[float, ...]
    nonuniformity: tuple[float, ...]
    diagram_batch_sizes: tuple[int, ...]
    diagram_paths: int
    plane_rates: tuple[float, ...]
    plane_paths: int
    data: str
    folder: str
    samples: int
    architectures: tuple[str, ...]
    learning_rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    runs: tuple[int, ...]
    tolerance: float
    most_steps: int
    switch_rate: float
    switch_batch_size: int
    switch_steps: tuple[int, ...]
    course_steps: tuple[int, ...]
    descent_rates: tuple[float, ...]
    escape_rate: float
    escape_steps: int
    adam_rate: float
    adam_batch_size: int


QUICK = Settings(
    example_rate=0.7,
    example_paths=2_000,
    example_steps=3_000,
    example_rates=(0.3, 0.5, 0.55, 0.57, 0.6, 0.7, 0.9),
    sharpness=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75),
    nonuniformity=(0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.2, 1.6),
    diagram_batch_sizes=(1, 4),
    diagram_paths=4_000,
    plane_rates=(0.5, 0.57, 0.6),
    plane_paths=100_000,
    data="digits",
    folder="",
    samples=200,
    architectures=("fully connected",),
    learning_rates=(0.1, 0.2),
    batch_sizes=(4, 20, 200),
    runs=(0, 1, 2, 3),
    tolerance=1e-3,
    most_steps=20_000,
    switch_rate=0.1,
    switch_batch_size=4,
    switch_steps=(0, 10, 30, 100, 300, 1_000, 3_000),
    course_steps=(30, 100, 300, 1_000),
    descent_rates=(0.07, 0.1, 0.2),
    escape_rate=0.15,
    escape_steps=6_000,
    adam_rate=0.001,
    adam_batch_size=20,
)
FULL = Settings(
    example_rate=0.7,
    example_paths=10_000,
    example_steps=10_000,
    example_rates=(0.3, 0.4, 0.5, 0.54, 0.55, 0.565, 0.57, 0.6, 0.65, 0.7, 0.8, 0.9),
    sharpness=tuple(np.round(np.arange(0.1, 2.0, 0.1), 10).tolist()),
    nonuniformity=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.1, 1.3, 1.5, 1.7, 1.9, 2.1),
    diagram_batch_sizes=(1, 2, 4),
    diagram_paths=10_000,
    plane_rates=(0.45, 0.5, 0.53, 0.57, 0.58, 0.6),
    plane_paths=400_000,
    data="digits",
    folder="",
    samples=1_000,
    architectures=("fully connected", "VGG"),
    learning_rates=(0.1, 0.2, 0.3),
    batch_sizes=(4, 20, 100, 1_000),
    runs=(0, 1, 2, 3),
    tolerance=1e-3,
    most_steps=20_000,
    switch_rate=0.1,
    switch_batch_size=4,
    switch_steps=(0, 10, 30, 100, 300, 1_000, 2_000, 3_000),
    course_steps=(10, 30, 100, 300, 1_000, 3_000),
    descent_rates=(0.07, 0.1, 0.14, 0.2),
    escape_rate=0.15,
    escape_steps=20_000,
    adam_rate=0.001,
    adam_batch_size=20,
)

CURVATURE = (
    Quantity("sharpness", "", "a, largest eigenvalue of the Hessian"),
    Quantity(
        "nonuniformity", "", "s, root of the largest eigenvalue of the covariance of the samples' Hessians"
    ),
    Quantity("train_accuracy", "", "share of the training samples that are right"),
    Quantity("test_accuracy", "", "share of the other samples that are right"),
    Quantity("loss", "", "mean squared loss over the training samples"),
)


def has_networks(results: Results) -> bool:
    """Whether a run was one with the networks."""
    return "minima" in results.datasets


def grids(settings: Settings) -> list[Grid]:
    """The two functions, the diagram, and with PyTorch the networks."""
    found = [
        Grid(
            "example",
            "The two functions",
            [Dimension("eta", settings.example_rates, "", "learning rate")],
            [
                *quantity_with_interval(
                    "left", "", "share of SGD runs from beside x = 1 that ended at x = 0"
                ),
                Quantity("descent_left", "", "share of gradient-descent runs that did"),
                Quantity("mean_square", "", "exact mean-square multiplier of a step at x = 1"),
                Quantity("growth", "per step", "exact mean growth of log |x - 1| at x = 1"),
                Quantity("sharpness_0", "", "a at x = 0"),
                Quantity("sharpness_1", "", "a at x = 1"),
                Quantity("nonuniformity_0", "", "s at x = 0"),
                Quantity("nonuniformity_1", "", "s at x = 1"),
            ],
            f"Runs start {BESIDE:g} beside x = 1; batch size 1.",
        ),
        Grid(
            "diagram",
            "Sharpness and non-uniformity",
            [
                Dimension("B", settings.diagram_batch_sizes, "", "batch size"),
                Dimension("a", settings.sharpness, "", "sharpness times learning rate"),
                Dimension("s", settings.nonuniformity, "", "non-uniformity times learning rate"),
            ],
            [
                *quantity_with_interval("square", "", "measured mean of x^2 after one step from 1"),
                Quantity("multiplier", "", "its exact value"),
                Quantity("in_box", "", "whether the cell lies in the box of Theorem 1's consequences"),
            ],
            "Two samples of curvature a - s and a + s in one dimension, drawn with replacement.",
        ),
        *bounds.bound_grids(settings),
    ]
    if not can_train():
        return found
    rates = Dimension("eta", settings.learning_rates, "", "learning rate")
    runs = Dimension("run", settings.runs, "", "number of the training samples, first parameters and batches")
    return [
        *found,
        Grid(
            "minima",
            "Minima that training ends at",
            [
                Dimension("architecture", settings.architectures, "", "network"),
                rates,
                Dimension("B", settings.batch_sizes, "", "batch size"),
                runs,
            ],
            [
                *CURVATURE,
                Quantity("steps", "steps", "steps that training took"),
                Quantity("sharpness_bound", "", "2/eta"),
                Quantity("nonuniformity_bound", "", "sqrt(B (n - 1) / (n - B)) / eta"),
                Quantity("threshold", "", "largest learning rate that is stable there in mean square"),
                Quantity(
                    "theorem1", "", "largest learning rate for which Theorem 1's inequality holds there"
                ),
            ],
            f"{settings.samples} samples of {settings.data} in two groups of classes, one output, squared "
            f"loss.",
            one_thread=True,
        ),
        Grid(
            "switch",
            "From gradient descent to SGD",
            [Dimension("step", settings.switch_steps, "steps", "steps of SGD after gradient descent"), runs],
            [
                *CURVATURE,
                Quantity(
                    "threshold",
                    "",
                    "largest learning rate that is stable there in mean square, at the first and last look",
                ),
            ],
            f"Learning rate {settings.switch_rate:g} throughout, batches of {settings.switch_batch_size}.",
        ),
        Grid(
            "adaptive",
            "An adaptive optimiser beside SGD",
            [Dimension("optimiser", ("sgd", "adam"), "", "optimiser"), runs],
            [*CURVATURE, Quantity("steps", "steps", "steps that training took")],
            f"Batches of {settings.adam_batch_size}; learning rate {max(settings.learning_rates):g} for "
            f"SGD and "
            f"{settings.adam_rate:g} for Adam.",
        ),
        Grid(
            "course",
            "Gradient descent and SGD after equally many steps",
            [
                Dimension("B", (min(settings.batch_sizes), settings.samples), "", "batch size"),
                Dimension("step", settings.course_steps, "steps", "steps of training"),
                runs,
            ],
            [
                Quantity("train_accuracy", "", "share of the training samples that are right"),
                Quantity("test_accuracy", "", "share of the other samples that are right"),
            ],
            f"From scratch, learning rate {settings.switch_rate:g}.",
        ),
        Grid(
            "escape",
            "How long SGD takes to leave minima of gradient descent",
            [
                Dimension("descent_rate", settings.descent_rates, "", "learning rate of gradient descent"),
                runs,
            ],
            [
                Quantity("sharpness", "", "a at the minimum of gradient descent"),
                Quantity(
                    "left",
                    "steps",
                    "steps of SGD until the loss is ten times the tolerance, mean; NaN if it is not",
                ),
                Quantity(
                    "settled", "steps", "steps until it is at most the tolerance again; NaN if it is not"
                ),
            ],
            f"Gradient descent to its minimum, then SGD with the learning rate {settings.escape_rate:g} and "
            f"batches of {settings.switch_batch_size}.",
            one_thread=True,
        ),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell."""
    if grid == "example":
        return _example(float(parameters["eta"]), seed, settings, execution)
    if grid == "diagram":
        return _diagram(parameters, seed, settings, execution)
    if grid == "plane":
        return bounds.plane(float(parameters["eta"]), seed, settings, execution)
    if grid == "scheme":
        return bounds.scheme(str(parameters["sampling"]), seed, settings, execution)
    run = int(parameters["run"])
    task = networks.Task.of(settings, run)
    if grid == "minima":
        return task.minimum(str(parameters["architecture"]), float(parameters["eta"]), int(parameters["B"]))
    if grid == "switch":
        return task.after_switch(int(parameters["step"]))
    if grid == "course":
        return task.on_the_way(int(parameters["B"]), int(parameters["step"]))
    if grid == "escape":
        return task.escape(float(parameters["descent_rate"]))
    return task.with_optimiser(str(parameters["optimiser"]))


def _example(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import SGD, simulate, stability
    from simdyn.inference import share_of

    landscape = two_functions()
    sgd, descent = SGD(eta, 1), SGD(eta, 2, noise="none")
    shares = []
    for dynamics, child in zip((sgd, descent), seed.spawn(2), strict=True):
        data = simulate(
            landscape,
            dynamics,
            start=[1.0 + BESIDE],
            paths=settings.example_paths,
            steps=settings.example_steps,
            seed=child,
            threads=execution.threads,
        )
        shares.append(share_of(np.abs(data["final"].values[:, 0]) < 0.1))
    at = [stability(landscape, sgd, at=f"x={x}", measure=False) for x in (0, 1)]
    return {
        **value_with_interval("left", shares[0]),
        "descent_left": shares[1].value,
        "mean_square": at[1].multiplier("mean_square"),
        "growth": float(np.log(at[1].multiplier("almost_sure"))),
        **{f"sharpness_{x}": at[x].sharpness for x in (0, 1)},
        **{f"nonuniformity_{x}": at[x].nonuniformity for x in (0, 1)},
    }


def _diagram(
    parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    from simdyn import SGD, theory
    from simdyn.dynamics.linearised import LinearisedSGD
    from simdyn.estimators import measure_growth
    from simdyn.inference import mean_of

    a, s, size = float(parameters["a"]), float(parameters["s"]), int(parameters["B"])
    samples = QuadraticSum(np.array([a - s, a + s]))
    linear = LinearisedSGD.of(
        SGD(1.0, size, sampling="with_replacement"), curvatures_at(samples, np.zeros(1))
    )
    growth = measure_growth(
        linear, paths=settings.diagram_paths, steps=2, seed=seed, threads=execution.threads
    )
    # One step has a handful of outcomes, so its mean can be seen in any ensemble.
    square = mean_of(np.exp(2 * growth.log_lengths[:, 0]))
    box = theory.stability_box(a, s, 1.0, batch_share=1.0 / size).value
    return {
        **value_with_interval("square", square),
        "multiplier": (1 - a) ** 2 + s**2 / size,
        "in_box": bool(box <= 1.0),
    }
