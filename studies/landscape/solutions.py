"""Networks with one hidden layer on the digits: before, in and after training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from simdyn.networks import Images, LossSurface, Split, accuracy, digits, fully_connected, train

if TYPE_CHECKING:
    import torch

    from studies.landscape.network_settings import NetworkSettings

CLASSES = 10
"""Digits there are."""


@cache
def split(samples: int, classes: int, run: int) -> Split:
    """Digits below a number; each run draws its own, so that the spread over runs is that of the data too."""
    images = digits()
    kept = images.classes < classes
    return Split.of(Images(images.pixels[kept], images.classes[kept], images.name), samples, seed=run)


@dataclass(frozen=True, eq=False)
class Solution:
    """A network where its training stands.

    Attributes
    ----------
    module, data
        The network, and what it was trained on.
    steps, loss, reached
        Steps taken, the mean cross-entropy, and whether it is at most what was asked for.
    """

    module: torch.nn.Sequential
    data: Split
    steps: int
    loss: float
    reached: bool

    @cached_property
    def surface(self) -> LossSurface:
        """Cross-entropy of the training samples."""
        return LossSurface(self.module, self.data.inputs, self.data.classes, "cross_entropy")

    @property
    def test_accuracy(self) -> float:
        """Share of the other samples that are right."""
        return accuracy(self.module, self.data.test_inputs, self.data.test_classes)


def trained(
    settings: NetworkSettings,
    run: int,
    *,
    steps: int,
    classes: int = CLASSES,
    width: int | None = None,
    batch: int | None = None,
    rate: float | None = None,
    tolerance: float = 0.0,
) -> Solution:
    """Train from scratch for so many steps, or until the loss is at most the tolerance; 0 steps for none.

    Parameters
    ----------
    batch
        As many as there are samples for gradient descent; like the width and the rate, by default that of the
        settings.
    """
    data = split(settings.samples, classes, run)
    module = fully_connected((1, 8, 8), classes, width=width or settings.width, depth=1, seed=run)
    if not steps:
        loss = LossSurface(module, data.inputs, data.classes, "cross_entropy")
        return Solution(module, data, 0, loss.energy(loss.parameters), False)
    training = train(
        module,
        data.inputs,
        data.classes,
        learning_rate=rate or settings.rate,
        batch_size=batch or settings.batch,
        steps=steps,
        tolerance=tolerance,
        look_every=5,
        loss="cross_entropy",
        seed=run,
    )
    return Solution(module, data, training.steps, training.loss, training.converged)
