"""Per-sample Jacobians of a PyTorch module, in which each sample's loss is half a square."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from potentials.errors import InputError

__all__ = ["LOSSES", "TorchJacobian", "checked_targets", "in_evaluation", "torch_module"]

Floats = NDArray[np.float64]

LOSSES = ("squared", "cross_entropy")

_SLICE = 1 << 14
"""Parameters over which products are added up in the network's own precision before they go into doubles."""


class TorchJacobian:
    """Rows J_i (k by p) and errors e_i (k) of every sample, such that to second order in the outputs the loss
    of a sample is |e_i + J_i x|^2 / 2 plus a constant, at a distance x from the parameters of now.

    For squared loss |z - y|^2 / 2 that is the Jacobian of the outputs, and z - y. For cross-entropy with
    probabilities q the curvature diag(q) - q q' of the loss in the outputs is W' W, where the rows of W are
    those of diag(sqrt q) (1 - 1 q') in an orthonormal basis of what is orthogonal to sqrt q: c - 1 of them,
    since a shift of all logits changes nothing. Then J_i is W times the Jacobian and e_i = -W 1_y / q_y, so
    that J_i' e_i is the gradient.

    The module works as in evaluation: dropout is off, and batch norm uses its running averages.

    Parameters
    ----------
    module, inputs, targets, loss
        See `LinearisedNetwork.from_torch`.

    Raises
    ------
    InputError
        PyTorch that is not there, or inputs and targets that do not fit.
    """

    def __init__(self, module: Any, inputs: Any, targets: Any, loss: str) -> None:
        torch = torch_module(", or hand in arrays")
        if not isinstance(module, torch.nn.Module):
            raise InputError(f"The network is {type(module).__name__}, but it must be a torch.nn.Module.")
        self._torch, self._module, self._loss = torch, module, loss
        self._parameters = {k: v.detach() for k, v in module.named_parameters() if v.requires_grad}
        self._fixed = {k: v.detach() for k, v in module.named_parameters() if not v.requires_grad}
        self._fixed |= {k: v.detach() for k, v in module.named_buffers()}
        if not self._parameters:
            raise InputError(
                "The network has no parameter with requires_grad: there is nothing to linearise."
            )
        self._model = next(iter(self._parameters.values()))
        self._inputs = torch.as_tensor(inputs)
        if self._inputs.ndim == 0 or not len(self._inputs):
            raise InputError("The inputs are empty: give at least one sample along the first dimension.")
        if self._inputs.is_floating_point():
            self._inputs = self._inputs.to(self._model.dtype)
        probe = self._outputs(self._inputs[:1])
        self._targets = checked_targets(targets, loss, len(self._inputs), probe)
        self.classes = int(probe.shape[1])
        self.size = len(self._inputs)
        self.outputs = self.classes - 1 if loss == "cross_entropy" else self.classes
        self.dim = sum(v.numel() for v in self._parameters.values())
        self.name = f"linearised {type(module).__name__}"

    def _outputs(self, inputs: Any) -> Any:
        with self._torch.no_grad():
            return self._functional(self._parameters, inputs)

    def _functional(self, parameters: dict[str, Any], inputs: Any) -> Any:
        from torch.func import functional_call

        with in_evaluation(self._module):
            return functional_call(self._module, {**parameters, **self._fixed}, (inputs,))

    def errors_and_weights(self, samples: slice) -> tuple[Any, Any]:
        """e, shape (m, k), and W, shape (m, k, c), of some samples, both in double precision."""
        torch = self._torch
        z = self._outputs(self._inputs[samples]).double()
        targets = self._targets[samples].to(z.device)
        if self._loss == "squared":
            return z - targets, torch.eye(self.classes, dtype=z.dtype, device=z.device).expand(len(z), -1, -1)
        log_q = torch.log_softmax(z, dim=1)
        q, root = log_q.exp(), (0.5 * log_q).exp()
        eye = torch.eye(self.classes, dtype=z.dtype, device=z.device)
        whole = root[:, :, None] * (eye - q[:, None, :])
        # A reflection that maps sqrt q to an axis: its other rows are an orthonormal basis of the rest.
        normal = root + eye[0]
        reflection = eye - 2 * normal[:, :, None] * normal[:, None, :] / (normal**2).sum(1)[:, None, None]
        weights = (reflection @ whole)[:, 1:]
        chosen = weights.gather(2, targets[:, None, None].expand(-1, self.outputs, 1))[:, :, 0]
        return -chosen / q.gather(1, targets[:, None]), weights

    def rows(self, samples: slice) -> Any:
        """J of some samples, shape (m, k, p), in the network's precision."""
        from torch.func import jacrev, vmap

        _, weights = self.errors_and_weights(samples)

        def weighted(parameters: dict[str, Any], one: Any, weight: Any) -> Any:
            return weight @ self._functional(parameters, one[None])[0]

        inputs = self._inputs[samples]
        with self._torch.no_grad():
            parts = vmap(jacrev(weighted), in_dims=(None, 0, 0))(
                self._parameters, inputs, weights.to(self._model.dtype)
            )
        return self._torch.cat([part.flatten(2) for part in parts.values()], dim=2)

    def chunks(self, memory: float, within: slice | None = None) -> Iterator[slice]:
        """Ranges of samples whose rows take up to `memory` bytes, at least one sample each."""
        first, last = (0, self.size) if within is None else (within.start, within.stop)
        step = max(1, int(memory // (self.outputs * self.dim * self._model.element_size())))
        return (slice(begin, min(begin + step, last)) for begin in range(first, last, step))

    def errors(self) -> Floats:
        """e of all samples, shape (n, k)."""
        parts = [self.errors_and_weights(part)[0] for part in self.chunks(1e8)]
        return np.asarray(self._torch.cat(parts).cpu().numpy(), dtype=np.float64)

    def dense(self) -> Floats:
        """J of all samples, shape (n, k, p)."""
        result = np.empty((self.size, self.outputs, self.dim))
        for part in self.chunks(2.5e8):
            result[part] = self.rows(part).cpu().numpy()
        return result

    def gram(self, memory: float) -> tuple[Floats, Floats]:
        """G = J J', shape (n k, n k), and e, shape (n, k), holding rows of J up to `memory` bytes.

        Most of it is for a group of samples whose rows stay while those of all later samples pass by.
        """
        k = self.outputs
        gram = np.empty((self.size * k, self.size * k))
        for held in self.chunks(memory * 0.7):
            rows = self._torch.empty(
                (held.stop - held.start) * k, self.dim, dtype=self._model.dtype, device=self._model.device
            )
            for part in self.chunks(memory * 0.1, held):
                rows[(part.start - held.start) * k : (part.stop - held.start) * k] = self._flat(part)
            here = slice(held.start * k, held.stop * k)
            gram[here, here] = self._product(rows, rows)
            for others in self.chunks(memory * 0.1, slice(held.stop, self.size)):
                there = slice(others.start * k, others.stop * k)
                block = self._product(rows, self._flat(others))
                gram[here, there], gram[there, here] = block, block.T
        return gram, self.errors()

    def _flat(self, samples: slice) -> Any:
        return self.rows(samples).reshape(-1, self.dim)

    def _product(self, a: Any, b: Any) -> Floats:
        """a b', added up slice by slice in doubles."""
        total = self._torch.zeros(len(a), len(b), dtype=self._torch.float64, device=a.device)
        for begin in range(0, self.dim, _SLICE):
            part = slice(begin, begin + _SLICE)
            total += a[:, part] @ b[:, part].T
        return np.asarray(total.cpu().numpy())


@contextmanager
def in_evaluation(module: Any) -> Iterator[None]:
    """A network works as in evaluation, without dropout, and afterwards as it did before."""
    before = {child: child.training for child in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for child, flag in before.items():
            child.training = flag


def checked_targets(targets: Any, loss: str, samples: int, probe: Any) -> Any:
    """Targets as a tensor: for squared loss of shape (samples, outputs) in double precision, for
    cross-entropy class numbers of shape (samples,).

    Parameters
    ----------
    targets, loss
        See `LinearisedNetwork.from_torch`.
    samples
        How many there are.
    probe
        What the network gives for one sample, shape (1, outputs).

    Raises
    ------
    InputError
        An unknown loss, outputs that are no vector, or targets that do not fit.
    """
    torch = torch_module()
    if probe.ndim != 2:
        raise InputError(
            f"The network gives outputs of shape {tuple(probe.shape[1:])} for a sample, but it must give "
            "one dimension of them: end it with a flattening layer."
        )
    n, c = samples, int(probe.shape[1])
    if loss not in LOSSES:
        raise InputError(f"loss is {loss!r}, but it must be one of: {', '.join(LOSSES)}.")
    given = torch.as_tensor(targets)
    if loss == "squared":
        given = given.to(torch.float64)
        given = given[:, None] if given.ndim == 1 else given
        if tuple(given.shape) != (n, c):
            raise InputError(
                f"The targets have shape {tuple(given.shape)}, but the outputs have {(n, c)}: give one "
                "target for each."
            )
        return given
    if c < 2:
        raise InputError("Cross-entropy needs a network with an output for each class, and this has one.")
    if given.is_floating_point() or tuple(given.shape) != (n,):
        raise InputError(
            f"The targets of cross-entropy must be {n} class numbers, but they are "
            f"{given.dtype} of shape {tuple(given.shape)}."
        )
    if int(given.min()) < 0 or int(given.max()) >= c:
        raise InputError(
            f"The targets hold classes from {int(given.min())} to {int(given.max())}, but the network "
            f"has outputs for 0 to {c - 1}."
        )
    return given.long()


def torch_module(otherwise: str = "") -> Any:
    """PyTorch, or one sentence on how to get it, which may end with another remedy.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise InputError(
            f'PyTorch is not installed; add it with pip install "simdyn[torch]"{otherwise}.'
        ) from None
    return torch
