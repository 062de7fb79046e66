"""Descent with momentum past a shallow minimum, beside a ball with friction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Execution, value_with_interval
from studies.landscape.cooling import wells
from studies.landscape.model_settings import ModelSettings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

RATE = 0.01
FAR = 2.5
"""Starts lie between -FAR and the shallow minimum."""

FINEST = 400
"""Starts of the ball."""

SETTLED = 12.0
"""Steps are as many as it takes friction to leave exp(-SETTLED) of a motion."""


def rolled(
    settings: ModelSettings, seed: SeedSequence, execution: Execution, beta: float
) -> dict[str, float]:
    """The share of starts on the slope, and in the shallow well, that end in the deeper one."""
    from scipy.optimize import brentq

    from simdyn import SGD, simulate
    from simdyn.inference import share_of

    left, top, _ = sorted(wells().critical_points(), key=lambda point: point.x[0])
    steps = math.ceil(SETTLED * max(2 / (1 - beta), (1 - beta) / (RATE * abs(top.hessian[0, 0]))))
    of_starts, of_slope, of_rest = seed.spawn(3)
    rng = np.random.default_rng(of_starts)
    starts = rng.uniform(-FAR, left.x[0], (settings.rolling_paths, 1))
    # The well is what lies below the barrier.
    wall = brentq(lambda x: float(wells().energy([x])) - top.energy, -FAR, float(left.x[0]))
    inside = rng.uniform(wall, top.x[0], (settings.rolling_paths, 1))
    ends = [
        simulate(
            wells(),
            SGD(RATE, 1, noise="none", momentum=beta),
            start=start,
            paths=len(start),
            steps=steps,
            seed=child,
            threads=execution.threads,
        )["final"].values[:, 0]
        for start, child in ((starts, of_slope), (inside, of_rest))
    ]
    slope, rest = (end > top.x[0] for end in ends)
    return {
        **value_with_interval("share", share_of(slope)),
        **value_with_interval("rest", share_of(rest)),
        "ball": ball(beta, -FAR, float(left.x[0])),
    }


def ball(beta: float, low: float, high: float) -> float:
    """Share of starts between two points from which x'' + gamma x' = -L'(x) comes to rest in the right well.

    Unit mass, friction gamma = (1 - beta)/eta^(1/2), a step of the rule in each time eta^(1/2). Without
    momentum there is no ball, and no start crosses.
    """
    from scipy.integrate import solve_ivp

    if beta == 0.0:
        return 0.0
    well = wells()
    friction = (1 - beta) / math.sqrt(RATE)
    top = float(sorted(point.x[0] for point in well.critical_points())[1])
    starts = low + (np.arange(FINEST) + 0.5) / FINEST * (high - low)
    long = 2 * SETTLED * max(1 / friction, friction)

    def motion(_: float, state: np.ndarray) -> np.ndarray:
        x, v = state.reshape(2, -1)
        return np.concatenate([v, -friction * v - well.gradient(x[:, None])[:, 0]])

    state = np.concatenate([starts, np.zeros(FINEST)])
    end = solve_ivp(motion, (0.0, long), state, rtol=1e-7, atol=1e-9, method="DOP853").y[:FINEST, -1]
    return float(np.mean(end > top))
