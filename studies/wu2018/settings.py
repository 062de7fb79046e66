"""Grid points and sample sizes of the two sizes of the study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    learning_rates=(0.14, 0.2, 0.3),
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
