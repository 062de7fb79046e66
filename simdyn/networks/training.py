"""Training of a network of PyTorch by gradient descent, SGD with fresh batches, or Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from potentials.torch_jacobian import checked_targets, in_evaluation, torch_module
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
    weight_decay: float = 0.0,
    sampling: Literal["without_replacement", "epoch_shuffle"] = "without_replacement",
    seed: int = 0,
) -> Training:
    """Train a network, in place, on the mean loss over samples.

    Dropout is at work in the steps, and off where the loss is looked at and afterwards.

    Parameters
    ----------
    module
        Gives a vector of outputs for each sample.
    inputs, targets
        Arrays or tensors, samples along the first dimension; targets of shape (n, outputs), or the numbers of
        n classes for cross-entropy.
    learning_rate, momentum
        Of the optimiser; momentum for "sgd" alone.
    batch_size, sampling
        Samples of a step; None for all, which is gradient descent. "without_replacement" takes a fresh subset
        each step, "epoch_shuffle" each sample once in an epoch of n / batch_size steps.
    steps, tolerance, look_every
        Training ends after so many steps, or as soon as the mean loss over all samples, looked at every so
        many steps, is at most the tolerance.
    loss
        "squared", which is half of the sum of squares over outputs, or "cross_entropy" of their softmax.
    optimiser
        "sgd" or "adam" (Kingma & Ba 2015, with their defaults).
    weight_decay
        This times the parameters is added to the gradient of each step: that of half of it times their sum of
        squares.
    seed
        Of the batches, and of dropout. Results are the same to the bit for the same seed, version of PyTorch
        and machine.

    Raises
    ------
    InputError
        No PyTorch, settings out of range, or targets that do not fit.
    """
    torch = torch_module()
    model = next(module.parameters())
    x = torch.as_tensor(inputs).to(model.dtype)
    n = len(x)
    module.eval()
    y = checked_targets(targets, loss, n, module(x[:1]))
    y = y.to(model.dtype) if loss == "squared" else y
    for name, value in (
        ("learning_rate", learning_rate),
        ("steps", steps),
        ("batch_size", batch_size),
        ("tolerance", tolerance),
        ("look_every", look_every),
        ("momentum", momentum),
        ("weight_decay", weight_decay),
        ("optimiser", optimiser),
        ("sampling", sampling),
    ):
        checked_setting(name, value, n)
    if optimiser == "adam" and momentum:
        raise InputError("Adam has no momentum of this kind; leave it at 0.")
    rule = (
        torch.optim.SGD(module.parameters(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
        if optimiser == "sgd"
        else torch.optim.Adam(module.parameters(), lr=learning_rate, weight_decay=weight_decay)
    )
    batches = Batches(n, batch_size, sampling, seed)

    def loss_now() -> float:
        module.eval()
        with torch.no_grad():
            return float(mean_loss(loss, module(x), y))

    # Only dropout draws from it.
    with torch.random.fork_rng(devices=[]), _channels_innermost(module):
        torch.manual_seed(seed)
        for step in range(steps):
            if step % look_every == 0:
                now = loss_now()
                if now <= tolerance or not now < DIVERGED:
                    return Training(step, now, now <= tolerance)
                module.train()
            chosen = batches.next()
            rule.zero_grad()
            mean_loss(loss, module(x[chosen]), y[chosen]).backward()
            rule.step()
    now = loss_now()
    return Training(steps, now, now <= tolerance)


@contextmanager
def _channels_innermost(module: torch.nn.Module) -> Iterator[None]:
    """The order of entries in which convolutions of small images take up to half the time; as before in the
    end, since others want parameters that are contiguous."""
    torch = torch_module()
    kernels = [one for one in module.parameters() if one.dim() == 4 and one.is_contiguous()]
    for one in kernels:
        # `contiguous` would leave a kernel of one channel as it is, and its convolution slow.
        one.data = one.data.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        for one in kernels:
            one.data = one.data.to(memory_format=torch.contiguous_format)


class Batches:
    """The samples of one step after another.

    Parameters
    ----------
    n, batch_size, sampling, seed
        As for `train`.

    Raises
    ------
    InputError
        Epochs that do not come out even.
    """

    def __init__(self, n: int, batch_size: int | None, sampling: str, seed: int) -> None:
        self._torch = torch_module()
        self._n, self._size = n, n if batch_size is None else batch_size
        self._shuffled = sampling == "epoch_shuffle"
        if self._shuffled and n % self._size:
            raise InputError(
                f"batch_size is {self._size}, which does not divide the {n} samples; an epoch takes each of "
                "them once."
            )
        self._draws = self._torch.Generator().manual_seed(seed)
        self._order: Any = None
        self._at = 0

    def next(self) -> Any:
        """What picks them out: a slice for all, else their numbers."""
        if self._size == self._n:
            return slice(None)
        if self._order is None or not self._shuffled or self._at == self._n:
            self._order, self._at = self._torch.randperm(self._n, generator=self._draws), 0
        chosen = self._order[self._at : self._at + self._size]
        self._at += self._size
        return chosen


def accuracy(module: torch.nn.Module, inputs: Any, classes: Any) -> float:
    """Share of the samples whose class is found: by the largest output, or by the sign of a single one, which
    is negative for class 0. The network works as in evaluation, without dropout.

    Parameters
    ----------
    inputs, classes
        Samples along the first dimension, and whole numbers from 0.
    """
    torch = torch_module()
    x = torch.as_tensor(inputs).to(next(module.parameters()).dtype)
    with torch.no_grad(), in_evaluation(module):
        z = module(x)
    found = (z[:, 0] > 0).long() if z.shape[1] == 1 else z.argmax(1)
    return float((found == torch.as_tensor(classes)).float().mean())


def checked_setting(name: str, value: Any, n: int) -> None:
    """Refuse a setting of a training on n samples that is out of range.

    Raises
    ------
    InputError
        If it is.
    """
    fits, words = _RANGES[name]
    if not fits(value, n):
        raise InputError(f"{name} is {value!r}; {words.format(n=n)}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


_RANGES: dict[str, tuple[Callable[[Any, int], bool], str]] = {
    "learning_rate": (lambda v, _: _finite(v) and v > 0, "give a positive number"),
    "steps": (lambda v, _: _whole(v) and v >= 1, "give a whole number of at least 1"),
    "batch_size": (
        lambda v, n: v is None or (_whole(v) and 1 <= v <= n),
        "give a whole number from 1 to the number of samples, {n}",
    ),
    "tolerance": (
        lambda v, _: isinstance(v, int | float) and v >= 0,
        "give a number that is not negative",
    ),
    "look_every": (lambda v, _: _whole(v) and v >= 1, "give a whole number of at least 1"),
    "momentum": (
        lambda v, _: isinstance(v, int | float) and 0 <= v < 1,
        "give a number from 0 up to, and without, 1",
    ),
    "weight_decay": (lambda v, _: _finite(v) and v >= 0, "give a number that is not negative"),
    "optimiser": (lambda v, _: v in ("sgd", "adam"), 'it must be "sgd" or "adam"'),
    "sampling": (
        lambda v, _: v in ("without_replacement", "epoch_shuffle"),
        'it must be "without_replacement" or "epoch_shuffle"',
    ),
}
