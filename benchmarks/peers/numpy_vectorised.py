"""NumPy, vectorised over paths, in place, with a path count whose arrays stay in the second-level cache."""

from __future__ import annotations

import numpy as np

from benchmarks.contest import Contestant, Sample, Workload


def final_positions(workload: Workload, paths: int, seed: int) -> Sample:
    generator = np.random.default_rng(seed)
    x = np.full((paths, workload.dim), workload.start)
    xi = np.empty_like(x)
    for _ in range(workload.steps):
        x -= workload.dt * workload.gradient(x)
        generator.standard_normal(out=xi)
        xi *= workload.noise
        x += xi
    return x


def stopping_steps(workload: Workload, paths: int, seed: int) -> Sample:
    """As above; stopped paths are taken out of the arrays."""
    generator = np.random.default_rng(seed)
    stopped = np.full(paths, workload.steps)
    alive = np.arange(paths)
    x = np.full(paths, workload.start)
    for step in range(1, workload.steps + 1):
        x -= workload.dt * workload.gradient(x)
        x += workload.noise * generator.standard_normal(x.size)
        out = x >= workload.exit_above
        if out.any():
            stopped[alive[out]] = step
            x, alive = x[~out], alive[~out]
            if not x.size:
                break
    return stopped


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    simulate = final_positions if workload.exit_above is None else stopping_steps
    paths = 10_000 // workload.dim
    return [Contestant(name="NumPy", paths=paths, run=lambda seed: simulate(workload, paths, seed))]
