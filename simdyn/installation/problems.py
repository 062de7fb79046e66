"""The standard problems of `bench`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from potentials import Potential, double_well, muller_brown, styblinski_tang
from simdyn.dynamics import SGD, SGLD, Dynamics
from simdyn.engines import engine_for
from simdyn.exits import parse_start, resolve_exit


@dataclass(frozen=True)
class Problem:
    """Something to time.

    Attributes
    ----------
    name, title
        For programs and for people.
    potential, dynamics, start
        What is simulated.
    steps
        Number of steps, or the step budget of each path.
    exit
        Where paths stop; None: nowhere.
    """

    name: str
    title: str
    potential: Callable[[], Potential]
    dynamics: Dynamics
    start: str
    steps: int
    exit: str | None = None

    def runner(self, dtype: str, threads: int) -> Callable[[int, int], int]:
        """A function that runs a number of paths with a seed and returns the path-steps that this took."""
        landscape = self.potential()
        origin = parse_start(self.start, landscape)
        exit = None if self.exit is None else resolve_exit(self.exit, landscape, origin)
        update = self.dynamics.update(landscape)
        engine = engine_for("cpu", update, exit, dtype=dtype, threads=threads)

        def integrate(paths: int, seed: int) -> int:
            starts = np.broadcast_to(origin, (paths, len(origin)))
            engine.integrate(starts, steps=self.steps, seed=seed)
            return paths * self.steps

        def first_passage(paths: int, seed: int) -> int:
            records = engine.first_passage(origin, paths=paths, max_steps=self.steps, seed=seed)
            if not records.complete:
                raise KeyboardInterrupt
            return records.tally.path_steps

        return integrate if exit is None else first_passage


PROBLEMS = (
    Problem("double_well", "1-D double well", double_well, SGLD(0.01, 0.1), "x=-1", 1_000),
    Problem(
        "double_well_exit",
        "1-D double well, exit x >= 0",
        double_well,
        SGLD(0.01, 0.1),
        "x=-1",
        10_000,
        "x >= 0",
    ),
    Problem(
        "styblinski_tang_10d",
        "10-D Styblinski-Tang",
        lambda: styblinski_tang(dim=10),
        SGLD(0.001, 1.0),
        "-2",
        1_000,
    ),
    Problem(
        "muller_brown_hessian",
        "2-D Mueller-Brown, noise |H|",
        muller_brown,
        SGD(2e-4, 1.0, noise="hessian", floor=1.0),
        "deepest",
        1_000,
    ),
)
