"""Data that networks are trained on, small networks, and their training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.networks.architectures import fully_connected, vgg
    from simdyn.networks.images import Images, cifar10, digits, fashion_mnist
    from simdyn.networks.training import Training, accuracy, train

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.networks.architectures": ["fully_connected", "vgg"],
        "simdyn.networks.images": ["Images", "cifar10", "digits", "fashion_mnist"],
        "simdyn.networks.training": ["Training", "accuracy", "train"],
    },
)

__all__ = [
    "Images",
    "Training",
    "accuracy",
    "cifar10",
    "digits",
    "fashion_mnist",
    "fully_connected",
    "train",
    "vgg",
]
