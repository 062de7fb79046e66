"""Data that networks are trained on, small networks, and their training."""

from simdyn.networks.architectures import fully_connected, vgg
from simdyn.networks.images import Images, cifar10, digits, fashion_mnist
from simdyn.networks.training import Training, accuracy, train

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
