"""Small networks with equal noise, and the loss between their iterates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from simdyn.networks import one_thread
from simdyn.study import Dimension, Grid, Quantity
from studies.jastrzebski2017.networks import Task

if TYPE_CHECKING:
    import torch

    from studies.jastrzebski2017.settings import Settings

POINTS = 11
"""At which the loss between two iterates is looked at, ends included."""

MOVES = 20
"""Successive updates that a look at the walk goes along."""


def noise_grids(settings: Settings, runs: Dimension, outcomes: Sequence[Quantity]) -> list[Grid]:
    """Equal noise, and walks: for these runs, with these quantities of the networks that come out."""
    return [
        Grid(
            "equal",
            "Networks with equal noise",
            [
                Dimension("scaled", ("both", "batch"), "", "learning rate and batch size, or that alone"),
                Dimension("beta", settings.equal_factors, "", "factor of what is scaled"),
                runs,
                Dimension("epoch", settings.equal_epochs, "epochs", "passes over the data"),
            ],
            [Quantity("sharpness", "", "largest eigenvalue of the Hessian"), *outcomes],
            f"eta = {settings.equal_rate:g}, B = {settings.equal_batch_size} at the factor 1.",
        ),
        Grid(
            "moves",
            "Networks: the loss between iterates",
            [
                Dimension("eta", settings.move_rates, "", "learning rate"),
                Dimension("B", settings.move_sizes, "", "batch size; all samples are gradient descent"),
                runs,
                Dimension("step", settings.move_steps, "steps", "steps of training"),
            ],
            [
                Quantity("convex", "", "share of the updates along which the training loss is convex"),
                Quantity(
                    "bounce", "", "share of the updates with a lower loss between their ends than at both"
                ),
                Quantity("floor", "", "lowest loss along an update, mean"),
                Quantity("height", "", "loss at the ends of an update above that, mean"),
                Quantity("distance", "", "from the first parameters"),
                Quantity("sharpness", "", "largest eigenvalue of the Hessian, at the last look"),
                *outcomes,
            ],
            f"{MOVES} successive updates, {POINTS} places on each.",
        ),
    ]


def equal(settings: Settings, scaled: str, beta: int, run: int, epoch: int) -> dict[str, float]:
    """After so many passes, with what is scaled multiplied by the factor."""
    # Without a factor the two are one training.
    course = _equal_course(settings, "both" if beta == 1 else scaled, beta, run)
    return course[settings.equal_epochs.index(epoch)]


@cache
def _equal_course(settings: Settings, scaled: str, beta: int, run: int) -> tuple[dict[str, float], ...]:
    """At all looks; the cells of one training share it."""
    task = Task.of(settings, run)
    module = task.network()
    size = settings.equal_batch_size * beta
    rate = settings.equal_rate * (beta if scaled == "both" else 1)
    found, done = [], 0
    with one_thread():
        for epoch in settings.equal_epochs:
            steps = round(epoch * settings.samples / size)
            _train(task, module, rate, size, steps - done, 1_000_000 * (beta + 1) + 1_000 * run + epoch)
            done = steps
            found.append(task.look(module))
    return tuple(found)


def moves(settings: Settings, eta: float, size: int, run: int, step: int) -> dict[str, float]:
    """The loss between iterates after so many steps."""
    return _walk(settings, eta, size, run)[settings.move_steps.index(step)]


@cache
def _walk(settings: Settings, eta: float, size: int, run: int) -> tuple[dict[str, float], ...]:
    """At all looks; the cells of one training share it."""
    task = Task.of(settings, run)
    module = task.network()
    first = _parameters(module)
    found, done = [], 0
    with one_thread():
        for step in settings.move_steps:
            _train(task, module, eta, size, step - done, 1_000_000 * run + step)
            done = step + MOVES
            surface = task.surface(module)
            here, looks = surface.parameters, task.look(module, curvature=step == settings.move_steps[-1])
            losses = []
            for number in range(MOVES):
                _train(task, module, eta, size, 1, 1_000_000 * run + 500_000 + step + number)
                there = _parameters(module)
                shares = np.linspace(0.0, 1.0, POINTS)[:, None]
                losses.append(surface.energies((1 - shares) * here + shares * there))
                here = there
            values = np.array(losses)
            lowest = values.min(axis=1)
            found.append(
                {
                    "convex": float((np.diff(values, 2, axis=1) > 0).all(axis=1).mean()),
                    "bounce": float((lowest < np.minimum(values[:, 0], values[:, -1])).mean()),
                    "floor": float(lowest.mean()),
                    "height": float((values[:, [0, -1]].mean(axis=1) - lowest).mean()),
                    **looks,
                    "distance": float(np.linalg.norm(here - first)),
                }
            )
    return tuple(found)


def _parameters(module: torch.nn.Module) -> np.ndarray:
    """As one vector."""
    from torch.nn.utils import parameters_to_vector

    return np.array(parameters_to_vector(module.parameters()).detach().double().numpy())


def _train(task: Task, module: torch.nn.Module, eta: float, size: int, steps: int, seed: int) -> None:
    from simdyn.networks import train

    train(
        module,
        task.split.inputs,
        task.targets,
        learning_rate=eta,
        batch_size=size if size < len(task.split.inputs) else None,
        steps=steps,
        seed=seed,
    )
