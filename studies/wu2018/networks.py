"""The cells of the networks: train, then look at the curvature where training ended."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.errors import InputError
from simdyn.networks import one_thread

if TYPE_CHECKING:
    import torch

    from simdyn.networks import Images, Split
    from studies.wu2018.experiment import Settings

Array = np.ndarray


def two_groups(data: str, folder: str) -> tuple[Images, Images | None]:
    """Images of class 0 and 1 to train on and, if the data set has them, others to test on.

    Digits and articles of clothing are split into their first and last five classes; of CIFAR-10 only
    aeroplanes (0) and automobiles (1) are kept.

    Raises
    ------
    InputError
        An unknown data set.
    """
    from simdyn.networks import Images, cifar10, digits, fashion_mnist

    if data == "digits":
        parts: list[Images | None] = [digits(), None]
    elif data == "fashion_mnist":
        parts = [fashion_mnist(folder, part) for part in ("train", "test")]
    elif data == "cifar10":
        parts = []
        for part in ("train", "test"):
            images = cifar10(folder, part)
            kept = images.classes < 2
            parts.append(Images(images.pixels[kept], images.classes[kept], images.name))
    else:
        raise InputError(f'data is {data!r}; it must be one of "digits", "fashion_mnist" and "cifar10".')
    limit = 1 if data == "cifar10" else 5
    first, second = (
        None if one is None else Images(one.pixels, (one.classes >= limit).astype(np.int64), one.name)
        for one in parts
    )
    assert first is not None
    return first, second


@dataclass(frozen=True, eq=False)
class Task:
    """Training and test samples, and how networks are trained on them; one for each settings.

    Attributes
    ----------
    settings
        Of the study.
    split
        The samples.
    """

    settings: Settings
    split: Split

    @staticmethod
    @cache
    def of(settings: Settings) -> Task:
        """The first so many of the shuffled training images; tested are the test images or all others."""
        from simdyn.networks import Split

        images, others = two_groups(settings.data, settings.folder)
        return Task(settings, Split.of(images, settings.samples, others=others))

    @property
    def targets(self) -> Array:
        """-1 and 1, shape (n, 1)."""
        return (2.0 * self.split.classes - 1.0)[:, None].astype(np.float32)

    def network(self, architecture: str, run: int) -> torch.nn.Module:
        """A network before training."""
        from simdyn.networks import fully_connected, vgg

        if architecture not in ("fully connected", "VGG"):
            raise InputError(f'the network is {architecture!r}; it must be "fully connected" or "VGG".')
        build = fully_connected if architecture == "fully connected" else vgg
        channels, height, width = self.split.inputs.shape[1:]
        return build((channels, height, width), 1, seed=run)

    def trained(self, module: torch.nn.Module, rate: float, batch: int, run: int, **options: Any) -> Any:
        """Train to the tolerance of the settings, or by the options."""
        from simdyn.networks import train

        limits = {"steps": self.settings.most_steps, "tolerance": self.settings.tolerance}
        with one_thread():
            return train(
                module,
                self.split.inputs,
                self.targets,
                learning_rate=rate,
                batch_size=batch if batch < len(self.split.inputs) else None,
                seed=run,
                **(limits | options),
            )

    def look(self, module: torch.nn.Module, batch: int) -> dict[str, float]:
        """Curvature, accuracy and loss where the parameters stand."""
        from potentials import FunctionSpace
        from simdyn.exact import gram_stability
        from simdyn.networks import accuracy

        with one_thread():
            space = FunctionSpace.from_torch(module, self.split.inputs, self.targets)
            stable = gram_stability.gram_mean_square_threshold(space, min(batch, len(self.split.inputs)))
            residuals = np.asarray(space.errors)
            return {
                "sharpness": gram_stability.gram_sharpness(space).value,
                "nonuniformity": gram_stability.gram_nonuniformity(space).value,
                "threshold": stable.value if hasattr(stable, "value") else stable.low,
                "train_accuracy": accuracy(module, self.split.inputs, self.split.classes),
                "test_accuracy": accuracy(module, self.split.test_inputs, self.split.test_classes),
                "loss": float((residuals**2).sum() / (2 * len(self.split.inputs))),
            }

    def minimum(self, architecture: str, rate: float, batch: int, run: int) -> dict[str, float]:
        """Where training from scratch ends."""
        n = len(self.split.inputs)
        module = self.network(architecture, run)
        training = self.trained(module, rate, batch, run)
        return {
            **self.look(module, batch),
            "steps": training.steps,
            "sharpness_bound": 2.0 / rate,
            "nonuniformity_bound": math.inf
            if batch >= n
            else math.sqrt(batch * (n - 1) / (n - batch)) / rate,
        }

    def after_switch(self, step: int, run: int) -> dict[str, float]:
        """Gradient descent to its minimum, then so many steps of SGD."""
        settings = self.settings
        module = copy.deepcopy(_descended(self, run))
        if step:
            self.trained(
                module, settings.switch_rate, settings.switch_batch_size, run, steps=step, tolerance=0.0
            )
        return self.look(module, settings.switch_batch_size)

    def with_optimiser(self, optimiser: str, run: int) -> dict[str, float]:
        """Where SGD or Adam ends."""
        settings = self.settings
        module = self.network(settings.architectures[0], run)
        rate = settings.adam_rate if optimiser == "adam" else max(settings.learning_rates)
        training = self.trained(module, rate, settings.adam_batch_size, run, optimiser=optimiser)
        return {**self.look(module, settings.adam_batch_size), "steps": training.steps}


@cache
def _descended(task: Task, run: int) -> torch.nn.Module:
    """Where gradient descent ends; the cells of the switch all begin there."""
    settings = task.settings
    module = task.network(settings.architectures[0], run)
    task.trained(module, settings.switch_rate, len(task.split.inputs), run)
    return module
