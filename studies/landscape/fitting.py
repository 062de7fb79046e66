"""How large a network must be to fit its data, and how it generalises around that size (Geiger et al.).

Networks that differ in their first parameters alone are trained side by side on the parity of digits with
some wrong labels: full gradients, Adam, and the quadratic hinge loss, whose gradient is exactly zero where
every sample keeps its margin.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.networks import digits

if TYPE_CHECKING:
    from studies.landscape.network_settings import NetworkSettings

Array = np.ndarray

MISSED = 1e-2
"""A margin is missed by more than this where a sample counts as not fitted."""

LOOK = 25
"""Steps between two looks at whether all margins are kept."""


@cache
def parity(settings: NetworkSettings, run: int) -> tuple[Array, Array, Array, Array]:
    """Digits as principal components of unit variance, and whether they are even (1) or odd (-1): training
    samples, some with the wrong sign, then the others."""
    images, n = digits(), settings.fit_samples
    drawn = images.sample(len(images), seed=run)
    pixels = drawn.pixels.reshape(len(drawn), -1)
    signs = np.where(drawn.classes % 2 == 0, 1.0, -1.0)
    middle = pixels[:n].mean(0)
    _, _, directions = np.linalg.svd(pixels[:n] - middle, full_matrices=False)
    parts = (pixels - middle) @ directions[: settings.fit_inputs].T
    parts /= parts[:n].std(0)
    wrong = np.random.default_rng(run).permutation(n)[: round(settings.fit_flips * n)]
    learnt = signs[:n].copy()
    learnt[wrong] *= -1
    return parts[:n], learnt, parts[n:], signs[n:]


def parameters(width: int, inputs: int) -> int:
    """Of a network with one hidden layer and one output."""
    return width * (inputs + 2) + 1


class Crowd:
    """Networks with one hidden layer of rectified linear units and one output, side by side.

    Parameters
    ----------
    members, inputs, width
        How many networks, and their size.
    seed
        Of the first parameters, uniform in +-1 / sqrt(inputs of a unit) as PyTorch draws them.
    """

    def __init__(self, members: int, inputs: int, width: int, seed: int) -> None:
        import torch

        draws = torch.Generator().manual_seed(seed)

        def uniform(rows: int, columns: int, fan: int) -> Any:
            return ((2 * torch.rand(members, rows, columns, generator=draws) - 1) / fan**0.5).requires_grad_()

        self.weights = [
            uniform(inputs, width, inputs),
            uniform(1, width, inputs),
            uniform(width, 1, width),
            uniform(1, 1, width),
        ]

    def outputs(self, x: Any) -> Any:
        """For samples of shape (n, inputs), the same for all; shape (members, n)."""
        first, first_bias, last, last_bias = self.weights
        return ((x @ first + first_bias).relu() @ last + last_bias)[..., 0]


@cache
def _floats(settings: NetworkSettings, run: int) -> tuple[Any, ...]:
    import torch

    return tuple(torch.as_tensor(part, dtype=torch.float32) for part in parity(settings, run))


def fitted(settings: NetworkSettings, width: int, run: int) -> dict[str, float]:
    """Cell of the grid "fitting"."""
    import torch

    x, y, test_x, test_y = _floats(settings, run)
    crowd = Crowd(settings.fit_members, settings.fit_inputs, width, run)
    rule = torch.optim.Adam(crowd.weights, lr=settings.fit_rate, fused=True)
    for step in range(settings.fit_steps):
        missed = (1 - y * crowd.outputs(x)).relu()
        if step % LOOK == 0 and not missed.any():
            break
        rule.zero_grad()
        (missed.square().sum() / (2 * len(x))).backward()
        rule.step()
    with torch.no_grad():
        missed = (1 - y * crowd.outputs(x)).relu()
        outputs = crowd.outputs(test_x)
    several = len(outputs) > 1
    return {
        "parameters": parameters(width, settings.fit_inputs),
        "loss": float(missed.square().mean() / 2),
        "fitted": float((missed.amax(1) < MISSED).float().mean()),
        "missed": float((missed > MISSED).float().mean()),
        "error": float((outputs * test_y <= 0).float().mean()),
        "together": float((outputs.mean(0) * test_y <= 0).float().mean()),
        "spread": float(outputs.var(0).mean().sqrt()) if several else np.nan,
    }
