"""The same function with other parameters: rectified networks whose layers are scaled against each other."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from potentials.torch_jacobian import torch_module
from simdyn.errors import InputError

if TYPE_CHECKING:
    import torch


def rescaled(module: torch.nn.Sequential, scale: float, layer: int = 0) -> torch.nn.Sequential:
    """A copy with a layer times `scale` and the weights of the next one divided by it: the same function.

    Rectified linear units give alpha times the output for alpha times the input, alpha > 0, as flattening and
    pooling do. The biases of the layer are scaled with it, those of the next stay.

    Parameters
    ----------
    module
        Linear or convolutional layers with nothing but ReLU, MaxPool2d, AvgPool2d and Flatten between them.
    scale
        alpha, positive.
    layer
        Which of the layers with weights, from 0; there must be one after it.

    Raises
    ------
    InputError
        A network of another kind, or settings out of range.

    References
    ----------
    Dinh, Pascanu, Bengio & Bengio, ICML 2017 (arXiv 1703.04933), definition 5. The Hessian becomes S H S with
    S = diag(1/alpha, alpha) on the two layers.
    """
    nn = torch_module().nn
    if isinstance(scale, bool) or not np.isfinite(scale) or scale <= 0:
        raise InputError(f"scale is {scale!r}; give a positive number.")
    result = copy.deepcopy(module)
    layers = []
    for child in result.children():
        if isinstance(child, nn.Linear | nn.Conv2d):
            layers.append(child)
        elif not isinstance(child, nn.ReLU | nn.MaxPool2d | nn.AvgPool2d | nn.Flatten):
            raise InputError(
                f"The network has a layer {type(child).__name__}, which may not scale with its input; take "
                "one of linear and convolutional layers with ReLU, pooling and flattening between them."
            )
    if isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer < len(layers) - 1:
        raise InputError(
            f"layer is {layer!r}, but the network has {len(layers)} layers with weights; give a whole number "
            f"from 0 to {len(layers) - 2}."
        )
    this, following = layers[layer], layers[layer + 1]
    for value in this.parameters():
        value.data *= scale
    following.weight.data /= scale
    return result
