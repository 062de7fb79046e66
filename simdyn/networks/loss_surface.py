"""The mean loss of a network as a function of all its parameters."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from potentials.torch_jacobian import checked_targets, torch_module
from simdyn.errors import InputError
from simdyn.networks.losses import mean_loss

if TYPE_CHECKING:
    import torch

Array = np.ndarray

_TOGETHER = 32
"""Products with the Hessian that are computed at once."""


class LossSurface:
    """Mean loss over samples of a network of PyTorch, a function of the vector of its d parameters.

    The network is copied, works in double precision and as in evaluation: dropout is off, and batch norm uses
    its running averages.

    Parameters
    ----------
    module
        Gives a vector of outputs for each sample.
    inputs, targets
        Samples along the first dimension; targets of shape (n, outputs), or the numbers of n classes for
        cross-entropy.
    loss
        "squared", which is half of the sum of squares over outputs, or "cross_entropy" of their softmax.

    Raises
    ------
    InputError
        No PyTorch, or targets that do not fit.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        inputs: Any,
        targets: Any,
        loss: Literal["squared", "cross_entropy"] = "squared",
    ) -> None:
        torch = torch_module()
        self._module = copy.deepcopy(module).double().eval()
        for value in self._module.parameters():
            value.requires_grad_(False)
        self._inputs = torch.as_tensor(inputs).double()
        self._targets = checked_targets(targets, loss, len(self._inputs), self._module(self._inputs[:1]))
        self._loss = loss
        self._names = [name for name, _ in self._module.named_parameters()]
        self._shapes = [value.shape for value in self._module.parameters()]
        self._sizes = [value.numel() for value in self._module.parameters()]

    @property
    def dim(self) -> int:
        """Number of parameters d."""
        return sum(self._sizes)

    @property
    def size(self) -> int:
        """Number of samples n."""
        return len(self._inputs)

    @property
    def parameters(self) -> Array:
        """Those of the network, shape (d,), in the order of `module.parameters()`."""
        values = [value.flatten() for value in self._module.parameters()]
        return np.array(torch_module().cat(values).numpy())

    def module_at(self, x: Array) -> torch.nn.Module:
        """A copy of the network with other parameters."""
        module = copy.deepcopy(self._module)
        for value, other in zip(module.parameters(), self._parts(self._vector(x)).values(), strict=True):
            value.copy_(other)
        return module

    def energy(self, x: Array) -> float:
        """Mean loss at x, shape (d,)."""
        return float(self._mean(self._vector(x)))

    def gradient(self, x: Array) -> Array:
        """Its gradient, shape (d,)."""
        from torch.func import grad

        return np.array(grad(self._mean)(self._vector(x)).numpy())

    def energies(self, points: Array) -> Array:
        """Mean loss at many points at once, shape (k, d); shape (k,)."""
        from torch.func import vmap

        return np.array(vmap(self._mean)(self._vectors(points)).numpy())

    def gradients(self, points: Array) -> Array:
        """Gradients at many points at once, both of shape (k, d)."""
        from torch.func import grad, vmap

        return np.array(vmap(grad(self._mean))(self._vectors(points)).numpy())

    def hessian_product(self, x: Array, direction: Array) -> Array:
        """The Hessian at x times a direction, both of shape (d,)."""
        from torch.func import grad, jvp

        _, product = jvp(grad(self._mean), (self._vector(x),), (self._vector(direction),))
        return np.array(product.numpy())

    def hessian_products(self, x: Array, directions: Array) -> Array:
        """The Hessian at x times many directions, in rows of shape (k, d), as are the products."""
        from torch.func import grad, jvp, vmap

        at = self._vector(x)
        rows = np.asarray(directions, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise InputError(
                f"Directions of shape {rows.shape} are given, but the network has {self.dim} parameters; "
                "give one direction a row."
            )

        def product(direction: Any) -> Any:
            return jvp(grad(self._mean), (at,), (direction,))[1]

        parts = torch_module().as_tensor(rows).split(_TOGETHER)
        return np.concatenate([vmap(product)(part).numpy() for part in parts])

    def hessian(self, x: Array) -> Array:
        """The whole Hessian at x, shape (d, d), through products with all unit vectors."""
        return self.hessian_products(x, np.eye(self.dim))

    def sample_gradients(self, x: Array) -> Array:
        """Gradient of each sample's loss, shape (n, d)."""
        from torch.func import grad, vmap

        def of_sample(vector: Any, one: Any, target: Any) -> Any:
            return mean_loss(self._loss, self._outputs(vector, one[None]), target[None])

        rows = vmap(grad(of_sample), in_dims=(None, 0, 0))(self._vector(x), self._inputs, self._targets)
        return np.array(rows.numpy())

    def _vector(self, x: Array) -> Any:
        values = np.asarray(x, dtype=np.float64)
        if values.shape != (self.dim,):
            raise InputError(
                f"A point of shape {values.shape} is given, but the network has {self.dim} parameters; give "
                "one number for each."
            )
        return torch_module().as_tensor(values)

    def _vectors(self, points: Array) -> Any:
        values = np.asarray(points, dtype=np.float64)
        if values.ndim != 2:
            raise InputError(f"Points of shape {values.shape} are given; give one in each row.")
        for x in values[:1]:
            self._vector(x)
        return torch_module().as_tensor(values)

    def _parts(self, vector: Any) -> dict[str, Any]:
        parts = zip(self._names, vector.split(self._sizes), self._shapes, strict=True)
        return {name: part.view(shape) for name, part, shape in parts}

    def _outputs(self, vector: Any, inputs: Any) -> Any:
        from torch.func import functional_call

        return functional_call(self._module, self._parts(vector), (inputs,))

    def _mean(self, vector: Any) -> Any:
        return mean_loss(self._loss, self._outputs(vector, self._inputs), self._targets)
