"""Tail indices of coordinates of many scales, each for itself and all in one sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import value_with_interval
from studies.landscape.model_settings import ModelSettings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

ALPHA = 1.5
"""Index of the law with heavy tails."""


def compared(settings: ModelSettings, seed: SeedSequence, law: str, spread: float) -> dict[str, float]:
    """The stable index of coordinates whose scales are log-normal, estimated in three ways."""
    from scipy.stats import levy_stable, norm

    from simdyn.inference import Interval, mean_of, pooled_index, stable_index

    rng = np.random.default_rng(seed)
    d, n = settings.index_coordinates, settings.index_draws
    # Quantiles of the log-normal law: a sample of them would have a spread of its own.
    scales = np.exp(spread * norm.ppf((np.arange(d) + 0.5) / d))
    draws = (
        rng.standard_normal((d, n))
        if law == "Gaussian"
        else levy_stable.rvs(ALPHA, 0, size=(d, n), random_state=rng)
    )
    values = scales[:, None] * draws
    single = mean_of(np.array([1 / stable_index(one).value for one in values]))
    block = math.isqrt(d * n)
    pooled = stable_index(rng.permutation(values.ravel()), block)
    sizes = np.median(np.abs(values), axis=1, keepdims=True)
    scaled = stable_index(rng.permutation((values / sizes).ravel()), block)
    return {
        **value_with_interval("single", Interval(1 / single.value, 1 / single.high, 1 / single.low)),
        **value_with_interval("pooled", pooled),
        **value_with_interval("scaled", scaled),
        "expected": pooled_index(scales, block),
    }
