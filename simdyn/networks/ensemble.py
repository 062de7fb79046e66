"""Networks of one architecture trained side by side, far faster than one after the other."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from potentials.torch_jacobian import checked_targets, torch_module
from simdyn.errors import InputError
from simdyn.networks.losses import mean_loss
from simdyn.networks.training import Batches, checked_setting

if TYPE_CHECKING:
    import torch

Array = np.ndarray


class NetworkEnsemble:
    """Networks of one architecture, their parameters stacked, so that each step moves all of them at once.

    Parameters
    ----------
    modules
        One or more networks of the same architecture, without buffers such as those of batch norm. They are
        copied.

    Raises
    ------
    InputError
        No PyTorch, no network, or networks that cannot be stacked.
    """

    def __init__(self, modules: Sequence[torch.nn.Module]) -> None:
        torch_module()
        from torch.func import stack_module_state

        if not modules:
            raise InputError("There is no network; give at least one.")
        if next(modules[0].buffers(), None) is not None:
            raise InputError("The network has buffers, which cannot be trained side by side; use train.")
        shapes = [[(name, value.shape) for name, value in one.named_parameters()] for one in modules]
        if any(shape != shapes[0] for shape in shapes):
            raise InputError("The networks differ in their layers; give networks of one architecture.")
        self._parameters, _ = stack_module_state(list(modules))
        self._base = copy.deepcopy(modules[0]).eval()
        self._size = len(modules)

    def __len__(self) -> int:
        return self._size

    def module(self, member: int) -> torch.nn.Module:
        """One of the networks as it stands, a copy that works as in evaluation."""
        module = copy.deepcopy(self._base).eval()
        torch = torch_module()
        with torch.no_grad():
            for name, value in module.named_parameters():
                value.copy_(self._parameters[name][member])
        return module

    def outputs(self, inputs: Any) -> torch.Tensor:
        """Those of every network as in evaluation, shape (members, n, outputs).

        Parameters
        ----------
        inputs
            Shape (n, ...) for the same samples in all networks, as many dimensions as one network takes; or
            a sequence of such, one a network.
        """
        torch = torch_module()
        x = self._tensor(inputs)
        self._base.eval()
        with torch.no_grad():
            return self._forward(x)

    def correct(self, inputs: Any, classes: Any) -> Array:
        """Whether the largest output of each network is that of the class, shape (members, n).

        Parameters
        ----------
        inputs
            As for `outputs`.
        classes
            Whole numbers from 0, shape (n,) or (members, n).
        """
        found = self.outputs(inputs).argmax(2)
        return np.asarray((found == torch_module().as_tensor(np.asarray(classes))).numpy())

    def course(
        self,
        inputs: Any,
        targets: Any,
        *,
        looks: Sequence[int],
        learning_rate: float | Sequence[float],
        batch_size: int | None = None,
        weight_decay: float | Sequence[float] = 0.0,
        loss: Literal["squared", "cross_entropy"] = "squared",
        sampling: Literal["without_replacement", "epoch_shuffle"] = "without_replacement",
        seeds: Sequence[int] | None = None,
    ) -> Iterator[int]:
        """Train all networks by SGD, and stop for a look after so many steps.

        Each takes the same steps as `train` does with its seed, up to rounding, but for dropout, which is
        drawn for all together, and for a loss without bounds, which ends nothing here.

        Parameters
        ----------
        inputs, targets
            The same samples for all networks, or a sequence with the samples of each, equally many; targets
            as for `train`.
        looks
            Ascending numbers of steps, 0 for before training. The networks are at rest between them, and the
            last one ends the training.
        learning_rate, weight_decay
            One for all, or one a network.
        batch_size, loss, sampling
            As for `train`.
        seeds
            Of the batches of each network; by default 0, 1, 2, ... The first is that of dropout as well.

        Yields
        ------
        int
            The number of steps taken.

        Raises
        ------
        InputError
            Settings out of range, or targets that do not fit.
        """
        torch = torch_module()
        x, members = self._tensor(inputs), self._size
        y = self._targets(targets, loss, x)
        n = x.shape[1]
        rates = self._each("learning_rate", learning_rate, n)
        decays = self._each("weight_decay", weight_decay, n)
        checked_setting("batch_size", batch_size, n)
        checked_setting("sampling", sampling, n)
        steps = list(looks)
        if not steps or steps[0] < 0 or any(b <= a for a, b in pairwise(steps)):
            raise InputError(f"looks is {tuple(looks)!r}; give ascending numbers of steps from 0.")
        numbers = list(range(members)) if seeds is None else [int(seed) for seed in seeds]
        if len(numbers) != members:
            raise InputError(f"There are {len(numbers)} seeds for {members} networks; give one each.")
        return self._course(x, y, steps, rates, decays, batch_size, loss, sampling, numbers, torch)

    def _course(
        self,
        x: Any,
        y: Any,
        looks: list[int],
        rates: list[Any],
        decays: list[Any],
        batch_size: int | None,
        loss: str,
        sampling: str,
        seeds: list[int],
        torch: Any,
    ) -> Iterator[int]:
        n = x.shape[1]
        batches = [Batches(n, batch_size, sampling, seed) for seed in seeds]
        each = torch.arange(self._size)[:, None]
        whole = batch_size is None or batch_size == n
        held = list(self._parameters.values())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds[0])
            drawing = torch.get_rng_state()
        step = 0
        for look in looks:
            # Dropout draws from PyTorch's own generator, which is left as it is between looks.
            with torch.random.fork_rng(devices=[]):
                torch.set_rng_state(drawing)
                self._base.train()
                while step < look:
                    if whole:
                        at, wanted = x, y
                    else:
                        chosen = torch.stack([one.next() for one in batches])
                        at, wanted = x[each, chosen], y[each, chosen]
                    z = self._forward(at)
                    # The sum over networks of their mean losses: each one's gradient is its own.
                    total = mean_loss(loss, z.flatten(0, 1), wanted.flatten(0, 1)) * self._size
                    slopes = torch.autograd.grad(total, held)
                    with torch.no_grad():
                        for value, slope, rate, decay in zip(held, slopes, rates, decays, strict=True):
                            value -= rate * (slope if decay is None else slope + decay * value)
                    step += 1
                self._base.eval()
                drawing = torch.get_rng_state()
            yield step

    def _forward(self, x: Any) -> Any:
        from torch.func import functional_call, vmap

        def one(parameters: dict[str, Any], inputs: Any) -> Any:
            return functional_call(self._base, parameters, (inputs,))

        return vmap(one, randomness="different")(self._parameters, x)

    def _tensor(self, inputs: Any) -> Any:
        """Inputs of every network, shape (members, n, ...)."""
        torch = torch_module()
        model = next(iter(self._parameters.values()))
        if isinstance(inputs, list | tuple):
            if len(inputs) != self._size or len({np.shape(one) for one in inputs}) > 1:
                raise InputError(
                    f"There are samples for {len(inputs)} networks, but there are {self._size}; give each "
                    "equally many."
                )
            return torch.stack([torch.as_tensor(one).to(model.dtype) for one in inputs])
        x = torch.as_tensor(inputs).to(model.dtype)
        return x.expand(self._size, *x.shape)

    def _targets(self, targets: Any, loss: str, x: Any) -> Any:
        torch = torch_module()
        several = isinstance(targets, list | tuple)
        if several and len(targets) != self._size:
            raise InputError(f"There are targets for {len(targets)} networks, but there are {self._size}.")
        with torch.no_grad():
            probe = self.module(0)(x[0, :1])
        found = [checked_targets(one, loss, x.shape[1], probe) for one in (targets if several else [targets])]
        stacked = torch.stack(found).to(probe.dtype) if loss == "squared" else torch.stack(found)
        return stacked.expand(self._size, *stacked.shape[1:])

    def _each(self, name: str, value: Any, n: int) -> list[Any]:
        """For each stack of parameters a number, or numbers of its shape; None where it is zero."""
        torch = torch_module()
        if np.ndim(value) == 0:
            checked_setting(name, value, n)
            return [value if value else None] * len(self._parameters)
        values = [float(one) for one in value]
        if len(values) != self._size:
            raise InputError(f"{name} has {len(values)} values for {self._size} networks; give one each.")
        for one in values:
            checked_setting(name, one, n)
        held = self._parameters.values()
        return [
            torch.tensor(values, dtype=stack.dtype).reshape(-1, *[1] * (stack.ndim - 1)) for stack in held
        ]
