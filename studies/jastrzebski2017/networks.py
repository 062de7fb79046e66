"""The cells of the networks: the largest curvature in the course of training, and rates of its directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.errors import InputError
from simdyn.networks import one_thread

if TYPE_CHECKING:
    import torch

    from studies.jastrzebski2017.experiment import Settings

Array = np.ndarray

TOLERANCE = 1e-3
"""Relative, of eigenvalues."""


@dataclass(frozen=True, eq=False)
class Task:
    """Digits to train and to test on, and the networks trained on them; one for each settings.

    Attributes
    ----------
    settings
        Of the study.
    inputs, classes, test_inputs, test_classes
        Samples along the first dimension.
    """

    settings: Settings
    inputs: Array
    classes: Array
    test_inputs: Array
    test_classes: Array

    @staticmethod
    @cache
    def of(settings: Settings) -> Task:
        """The first so many of the shuffled digits; tested are all others."""
        from simdyn.networks import digits

        images = digits()
        n = settings.samples
        if not 0 < n < len(images):
            raise InputError(
                f"samples is {n}, but {images.name} has {len(images)} images, some of which are for testing."
            )
        shuffled = images.sample(len(images))
        pixels = shuffled.pixels.astype(np.float32)
        return Task(settings, pixels[:n], shuffled.classes[:n], pixels[n:], shuffled.classes[n:])

    @property
    def targets(self) -> Array:
        """1 for the right class and 0 for the others, shape (n, 10)."""
        return np.eye(10, dtype=np.float32)[self.classes]

    def network(self, run: int) -> torch.nn.Module:
        """Before training."""
        from simdyn.networks import fully_connected

        channels, height, width = self.inputs.shape[1:]
        return fully_connected((channels, height, width), 10, seed=run)

    def look(self, module: torch.nn.Module) -> dict[str, float]:
        """Largest eigenvalue of the Hessian, loss and accuracies."""
        import torch

        from simdyn.networks import accuracy

        with torch.no_grad():
            errors = module(torch.as_tensor(self.inputs)).numpy() - self.targets
        return {
            "sharpness": float(largest_eigenvalues(self._hessian_of(module), _size(module), 1)[0][0]),
            "loss": float((errors.astype(float) ** 2).sum() / (2 * len(errors))),
            "train_accuracy": accuracy(module, self.inputs, self.classes),
            "test_accuracy": accuracy(module, self.test_inputs, self.test_classes),
        }

    def _hessian_of(self, module: torch.nn.Module) -> Callable[[Array], Array]:
        """The product of the Hessian of the mean loss with a vector."""
        import torch

        x, y = torch.as_tensor(self.inputs), torch.as_tensor(self.targets)
        parameters = list(module.parameters())
        loss = ((module(x) - y) ** 2).sum(1).mean() / 2
        gradient = torch.cat(
            [one.reshape(-1) for one in torch.autograd.grad(loss, parameters, create_graph=True)]
        )

        def product(vector: Array) -> Array:
            v = torch.as_tensor(np.ravel(vector).astype(np.float32))
            found = torch.autograd.grad(gradient, parameters, grad_outputs=v, retain_graph=True)
            return np.asarray(torch.cat([one.reshape(-1) for one in found]).numpy(), dtype=float)

        return product


def largest_eigenvalues(
    product: Callable[[Array], Array], size: int, count: int, start: Array | None = None
) -> tuple[Array, Array]:
    """The `count` largest eigenvalues, largest first, and their vectors in columns, by Lanczos' method.

    Parameters
    ----------
    product
        Of a symmetric matrix with a vector of `size` entries.
    start
        A vector near them, for speed.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    first = np.random.default_rng(0).standard_normal(size) if start is None else start
    operator = LinearOperator((size, size), matvec=product, dtype=float)
    values, vectors = eigsh(operator, k=count, which="LA", v0=first, tol=TOLERANCE)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]


def early(settings: Settings, eta: float, size: int, run: int, step: int) -> dict[str, float]:
    """Curvature after so many steps."""
    return _course(settings, eta, size, run)[settings.looks.index(step)]


@cache
def _course(settings: Settings, eta: float, size: int, run: int) -> tuple[dict[str, float], ...]:
    """At all looks; the cells of one training share it."""
    from simdyn.networks import train

    task = Task.of(settings)
    module = task.network(run)
    found, done = [], 0
    with one_thread():
        for number, step in enumerate(settings.looks):
            if step > done:
                train(
                    module,
                    task.inputs,
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

    task = Task.of(settings)
    module = task.network(run)
    x, y = torch.as_tensor(task.inputs), torch.as_tensor(task.targets)
    draws = torch.Generator().manual_seed(run)
    parameters = list(module.parameters())
    sharpest: Any = None
    with one_thread():
        for step in range(settings.steered_steps):
            if factor != 1.0 and step % settings.refresh == 0:
                start = None if sharpest is None else sharpest.numpy().sum(axis=1).astype(float)
                _, vectors = largest_eigenvalues(
                    task._hessian_of(module), _size(module), settings.directions, start
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


def _size(module: torch.nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())
