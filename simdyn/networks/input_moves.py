"""What moving the inputs of a network does: samples near a decision boundary, and how the loss changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from potentials.torch_jacobian import checked_targets, in_evaluation, torch_module
from simdyn.errors import InputError
from simdyn.networks.losses import mean_loss

if TYPE_CHECKING:
    import torch

Array = np.ndarray


def critical_samples(
    module: torch.nn.Module,
    inputs: Any,
    radius: float,
    *,
    step: float = 0.125,
    noise: float = 0.8,
    iterations: int = 30,
    seed: int = 0,
) -> Array:
    """Which samples have an input with another largest output in the box of half-width `radius` around them.

    The mean is the critical sample ratio of Arpit et al. (2017). The search is their Langevin adversarial
    sample search, signs of gradients with normal noise, clipped to the box. It goes down the distance
    between the largest output and the next one, where theirs goes down the largest output alone; so that
    without noise it is exact for networks that are linear in the inputs. Otherwise samples can be missed.

    Parameters
    ----------
    module
        Gives two or more outputs for each sample; works as in evaluation.
    inputs
        Samples along the first dimension.
    radius
        Of the box, in units of the inputs.
    step
        Of each iteration, in units of the radius.
    noise
        Standard deviation of the noise in units of the step; 0.8 in the paper.
    iterations
        Steps at most; 1 / step of them cross half the box.
    seed
        Of the noise.

    Returns
    -------
    numpy.ndarray
        True for a critical sample, shape (n,).

    Raises
    ------
    InputError
        No PyTorch, a single output, or settings out of range.
    """
    torch = torch_module()
    for name, value in (("radius", radius), ("step", step), ("iterations", iterations)):
        if not value > 0:
            raise InputError(f"{name} is {value!r}; give a positive number.")
    with in_evaluation(module):
        return _critical(torch, module, inputs, radius, step, noise, int(iterations), seed)


def _critical(
    torch: Any,
    module: Any,
    inputs: Any,
    radius: float,
    step: float,
    noise: float,
    iterations: int,
    seed: int,
) -> Array:
    x = torch.as_tensor(inputs).to(next(module.parameters()).dtype)
    with torch.no_grad():
        z = module(x)
    if z.ndim != 2 or z.shape[1] < 2:
        raise InputError("The network has one output; a critical sample needs two or more.")
    first = z.argmax(1)
    draws = torch.Generator().manual_seed(seed)
    open_ = torch.arange(len(x))
    moved = x.clone()
    for _ in range(iterations):
        at = moved[open_].requires_grad_(True)
        with torch.enable_grad():
            outputs = module(at)
            own = outputs.gather(1, first[open_, None])[:, 0]
            others = outputs.scatter(1, first[open_, None], -torch.inf).amax(1)
            (slope,) = torch.autograd.grad((own - others).sum(), at)
        kicks = torch.randn(at.shape, generator=draws, dtype=at.dtype) * noise
        change = at.detach() + step * radius * (kicks - slope.sign()) - x[open_]
        moved[open_] = x[open_] + change.clamp(-radius, radius)
        with torch.no_grad():
            open_ = open_[module(moved[open_]).argmax(1) == first[open_]]
        if not len(open_):
            break
    found = np.ones(len(x), dtype=bool)
    found[open_.numpy()] = False
    return found


def loss_sensitivity(
    module: torch.nn.Module,
    inputs: Any,
    targets: Any,
    loss: Literal["squared", "cross_entropy"] = "cross_entropy",
) -> Array:
    """Sum over the pixels of each sample of how its loss changes with them, |df_i/dx_i|_1, shape (n,).

    Parameters
    ----------
    module
        Gives a vector of outputs for each sample; works as in evaluation.
    inputs, targets, loss
        As for `train`.

    Raises
    ------
    InputError
        No PyTorch, or targets that do not fit.
    """
    torch = torch_module()
    x = torch.as_tensor(inputs).to(next(module.parameters()).dtype).clone().requires_grad_(True)
    with torch.enable_grad(), in_evaluation(module):
        y = checked_targets(targets, loss, len(x), module(x[:1]))
        outputs = module(x)
        total = mean_loss(loss, outputs, y.to(outputs.dtype) if loss == "squared" else y) * len(x)
        (slope,) = torch.autograd.grad(total, x)
    return np.asarray(slope.abs().flatten(1).sum(1).numpy())
