"""Data that networks are trained on, small networks, their training, and the shape of their loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.networks.architectures import fully_connected, vgg
    from simdyn.networks.ensemble import NetworkEnsemble
    from simdyn.networks.gradient_noise import (
        Alignment,
        NoiseScale,
        alignment,
        noise_scale,
        outliers,
        top_space_share,
    )
    from simdyn.networks.images import Images, Split, cifar10, digits, fashion_mnist
    from simdyn.networks.input_moves import critical_samples, loss_sensitivity
    from simdyn.networks.loss_surface import LossSurface
    from simdyn.networks.pytorch import can_train, one_thread
    from simdyn.networks.rescaling import rescaled
    from simdyn.networks.sharpness import Sharpness, ball_sharpness, box_sharpness
    from simdyn.networks.spectrum import hessian_trace, top_eigenvalues
    from simdyn.networks.training import Training, accuracy, train

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.networks.architectures": ["fully_connected", "vgg"],
        "simdyn.networks.ensemble": ["NetworkEnsemble"],
        "simdyn.networks.gradient_noise": [
            "Alignment",
            "NoiseScale",
            "alignment",
            "noise_scale",
            "outliers",
            "top_space_share",
        ],
        "simdyn.networks.images": ["Images", "Split", "cifar10", "digits", "fashion_mnist"],
        "simdyn.networks.input_moves": ["critical_samples", "loss_sensitivity"],
        "simdyn.networks.loss_surface": ["LossSurface"],
        "simdyn.networks.pytorch": ["can_train", "one_thread"],
        "simdyn.networks.rescaling": ["rescaled"],
        "simdyn.networks.sharpness": ["Sharpness", "ball_sharpness", "box_sharpness"],
        "simdyn.networks.spectrum": ["hessian_trace", "top_eigenvalues"],
        "simdyn.networks.training": ["Training", "accuracy", "train"],
    },
)

__all__ = [
    "Alignment",
    "Images",
    "LossSurface",
    "NetworkEnsemble",
    "NoiseScale",
    "Sharpness",
    "Split",
    "Training",
    "accuracy",
    "alignment",
    "ball_sharpness",
    "box_sharpness",
    "can_train",
    "cifar10",
    "critical_samples",
    "digits",
    "fashion_mnist",
    "fully_connected",
    "hessian_trace",
    "loss_sensitivity",
    "noise_scale",
    "one_thread",
    "outliers",
    "rescaled",
    "top_eigenvalues",
    "top_space_share",
    "train",
    "vgg",
]
