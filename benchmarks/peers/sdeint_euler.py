"""sdeint's `itoEuler`: one path a call, the whole trajectory kept."""

from __future__ import annotations

import math

import numpy as np
import sdeint

from benchmarks.contest import Contestant, Sample, Workload


def final_positions(workload: Workload, paths: int, seed: int) -> Sample:
    generator = np.random.default_rng(seed)
    times = workload.dt * np.arange(workload.steps + 1)
    start = np.full(workload.dim, workload.start)
    amplitude = math.sqrt(2.0 * workload.diffusion) * np.eye(workload.dim)
    return np.array(
        [
            sdeint.itoEuler(
                lambda x, t: -workload.gradient(x), lambda x, t: amplitude, start, times, generator=generator
            )[-1]
            for _ in range(paths)
        ]
    )


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    if workload.exit_above is not None:
        return []
    paths = 50
    return [
        Contestant(
            name="sdeint itoEuler", paths=paths, run=lambda seed: final_positions(workload, paths, seed)
        )
    ]
