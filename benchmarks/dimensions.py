"""Compile time and speed against the number of coordinates: a coupled chain and a sum over coordinates.

`python -m benchmarks.dimensions` prints one line for each; the kernel cache is a fresh folder, so that
compilation is counted. Seconds are processor time of this process, on one thread.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

DIMENSIONS = (10, 50, 1000)
ROUNDS = 5
PATHS = 256
COORDINATE_STEPS = 2e7


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> None:
    import numpy as np

    from potentials import Potential, coupled_chain, styblinski_tang
    from simdyn.dynamics import SGLD
    from simdyn.engines.cpu import CpuEngine
    from simdyn.exits import resolve_exit

    def build(make: Callable[..., Potential], dim: int) -> Potential:
        potential = make(dim=dim)
        assert len(potential.gradient_expressions) == dim
        return potential

    print("                      seconds for            compiling              ns per coordinate")
    print(
        "landscape            d potential lowering    steps     exits                 steps     exits   ratio"
    )
    for make, start in ((coupled_chain, -1.0), (styblinski_tang, -2.9)):
        base: list[float] = []
        for dim in DIMENSIONS:
            begun = time.process_time()
            potential = build(make, dim)
            built = time.process_time() - begun
            at = np.full(dim, start)
            begun = time.process_time()
            # Out of reach, so that every path takes every step.
            exit = resolve_exit("x1 >= 100", potential, at)
            engine = CpuEngine(SGLD(1e-3, 0.5).update(potential), exit, threads=1)
            lowered = time.process_time() - begun
            steps = max(4, int(COORDINATE_STEPS / (PATHS * dim)) // 4 * 4)
            many = np.tile(at, (PATHS, 1))

            def integrate(steps: int = steps, engine: CpuEngine = engine, many: np.ndarray = many) -> None:
                engine.integrate(many, steps=steps, seed=1)

            def escape(steps: int = steps, engine: CpuEngine = engine, at: np.ndarray = at) -> None:
                engine.first_passage(at, paths=PATHS, max_steps=steps, seed=1)

            compiled = [seconds(lambda: integrate(4)), seconds(lambda: escape(4))]
            each = 1e9 / (PATHS * steps * dim)
            speed = [min(seconds(work) for _ in range(ROUNDS)) * each for work in (integrate, escape)]
            base = base or speed
            ratios = ", ".join(f"{now / then:.2f}" for now, then in zip(speed, base, strict=True))
            print(
                f"{potential.name:16} {dim:5} {built:8.2f} {lowered:9.2f}"
                f" {compiled[0]:12.2f} {compiled[1]:9.2f}"
                f" {speed[0]:22.2f} {speed[1]:9.2f}   {ratios}",
                flush=True,
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIMDYN_CACHE"] = folder
        main()
