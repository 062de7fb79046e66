"""simdyn's CPU engine: kernels generated from the formula, no hand-written gradient."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from benchmarks.contest import Contestant, Workload
from potentials import Potential
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit

_kernel_cache = tempfile.TemporaryDirectory(prefix="simdyn-benchmark-")
# An empty cache, so that the first call shows what compilation costs.
os.environ["SIMDYN_CACHE"] = _kernel_cache.name

PATHS = 102_400


def final_positions(workload: Workload, threads: int, name: str, dtype: str, base: bool) -> Contestant:
    paths = PATHS // workload.dim
    potential = Potential(workload.energy)
    update = SGLD(learning_rate=workload.dt, temperature=workload.diffusion).update(potential)

    def run(seed: int) -> Any:
        engine = CpuEngine(update, dtype=dtype, threads=threads)
        start = np.full((paths, workload.dim), workload.start)
        return engine.integrate(start, steps=workload.steps, seed=seed)

    return Contestant(name=name, paths=paths, run=run, base=base)


def stopping_steps(workload: Workload, threads: int, name: str, paths: int, base: bool) -> Contestant:
    potential = Potential(workload.energy)
    update = SGLD(learning_rate=workload.dt, temperature=workload.diffusion).update(potential)
    start = np.full(workload.dim, workload.start)
    variable = potential.variables[0].name
    exit = resolve_exit(f"{variable} >= {workload.exit_above}", potential, start)

    def run(seed: int) -> Any:
        engine = CpuEngine(update, exit, threads=threads)
        return engine.first_passage(start, paths=paths, max_steps=workload.steps, seed=seed).steps

    return Contestant(name=name, paths=paths, run=run, base=base)


def steps_without_an_exit(workload: Workload, threads: int) -> Contestant:
    """The workload as if it had no exit: every path takes every step."""
    free = final_positions(workload, threads, "simdyn, no exit", "float64", base=True)

    def run(seed: int) -> Any:
        return np.full(len(free.run(seed)), workload.steps)

    return Contestant(name=free.name, paths=free.paths, run=run, base=True)


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    if workload.name == "double_well_overhead":
        watching = stopping_steps(workload, threads, "simdyn, watching the exit", PATHS, base=False)
        return [steps_without_an_exit(workload, threads), watching]
    if workload.exit_above is not None:
        return [stopping_steps(workload, threads, "simdyn", PATHS // 2, base=True)]
    return [
        final_positions(workload, threads, "simdyn", "float64", base=True),
        final_positions(workload, threads, "simdyn, float32", "float32", base=False),
    ]
