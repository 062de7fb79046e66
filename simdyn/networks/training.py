"""Training of a network of PyTorch by gradient descent, SGD with fresh batches, or Adam."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from potentials.torch_jacobian import checked_targets, torch_module
from simdyn.errors import InputError
from simdyn.networks.losses import mean_loss

if TYPE_CHECKING:
    import torch

DIVERGED = 1e6
"""A loss beyond this ends the training."""


@dataclass(frozen=True)
class Training:
    """How a training ended.

    Attributes
    ----------
    steps
        Steps taken.
    loss
        Mean loss over all samples at the end.
    converged
        Whether it ended because the loss was small enough.
    """

    steps: int
    loss: float
    converged: bool


def train(
    module: torch.nn.Module,
    inputs: Any,
    targets: Any,
    *,
    learning_rate: float,
    batch_size: int | None = None,
    steps: int,
    tolerance: float = 0.0,
    look_every: int = 50,
    loss: Literal["squared", "cross_entropy"] = "squared",
    optimiser: Literal["sgd", "adam"] = "sgd",
    momentum: float = 0.0,
    seed: int = 0,
) -> Training:
    """Train a network, in place, on the mean loss over samples.

    Parameters
    ----------
    module
        Gives a vector of outputs for each sample.
    inputs, targets
        Arrays or tensors, samples along the first dimension; targets of shape (n, outputs), or the numbers of
        n classes for cross-entropy.
    learning_rate, momentum
        Of the optimiser; momentum for "sgd" alone.
    batch_size
        Samples of a step, a fresh subset without replacement; None for all, which is gradient descent.
    steps, tolerance, look_every
        Training ends after so many steps, or as soon as the mean loss over all samples, looked at every so
        many steps, is at most the tolerance.
    loss
        "squared", which is half of the sum of squares over outputs, or "cross_entropy" of their softmax.
    optimiser
        "sgd" or "adam" (Kingma & Ba 2015, with their defaults).
    seed
        Of the batches. Results are the same to the bit for the same seed, version of PyTorch and machine.

    Raises
    ------
    InputError
        No PyTorch, settings out of range, or targets that do not fit.
    """
    torch = torch_module()
    model = next(module.parameters())
    x = torch.as_tensor(inputs).to(model.dtype)
    n = len(x)
    y = checked_targets(targets, loss, n, module(x[:1]))
    y = y.to(model.dtype) if loss == "squared" else y
    for name, value, fits in (
        ("learning_rate", learning_rate, _positive),
        ("steps", steps, lambda v: _whole(v) and v >= 1),
        ("batch_size", batch_size, lambda v: v is None or (_whole(v) and 1 <= v <= n)),
        ("tolerance", tolerance, lambda v: isinstance(v, int | float) and v >= 0),
        ("look_every", look_every, lambda v: _whole(v) and v >= 1),
        ("momentum", momentum, lambda v: isinstance(v, int | float) and 0 <= v < 1),
        ("optimiser", optimiser, lambda v: v in ("sgd", "adam")),
    ):
        if not fits(value):
            raise InputError(f"{name} is {value!r}; {_RANGES[name].format(n=n)}.")
    if optimiser == "adam" and momentum:
        raise InputError("Adam has no momentum of this kind; leave it at 0.")
    rule = (
        torch.optim.SGD(module.parameters(), lr=learning_rate, momentum=momentum)
        if optimiser == "sgd"
        else torch.optim.Adam(module.parameters(), lr=learning_rate)
    )
    whole = batch_size is None or batch_size == n
    draws = torch.Generator().manual_seed(seed)

    def loss_now() -> float:
        with torch.no_grad():
            return float(mean_loss(loss, module(x), y))

    for step in range(steps):
        if step % look_every == 0:
            now = loss_now()
            if now <= tolerance or not now < DIVERGED:
                return Training(step, now, now <= tolerance)
        chosen = slice(None) if whole else torch.randperm(n, generator=draws)[:batch_size]
        rule.zero_grad()
        mean_loss(loss, module(x[chosen]), y[chosen]).backward()
        rule.step()
    now = loss_now()
    return Training(steps, now, now <= tolerance)


def accuracy(module: torch.nn.Module, inputs: Any, classes: Any) -> float:
    """Share of the samples whose class is found: by the largest output, or by the sign of a single one, which
    is negative for class 0.

    Parameters
    ----------
    inputs, classes
        Samples along the first dimension, and whole numbers from 0.
    """
    torch = torch_module()
    x = torch.as_tensor(inputs).to(next(module.parameters()).dtype)
    with torch.no_grad():
        z = module(x)
    found = (z[:, 0] > 0).long() if z.shape[1] == 1 else z.argmax(1)
    return float((found == torch.as_tensor(classes)).float().mean())


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


_RANGES: dict[str, str] = {
    "learning_rate": "give a positive number",
    "steps": "give a whole number of at least 1",
    "batch_size": "give a whole number from 1 to the number of samples, {n}",
    "tolerance": "give a number that is not negative",
    "look_every": "give a whole number of at least 1",
    "momentum": "give a number from 0 up to, and without, 1",
    "optimiser": 'it must be "sgd" or "adam"',
}
