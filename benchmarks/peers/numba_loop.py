"""The loop that one would write first: Numba, one path after the other, a normal deviate where it is needed.

Numba knows both generations of NumPy's random numbers: the old `np.random.normal` (polar method, Mersenne
twister) and `Generator.standard_normal` (ziggurat, PCG64).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.contest import Contestant, Sample, Workload
from benchmarks.path_blocks import in_blocks


@njit
def old_normal(generator: Any) -> float:
    return np.random.normal()  # noqa: NPY002


@njit
def new_normal(generator: Any) -> float:
    return generator.standard_normal()


@njit
def seed_this_thread(seed: int) -> None:
    """For `old_normal`, whose generator belongs to the thread."""
    np.random.seed(seed)  # noqa: NPY002


def compile_final_positions(workload: Workload, normal: Any) -> Any:
    gradient: Any = njit(workload.gradient)
    steps, dt, noise = workload.steps, workload.dt, workload.noise

    @njit(nogil=True)
    def advance(x: Any, generator: Any) -> None:
        for path in range(x.shape[0]):
            for _ in range(steps):
                for i in range(x.shape[1]):
                    x[path, i] += -dt * gradient(x[path, i]) + noise * normal(generator)

    return advance


def compile_stopping_steps(workload: Workload, normal: Any) -> Any:
    gradient: Any = njit(workload.gradient)
    steps, dt, noise = workload.steps, workload.dt, workload.noise
    start, exit_above = workload.start, workload.exit_above

    @njit(nogil=True)
    def advance(stopped: Any, generator: Any) -> None:
        for path in range(stopped.size):
            x = start
            stopped[path] = steps
            for step in range(steps):
                x += -dt * gradient(x) + noise * normal(generator)
                if x >= exit_above:
                    stopped[path] = step + 1
                    break

    return advance


def contestant(name: str, advance: Any, fresh: Callable[[], Sample], paths: int, threads: int) -> Contestant:
    def run(seed: int) -> Sample:
        sample = fresh()

        def block(first: int, last: int) -> None:
            seed_this_thread((seed * 1_000_003 + first) % 2**32)
            advance(sample[first:last], np.random.default_rng((seed, first)))

        in_blocks(block, paths, threads)
        return sample

    return Contestant(name=name, paths=paths, run=run)


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    if workload.exit_above is None:
        compile_with, paths, blank = compile_final_positions, 20_000 // workload.dim, workload.start
        shape: tuple[int, ...] = (paths, workload.dim)
    else:
        compile_with, paths, blank = compile_stopping_steps, 4_000, workload.steps
        shape = (paths,)

    def fresh() -> Sample:
        return np.full(shape, blank)

    return [
        contestant("Numba loop, np.random", compile_with(workload, old_normal), fresh, paths, threads),
        contestant("Numba loop, Generator", compile_with(workload, new_normal), fresh, paths, threads),
    ]
