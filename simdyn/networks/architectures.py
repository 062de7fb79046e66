"""Small networks whose curvature is looked at: fully connected, and convolutional after VGG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from potentials.torch_jacobian import torch_module
from simdyn.errors import InputError

if TYPE_CHECKING:
    import torch


def fully_connected(
    pixels: tuple[int, int, int],
    outputs: int,
    *,
    width: int = 32,
    depth: int = 2,
    dropout: float = 0.0,
    seed: int = 0,
) -> torch.nn.Sequential:
    """Hidden layers of rectified linear units on all pixels.

    Parameters
    ----------
    pixels
        Channels, height and width of an image.
    outputs
        Outputs for an image.
    width, depth
        Units of a hidden layer, and how many of these there are.
    dropout
        Share of the hidden units that each training step leaves out (Srivastava et al. 2014); what is left is
        scaled up by 1 / (1 - dropout).
    seed
        Of the first parameters, drawn as PyTorch does by default.

    Raises
    ------
    InputError
        No PyTorch, or a dropout that is not from 0 up to, and without, 1.
    """
    torch = torch_module()
    if not (isinstance(dropout, int | float) and 0 <= dropout < 1):
        raise InputError(f"dropout is {dropout!r}; give a number from 0 up to, and without, 1.")
    with _seeded(torch, seed):
        sizes = [pixels[0] * pixels[1] * pixels[2], *[width] * depth]
        layers: list[Any] = [torch.nn.Flatten()]
        for before, after in pairwise(sizes):
            layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
            layers += [torch.nn.Dropout(dropout)] if dropout else []
        return torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], outputs))


def vgg(
    pixels: tuple[int, int, int], outputs: int, *, channels: tuple[int, ...] = (8, 16), seed: int = 0
) -> torch.nn.Sequential:
    """Blocks of a 3 by 3 convolution, pooled by two and rectified, then one hidden layer (after Simonyan &
    Zisserman 2015).

    Parameters
    ----------
    pixels, outputs, seed
        As for `fully_connected`.
    channels
        Of each block; every block halves height and width.

    Raises
    ------
    InputError
        No PyTorch, or an image too small to be halved so often.
    """
    torch = torch_module()
    height, width = (size >> len(channels) for size in pixels[1:])
    if not height or not width:
        raise InputError(
            f"Images of {pixels[1]} by {pixels[2]} pixels cannot be halved {len(channels)} times; give fewer "
            "blocks of channels."
        )
    with _seeded(torch, seed):
        layers: list[Any] = []
        for before, after in zip((pixels[0], *channels), channels, strict=False):
            # Pooled before rectified: the same function and gradient, and a quarter of the work.
            layers += [torch.nn.Conv2d(before, after, 3, padding=1), torch.nn.MaxPool2d(2), torch.nn.ReLU()]
        hidden = 2 * channels[-1]
        return torch.nn.Sequential(
            *layers,
            torch.nn.Flatten(),
            torch.nn.Linear(channels[-1] * height * width, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, outputs),
        )


@contextmanager
def _seeded(torch: Any, seed: int) -> Iterator[None]:
    """Parameters drawn from a seed, without a trace on PyTorch's own generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
