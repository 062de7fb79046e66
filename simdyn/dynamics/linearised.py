"""SGD near a minimum, where every sample's loss is a parabola: a product of random matrices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from potentials import SampleCurvatures
from simdyn.dynamics.checks import positive
from simdyn.dynamics.minibatch import check_sampling
from simdyn.dynamics.momentum import checked_momentum
from simdyn.dynamics.sgd import SGD
from simdyn.errors import InputError

Array = np.ndarray


@dataclass(frozen=True)
class LinearisedSGD:
    """v' = momentum v - eta H_B x, x' = x + v', with H_B the mean curvature of the samples of a batch.

    x counts from the minimum. Without momentum x' = (I - eta H_B) x.

    Attributes
    ----------
    curvatures
        H_1, ..., H_n.
    learning_rate
        eta > 0.
    batch_size
        B, a whole number, or None for the full gradient.
    sampling
        As in `SGD`.
    momentum
        In [0, 1).

    Raises
    ------
    InputError
        A number out of range, or a batch that cannot be drawn.
    """

    curvatures: SampleCurvatures
    learning_rate: float
    batch_size: int | None = 1
    sampling: str = "without_replacement"
    momentum: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive("learning_rate", self.learning_rate))
        object.__setattr__(self, "momentum", checked_momentum(self.momentum))
        check_sampling(self.sampling)
        if self.batch_size is None:
            return
        batch, n = positive("batch_size", self.batch_size), self.curvatures.size
        if batch != int(batch):
            raise InputError(
                f"batch_size is {self.batch_size!r}, but a real batch has a whole number of samples."
            )
        if self.sampling != "with_replacement" and batch > n:
            raise InputError(
                f"batch_size is {int(batch)}, but there are only {n} samples; take at most {n} or "
                'sampling="with_replacement".'
            )
        object.__setattr__(self, "batch_size", int(batch))

    @classmethod
    def of(cls, dynamics: Any, curvatures: SampleCurvatures) -> LinearisedSGD:
        """The recursion that `dynamics` becomes near a minimum.

        Raises
        ------
        InputError
            Anything but SGD with real batches or none, at a constant learning rate and batch size.
        """
        if not isinstance(dynamics, SGD):
            raise InputError(
                f"Linear stability is a question about SGD, but the dynamics is {type(dynamics).__name__}; "
                "give SGD(learning_rate=..., batch_size=...)."
            )
        if not isinstance(dynamics.noise, str) or dynamics.noise not in ("minibatch", "none"):
            raise InputError(
                f"Linear stability is a question about real batches, but noise is {dynamics.noise!r}; choose "
                'noise="minibatch", or "none" for gradient descent.'
            )
        for name in ("learning_rate", "batch_size"):
            value = getattr(dynamics, name)
            if isinstance(value, str) or callable(value) or not np.isscalar(value):
                raise InputError(
                    f"{name} is {value!r}, but linear stability needs it to be constant; give a number."
                )
        rate: Any = dynamics.learning_rate
        batch: Any = None if dynamics.noise == "none" else dynamics.batch_size
        return cls(curvatures, rate, batch, dynamics.sampling, dynamics.momentum)

    @property
    def share(self) -> float:
        """p_B: covariance of a batch's curvature over that of one sample's; 0 for the full gradient.

        1/B with replacement; (n - B) / (B (n - 1)) for a subset.
        """
        n, batch = self.curvatures.size, self.batch_size
        if batch is None or n == 1:
            return 0.0
        return 1.0 / batch if self.sampling == "with_replacement" else (n - batch) / (batch * (n - 1))

    @property
    def shuffled(self) -> bool:
        """Whether steps depend on one another, as those of an epoch do."""
        return self.sampling == "epoch_shuffle" and self.share > 0

    def at(self, learning_rate: float) -> LinearisedSGD:
        """The same with another learning rate."""
        return replace(self, learning_rate=learning_rate)

    def along(self, direction: int) -> LinearisedSGD:
        """Its part in one common direction of curvatures that commute."""
        directions = self.curvatures.directions
        assert directions is not None
        line = SampleCurvatures(np.ascontiguousarray(directions[:, direction, None, None]), None, 0)
        return replace(self, curvatures=line)
