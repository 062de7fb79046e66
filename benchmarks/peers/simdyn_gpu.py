"""simdyn's GPU engine: the same formula, printed as CUDA C."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contest import Contestant, PeerUnavailable, Workload
from potentials import Potential
from simdyn.dynamics import SGLD
from simdyn.engines import engine_for
from simdyn.engines.device import missing_device
from simdyn.exits import resolve_exit

if reason := missing_device():
    raise PeerUnavailable(reason)

PATHS = 10_000_000
"""In one dimension: enough to keep every multiprocessor busy for a second."""


def contestants(workload: Workload, threads: int, paths: int = PATHS) -> list[Contestant]:
    potential = Potential(workload.energy)
    update = SGLD(learning_rate=workload.dt, temperature=workload.diffusion).update(potential)
    start = np.full(workload.dim, workload.start)
    if workload.exit_above is not None:
        exit = resolve_exit(f"{potential.variables[0].name} >= {workload.exit_above}", potential, start)
        watching = engine_for("gpu", update, exit)

        def leave(seed: int) -> Any:
            return watching.first_passage(start, paths=paths, max_steps=workload.steps, seed=seed).steps

        return [Contestant(name="simdyn", paths=paths, run=leave, base=True)]
    count = paths // workload.dim

    def contestant(name: str, dtype: str, base: bool) -> Contestant:
        engine = engine_for("gpu", update, dtype=dtype)

        def run(seed: int) -> Any:
            return engine.integrate(np.tile(start, (count, 1)), steps=workload.steps, seed=seed)

        return Contestant(name=name, paths=count, run=run, base=base)

    return [contestant("simdyn", "float64", True), contestant("simdyn, float32", "float32", False)]
