"""Grids, and the cells of the model problems."""

from __future__ import annotations

from collections.abc import Mapping
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
from studies.wu2018.settings import BESIDE, Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

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
