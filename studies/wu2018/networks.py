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
    from studies.wu2018.settings import Settings

Array = np.ndarray

ESCAPES = 20
"""Escapes of which the mean is taken, from one minimum with different batches; they are short."""

LOSS_OF_ZERO = 0.5
"""Of a network that says 0 whatever it sees; one that ends there or above is at no minimum, but has died."""

LOOKS = ("sharpness", "nonuniformity", "train_accuracy", "test_accuracy", "loss")
STABLE = ("threshold", "theorem1")
"""What is seen where parameters stand, and what takes longer."""


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


_images = cache(two_groups)


@dataclass(frozen=True, eq=False)
class Task:
    """Training and test samples of one run, and how networks are trained on them.

    Attributes
    ----------
    settings
        Of the study.
    run
        Number of the samples, first parameters and batches.
    split
        The samples.
    """

    settings: Settings
    run: int
    split: Split

    @staticmethod
    @cache
    def of(settings: Settings, run: int) -> Task:
        """Training images drawn anew by each run, so that the spread over runs is that of the data as well;
        tested are the test images or all others."""
        from simdyn.networks import Split

        images, others = _images(settings.data, settings.folder)
        return Task(settings, run, Split.of(images, settings.samples, others=others, seed=run))

    @property
    def targets(self) -> Array:
        """-1 and 1, shape (n, 1)."""
        return (2.0 * self.split.classes - 1.0)[:, None].astype(np.float32)

    def network(self, architecture: str) -> torch.nn.Module:
        """A network before training."""
        from simdyn.networks import fully_connected, vgg

        if architecture not in ("fully connected", "VGG"):
            raise InputError(f'the network is {architecture!r}; it must be "fully connected" or "VGG".')
        build = fully_connected if architecture == "fully connected" else vgg
        channels, height, width = self.split.inputs.shape[1:]
        return build((channels, height, width), 1, seed=self.run)

    def trained(self, module: torch.nn.Module, rate: float, batch: int, **options: Any) -> Any:
        """Train to the tolerance of the settings, or by the options."""
        from simdyn.networks import train

        limits = {
            "steps": self.settings.most_steps,
            "tolerance": self.settings.tolerance,
            "seed": self.run,
        }
        with one_thread():
            return train(
                module,
                self.split.inputs,
                self.targets,
                learning_rate=rate,
                batch_size=batch if batch < len(self.split.inputs) else None,
                **(limits | options),
            )

    def look(self, module: torch.nn.Module, stable_for: int | None = None) -> dict[str, float]:
        """Curvature, accuracy and loss where the parameters stand, and which rates are stable for a batch.

        NaN throughout where training has diverged.
        """
        from potentials import FunctionSpace
        from simdyn.exact import gram_stability

        if self.diverged(module):
            return dict.fromkeys((*LOOKS, *(STABLE if stable_for is not None else ())), math.nan)
        with one_thread():
            space = FunctionSpace.from_torch(module, self.split.inputs, self.targets)
            residuals = np.asarray(space.errors)
            found = {
                "sharpness": gram_stability.gram_sharpness(space).value,
                "nonuniformity": gram_stability.gram_nonuniformity(space).value,
                **self.accuracies(module),
                "loss": float((residuals**2).sum() / (2 * len(self.split.inputs))),
            }
            # It takes far longer than all the rest.
            if stable_for is not None:
                stable = gram_stability.gram_mean_square_threshold(space, stable_for)
                found |= {
                    "threshold": stable.value if hasattr(stable, "value") else stable.low,
                    "theorem1": gram_stability.gram_theorem1_threshold(space, stable_for).value,
                }
            return found

    def diverged(self, module: torch.nn.Module) -> bool:
        """Whether the loss over the training samples is no number, or too large for one."""
        import torch

        with one_thread(), torch.no_grad():
            kind = next(module.parameters()).dtype
            outputs = module(torch.as_tensor(self.split.inputs).to(kind))
            return not bool(((outputs - torch.as_tensor(self.targets)) ** 2).sum().isfinite())

    def accuracies(self, module: torch.nn.Module) -> dict[str, float]:
        """Shares of the training and of the test samples that are right."""
        from simdyn.networks import accuracy

        return {
            "train_accuracy": accuracy(module, self.split.inputs, self.split.classes),
            "test_accuracy": accuracy(module, self.split.test_inputs, self.split.test_classes),
        }

    def minimum(self, architecture: str, rate: float, batch: int) -> dict[str, float]:
        """Where training from scratch ends; NaN if its loss is no number, or no less than that of zero."""
        n = len(self.split.inputs)
        module = self.network(architecture)
        training = self.trained(module, rate, batch)
        learnt = training.loss < LOSS_OF_ZERO
        found = self.look(module, min(batch, n)) if learnt else dict.fromkeys((*LOOKS, *STABLE), math.nan)
        return {
            **found,
            "steps": training.steps if learnt else math.nan,
            "sharpness_bound": 2.0 / rate,
            "nonuniformity_bound": math.inf
            if batch >= n
            else math.sqrt(batch * (n - 1) / (n - batch)) / rate,
        }

    def after_switch(self, step: int) -> dict[str, float]:
        """Gradient descent to its minimum, then so many steps of SGD."""
        settings = self.settings
        module = copy.deepcopy(_descended(self, settings.switch_rate))
        if step:
            self.trained(module, settings.switch_rate, settings.switch_batch_size, steps=step, tolerance=0.0)
        ends = (min(settings.switch_steps), max(settings.switch_steps))
        stable_for = settings.switch_batch_size if step in ends else None
        return {"threshold": math.nan, **self.look(module, stable_for)}

    def on_the_way(self, batch: int, step: int) -> dict[str, float]:
        """Accuracies after so many steps from scratch."""
        return _course(self, batch)[self.settings.course_steps.index(step)]

    def escape(self, descent_rate: float) -> dict[str, float]:
        """How many steps of SGD lead away from a minimum of gradient descent, and to the next."""
        settings = self.settings
        begin = _descended(self, descent_rate)
        found = {"sharpness": self.look(begin)["sharpness"], "left": math.nan, "settled": math.nan}
        left = []
        for draw in range(ESCAPES):
            module = copy.deepcopy(begin)
            steps = self._leave(module, draw)
            if steps is None:
                return found
            left.append(steps)
        found["left"] = float(np.mean(left))
        back = self.trained(
            module,
            settings.escape_rate,
            settings.switch_batch_size,
            steps=settings.escape_steps,
            look_every=10,
        )
        return found | ({"settled": steps + back.steps} if back.converged else {})

    def _leave(self, module: torch.nn.Module, draw: int) -> int | None:
        """Steps of SGD until the loss is ten times the tolerance, with batches of their own for each draw."""
        settings = self.settings
        for step in range(1, settings.escape_steps + 1):
            seed = 1_000_000 * (ESCAPES * self.run + draw + 1) + step
            one = self.trained(
                module,
                settings.escape_rate,
                settings.switch_batch_size,
                steps=1,
                tolerance=0.0,
                seed=seed,
            )
            # A loss that is not a number is larger, too.
            if not one.loss <= 10 * settings.tolerance:
                return step
        return None

    def with_optimiser(self, optimiser: str) -> dict[str, float]:
        """Where SGD or Adam ends."""
        settings = self.settings
        module = self.network(settings.architectures[0])
        rate = settings.adam_rate if optimiser == "adam" else max(settings.learning_rates)
        training = self.trained(module, rate, settings.adam_batch_size, optimiser=optimiser)
        found = self.look(module)
        return {**found, "steps": math.nan if math.isnan(found["loss"]) else training.steps}


@cache
def _descended(task: Task, rate: float) -> torch.nn.Module:
    """Where gradient descent ends; the cells of the switch and of escapes begin there."""
    module = task.network(task.settings.architectures[0])
    task.trained(module, rate, len(task.split.inputs))
    return module


@cache
def _course(task: Task, batch: int) -> tuple[dict[str, float], ...]:
    """At all steps; the cells of one training share it."""
    settings = task.settings
    module = task.network(settings.architectures[0])
    found, done = [], 0
    for step in settings.course_steps:
        task.trained(
            module,
            settings.switch_rate,
            batch,
            steps=step - done,
            tolerance=0.0,
            seed=1_000 * task.run + step,
        )
        done = step
        found.append(task.accuracies(module))
    return tuple(found)
