"""simdyn's generated kernels beside vector kernels written by hand in C++ and in Numba, on one thread.

    python -m benchmarks.kernels --save

All draw the same random words and compute the same paths but for rounding, which is checked before anything
is timed. Times are the thread's own processor time, so that other processes on the machine matter less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.contest import PeerUnavailable, at_least
from benchmarks.findings import Finding, facts, publish
from benchmarks.machine import pin
from benchmarks.rounds import interleaved, ratios

PATHS = 25_600
STEPS = 400
SEED = 5
CLOSE = 1e-9
"""Largest difference of a coordinate that rounding may make over a run."""


@dataclass(frozen=True)
class Problem:
    """A landscape with the rule x' = x - dt gradient + noise amplitude(x) xi.

    Attributes
    ----------
    name
        Of the landscape, and of the kernels of the peers.
    start
        Where all paths begin.
    dt, noise
        The step, and what the normals are multiplied by.
    curved
        Whether the amplitude of coordinate i is sqrt(|H_ii|) instead of one.
    """

    name: str
    start: tuple[float, ...]
    dt: float
    noise: float
    curved: bool = field(default=False)

    def engine(self, dtype: str) -> Any:
        """simdyn's engine for it."""
        import potentials
        from simdyn.dynamics import SGD
        from simdyn.engines.cpu import CpuEngine

        potential = getattr(potentials, self.name)()
        hessian = potential.hessian_expressions
        noise = [abs(hessian[i, i]) for i in range(len(self.start))] if self.curved else 1.0
        # The rule's noise is learning_rate * sqrt(temperature * C / batch_size).
        rule = SGD(
            learning_rate=self.dt,
            batch_size=1,
            noise=noise if self.curved else "constant",
            temperature=(self.noise / self.dt) ** 2,
            **({} if self.curved else {"covariance": 1.0}),
        )
        return CpuEngine(rule.update(potential), dtype=dtype, threads=1)


PROBLEMS = (
    Problem("double_well", (-1.0,), dt=0.01, noise=0.0447),
    Problem("muller_brown", (-0.55, 1.44), dt=1e-4, noise=2e-4, curved=True),
)


def contestants(problem: Problem, paths: int, steps: int, seed: int) -> dict[str, Callable[[], Any]]:
    """Name -> a function that runs it and returns the final positions, shape (paths, dim)."""
    import numpy as np

    from benchmarks.peers.numba_lanes import KERNELS
    from simdyn.noise import key_of

    start = np.tile(np.array(problem.start), (paths, 1))
    key = key_of(seed)

    def simdyn(engine: Any) -> Any:
        return engine.integrate(start, steps=steps, seed=seed)

    def numba() -> Any:
        x = start.T.copy(order="C")
        words = (np.uint64(word) for word in key)
        KERNELS[problem.name](x, steps, problem.dt, problem.noise, *words)
        return x.T

    found = {
        "simdyn": partial(simdyn, problem.engine("float64")),
        "simdyn, float32": partial(simdyn, problem.engine("float32")),
        "Numba, by hand": numba,
    }
    try:
        from benchmarks.peers import c_lanes
    except PeerUnavailable as error:
        print(f"skipped: C by hand ({error})")
        return found

    def c() -> Any:
        x = start.T.copy(order="C")
        c_lanes.advance(problem.name, x, steps, problem.dt, problem.noise, key)
        return x.T

    return {**found, "C, by hand": c}


def difference(runs: dict[str, Callable[[], Any]], name: str) -> float:
    """How far a contestant's paths are from simdyn's, at most."""
    return float(abs(runs[name]() - runs["simdyn"]()).max())


def nanoseconds(run: Callable[[], Any]) -> float:
    begun = time.thread_time()
    run()
    return (time.thread_time() - begun) * 1e9 / (PATHS * STEPS)


def findings(problem: Problem, rounds: int) -> list[Finding]:
    runs = contestants(problem, PATHS, STEPS, SEED)
    for name in set(runs) - {"simdyn", "simdyn, float32"}:
        found = difference(runs, name)
        if not found <= CLOSE:
            raise SystemExit(f"{problem.name}: {name} is {found:.3g} away from simdyn, more than rounding.")
    times = dict(
        zip(runs, interleaved([partial(nanoseconds, r) for r in runs.values()], rounds), strict=True)
    )
    base = times["simdyn"]
    result = [Finding(f"{problem.name}: {name}", "ns/path-step", t) for name, t in times.items()]
    for name, over, goal in (("C, by hand", base, 0.9), ("Numba, by hand", base, 0.95)):
        if name in times:
            title = f"{problem.name}: speed of simdyn / {name}"
            result.append(Finding(title, "ratio", ratios(times[name], over), at_least(goal)))
    gain = ratios(base, times["simdyn, float32"])
    return [*result, Finding(f"{problem.name}: speed of float32 / float64", "ratio", gain, at_least(1.8))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds (default 15)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/kernels.json")
    arguments = parser.parse_args()
    pin(1)
    before = facts()
    found = [finding for problem in PROBLEMS for finding in findings(problem, arguments.rounds)]
    publish("kernels", found, before, arguments.save)


if __name__ == "__main__":
    main()
