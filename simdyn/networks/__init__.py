"""Data that networks are trained on."""

from simdyn.networks.images import Images, cifar10, digits, fashion_mnist

__all__ = ["Images", "cifar10", "digits", "fashion_mnist"]
