"""Data that networks are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.networks.images import Images, cifar10, digits, fashion_mnist

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.networks.images": ["Images", "cifar10", "digits", "fashion_mnist"],
    },
)

__all__ = ["Images", "cifar10", "digits", "fashion_mnist"]
