"""The way down: where the gradient lies, how noisy it is, how large batches pay, and GD beside SGD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.inference import pooled_index, stable_index
from simdyn.networks import accuracy, noise_scale
from simdyn.networks.gradient_noise import top_space_share
from studies.landscape.solutions import CLASSES, trained

if TYPE_CHECKING:
    from simdyn.networks import LossSurface
    from studies.landscape.network_settings import NetworkSettings

Array = np.ndarray

GAIN = 0.01
"""A search for the minimum below is at its end where starting anew lowers the loss by no larger a share."""

FITTED = 1e-3
"""Or where the loss is below this: the minimum is at infinity, and all samples are right."""

STARTS, ITERATIONS = 8, 500
"""Of the search, at most, and of L-BFGS in each of them."""


def look(settings: NetworkSettings, step: int, run: int) -> dict[str, float]:
    """Cell of the grid "course"."""
    found = trained(settings, run, steps=step)
    surface, x = found.surface, found.surface.parameters
    scale = noise_scale(surface, x)
    return {
        "loss": found.loss,
        "share": top_space_share(surface, x, CLASSES, seed=run),
        "chance": CLASSES / surface.dim,
        "simple": scale.simple,
        "curved": scale.curved,
        "largest_rate": scale.largest_rate,
    }


def steps_to_loss(settings: NetworkSettings, B: int, rate: float, run: int) -> dict[str, float]:
    """Cell of the grid "tradeoff"."""
    found = trained(
        settings,
        run,
        steps=settings.tradeoff_steps,
        batch=B,
        rate=rate,
        tolerance=settings.tradeoff_loss,
    )
    return {"steps": found.steps if found.reached else np.nan, "loss": found.loss}


def tails(settings: NetworkSettings, B: int, run: int) -> dict[str, float]:
    """Cell of the grid "tails": stable indices of the noise of batches, coordinate by coordinate and pooled.

    Coordinates that never vary are left out.
    """
    found = trained(settings, run, steps=settings.tail_step)
    gradients = found.surface.sample_gradients(found.surface.parameters)
    centred = gradients - gradients.mean(0)
    scales = centred.std(0)
    kept = scales > 1e-9 * scales.max()
    centred, scales = centred[:, kept], scales[kept]
    rng = np.random.default_rng(run)
    noise = batch_means(centred, B, settings.tail_draws, rng)
    each = np.array([stable_index(column).value for column in noise.T])
    # One coordinate, drawn anew, of each draw: independent values, as the estimate takes them to be.
    picked = rng.integers(noise.shape[1], size=len(noise))
    values = noise[np.arange(len(noise)), picked]
    scaled = values / scales[picked]
    block = int(np.sqrt(len(noise)))
    return {
        "single": float(np.nanmedian(each)),
        "pooled": stable_index(values).value,
        "pooled_gaussian": pooled_index(scales, block),
        "scaled": stable_index(scaled).value,
        "kurtosis": float(np.median((noise**4).mean(0) / (noise**2).mean(0) ** 2 - 3.0)),
    }


def batch_means(samples: Array, size: int, draws: int, rng: np.random.Generator) -> Array:
    """Means of batches drawn without replacement from samples of shape (n, d); shape (draws, d)."""
    keys = rng.random((draws, len(samples)))
    chosen = np.argpartition(keys, size - 1, axis=1)[:, :size]
    weights = np.zeros_like(keys)
    np.put_along_axis(weights, chosen, 1.0 / size, axis=1)
    return np.asarray(weights @ samples)


def descent(settings: NetworkSettings, width: int, algorithm: str, run: int) -> dict[str, float]:
    """Cell of the grid "descent"."""
    batch = settings.samples if algorithm == "GD" else settings.batch
    found = trained(settings, run, steps=settings.descent_steps, width=width, batch=batch)
    loss, x = at_rest(found.surface)
    below = accuracy(found.surface.module_at(x), found.data.test_inputs, found.data.test_classes)
    return {
        "loss": found.loss,
        "test_accuracy": found.test_accuracy,
        "rest_loss": loss,
        "rest_accuracy": below if np.isfinite(loss) else np.nan,
    }


def at_rest(surface: LossSurface) -> tuple[float, Array]:
    """The loss and the place of the minimum below a network; no number where the search does not end.

    In a small network gradient descent takes some hundred thousand steps to it. L-BFGS, which goes down at
    each step, stops short at the edges that rectified linear units make; so it is started anew there.
    """
    from scipy.optimize import minimize

    x = surface.parameters
    value = surface.energy(x)
    for _ in range(STARTS):
        found = minimize(
            surface.energy,
            x,
            jac=surface.gradient,
            method="L-BFGS-B",
            options={"maxcor": 20, "ftol": 1e-7, "maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS},
        )
        gain, x, value = 1 - float(found.fun) / value, found.x, float(found.fun)
        if gain <= GAIN or value <= FITTED:
            return value, x
    return np.nan, x
