"""Cells about what happens around a minimum: stability, the spread of epochs, and tails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import QuadraticSum
from simdyn.study import Execution, value_with_interval
from studies.discrete_effects.settings import Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

CURVATURES = (0.2, 0.5, 4.0)
"""Of the three samples whose stability is looked at; they share the minimum 0."""

OFFSETS = (-1.0, 0.5, 1.0)
"""Where the three samples have their minima when they do not share one."""

EPOCH_CURVATURE, EPOCH_CENTRES = 1.5, (0.0, 1.0, 3.0, -2.0)
"""Four samples of one curvature, for the spread of shuffled epochs."""


def samples(centres: tuple[float, ...], curvatures: tuple[float, ...]) -> QuadraticSum:
    """Parabolas in one dimension."""
    return QuadraticSum(np.array(curvatures), np.array(centres))


def growth_cell(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """Growth of single runs and of the mean square near a shared minimum."""
    from simdyn import SGD, stability

    shared = samples((0.0,) * len(CURVATURES), CURVATURES)
    fresh, shuffled = (
        stability(
            shared,
            SGD(eta, 1, sampling=sampling),
            paths=settings.growth_paths,
            steps=settings.growth_steps,
            seed=child,
            threads=execution.threads,
        )
        for sampling, child in zip(("with_replacement", "epoch_shuffle"), seed.spawn(2), strict=True)
    )
    growth, epoch = fresh.measurement, len(CURVATURES)
    assert growth is not None
    assert shuffled.measurement is not None
    a = np.array(CURVATURES)
    square = growth.mean_square(growth.visible_steps)
    of_epoch = shuffled.measurement.mean_square(epoch)
    return {
        **value_with_interval("exponent", growth.exponent),
        "lyapunov": math.log(fresh.multiplier("almost_sure")),
        "linear_sde": float(eta * (-a.mean() - eta * a.var() / 2)),
        **value_with_interval("square", square),
        "square_steps": growth.visible_steps,
        "square_exact": fresh.multiplier("mean_square") ** growth.visible_steps,
        **value_with_interval("shuffled_square", of_epoch),
        "shuffled_exact": shuffled.multiplier("mean_square") ** epoch,
        "mean_square_threshold": fresh.threshold("mean_square"),
        "almost_sure_threshold": fresh.threshold("almost_sure"),
    }


def epoch_cell(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """Variance at the ends of shuffled epochs, and with fresh batches."""
    from simdyn import SGD, simulate, theory
    from simdyn.inference import deviation_of

    centres = np.array(EPOCH_CENTRES)
    n = len(centres)
    landscape = samples(EPOCH_CENTRES, (EPOCH_CURVATURE,) * n)
    # Long enough that exp(-20) of the start is left.
    epochs = math.ceil(20.0 / (n * -math.log(abs(1 - eta * EPOCH_CURVATURE))))
    spread: dict[str, float] = {}
    for name, sampling, child in zip(
        ("shuffled", "fresh"), ("epoch_shuffle", "with_replacement"), seed.spawn(2), strict=True
    ):
        data = simulate(
            landscape,
            SGD(eta, 1, sampling=sampling),
            start=[float(centres.mean())],
            paths=settings.epoch_paths,
            steps=n * epochs,
            seed=child,
            threads=execution.threads,
        )
        deviation = deviation_of(data["final"].values[:, 0])
        spread |= value_with_interval(name, deviation.mapped(lambda sd: sd**2))
    fresh = theory.minibatch_covariance(np.full(n, EPOCH_CURVATURE), EPOCH_CURVATURE * centres, eta, 1)
    return {
        **spread,
        "shuffled_exact": float(theory.epoch_shuffle_variance(EPOCH_CURVATURE, centres, eta).value),
        "fresh_exact": float(np.squeeze(fresh.value)),
    }


def tail_cell(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """Hill's estimate of the tail of the stationary law, beside Kesten's exponent."""
    from simdyn import SGD, simulate, theory
    from simdyn.inference import tail_index

    a = np.array(CURVATURES)
    multipliers = 1 - eta * a
    # Values as far out as the tail that is looked at take the time of a fall from there to appear.
    steps = math.ceil(40.0 / -np.log(np.abs(multipliers)).mean())
    data = simulate(
        samples(OFFSETS, CURVATURES),
        SGD(eta, 1, sampling="with_replacement"),
        start=[0.0],
        paths=settings.tail_paths,
        steps=steps,
        seed=seed,
        threads=execution.threads,
    )
    final = data["final"].values[:, 0]
    found = tail_index(final - np.median(final), settings.tail_share)
    return {
        **value_with_interval("index", found),
        "kesten": float(theory.kesten(multipliers).value),
    }
