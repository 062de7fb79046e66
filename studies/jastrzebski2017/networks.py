"""The cells of the networks: the largest curvature in the course of training, and rates of its directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.networks import one_thread

if TYPE_CHECKING:
    import torch

    from simdyn.networks import LossSurface, Split
    from studies.jastrzebski2017.settings import Settings

Array = np.ndarray

TOLERANCE = 1e-3
"""Relative, of eigenvalues."""


@dataclass(frozen=True, eq=False)
class Task:
    """Digits of one run to train and to test on, and the networks trained on them.

    Attributes
    ----------
    settings
        Of the study.
    run
        Number of the digits, first parameters and batches.
    split
        The digits.
    """

    settings: Settings
    run: int
    split: Split

    @staticmethod
    @cache
    def of(settings: Settings, run: int) -> Task:
        """Digits to train on drawn anew by each run, so that the spread over runs is that of the data, too;
        tested are all others."""
        from simdyn.networks import Split, digits

        return Task(settings, run, Split.of(digits(), settings.samples, seed=run))

    @property
    def targets(self) -> Array:
        """1 for the right class and 0 for the others, shape (n, 10)."""
        return np.eye(10, dtype=np.float32)[self.split.classes]

    def network(self) -> torch.nn.Module:
        """Before training."""
        from simdyn.networks import fully_connected

        channels, height, width = self.split.inputs.shape[1:]
        return fully_connected((channels, height, width), 10, seed=self.run)

    def surface(self, module: torch.nn.Module) -> LossSurface:
        """The mean loss, half of the sum of squares over outputs, around the parameters of a network."""
        from simdyn.networks import LossSurface

        return LossSurface(module, self.split.inputs, self.targets)

    def look(self, module: torch.nn.Module, *, curvature: bool = True) -> dict[str, float]:
        """Largest eigenvalue of the Hessian, which takes longest and may be left NaN, loss and accuracies."""
        from simdyn.networks import accuracy, top_eigenvalues

        surface = self.surface(module)
        return {
            "sharpness": float(top_eigenvalues(surface, surface.parameters, tolerance=TOLERANCE)[0][0])
            if curvature
            else np.nan,
            "loss": surface.energy(surface.parameters),
            "train_accuracy": accuracy(module, self.split.inputs, self.split.classes),
            "test_accuracy": accuracy(module, self.split.test_inputs, self.split.test_classes),
        }


def early(settings: Settings, eta: float, size: int, run: int, step: int) -> dict[str, float]:
    """Curvature after so many steps."""
    return _course(settings, eta, size, run)[settings.looks.index(step)]


@cache
def _course(settings: Settings, eta: float, size: int, run: int) -> tuple[dict[str, float], ...]:
    """At all looks; the cells of one training share it."""
    from simdyn.networks import train

    task = Task.of(settings, run)
    module = task.network()
    found, done = [], 0
    with one_thread():
        for number, step in enumerate(settings.looks):
            if step > done:
                train(
                    module,
                    task.split.inputs,
                    task.targets,
                    learning_rate=eta,
                    batch_size=size,
                    steps=step - done,
                    seed=1_000 * run + number,
                )
            done = step
            found.append(task.look(module))
    return tuple(found)


def steered(settings: Settings, factor: float, run: int) -> dict[str, float]:
    """Where SGD ends with a learning rate `factor` times as large along the sharpest directions."""
    import torch

    from simdyn.networks import top_eigenvalues

    task = Task.of(settings, run)
    module = task.network()
    x, y = torch.as_tensor(task.split.inputs), torch.as_tensor(task.targets)
    draws = torch.Generator().manual_seed(run)
    parameters = list(module.parameters())
    sharpest: Any = None
    with one_thread():
        for step in range(settings.steered_steps):
            if factor != 1.0 and step % settings.refresh == 0:
                surface = task.surface(module)
                start = None if sharpest is None else sharpest.numpy().sum(axis=1)
                _, vectors = top_eigenvalues(
                    surface, surface.parameters, settings.directions, tolerance=TOLERANCE, start=start
                )
                sharpest = torch.as_tensor(vectors.astype(np.float32))
            chosen = torch.randperm(len(x), generator=draws)[: settings.steered_batch_size]
            loss = ((module(x[chosen]) - y[chosen]) ** 2).sum(1).mean() / 2
            gradient = torch.cat([one.reshape(-1) for one in torch.autograd.grad(loss, parameters)])
            if sharpest is not None:
                gradient = gradient + (factor - 1) * (sharpest @ (sharpest.T @ gradient))
            _move(parameters, -settings.steered_rate * gradient)
        return task.look(module)


def _move(parameters: list[torch.nn.Parameter], by: torch.Tensor) -> None:
    import torch

    place = 0
    with torch.no_grad():
        for one in parameters:
            one += by[place : place + one.numel()].reshape(one.shape)
            place += one.numel()
