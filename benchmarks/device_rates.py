"""What a GPU does by itself: path-steps a second between the copies, against what it could issue."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.issue_bound import instructions_of_turn, issue_bound
from potentials import double_well, styblinski_tang
from simdyn.dynamics import SGLD, Update
from simdyn.engines.gpu import GpuEngine
from simdyn.estimators import measure_escape
from simdyn.exits import Exit, resolve_exit
from simdyn.lowering import lower
from simdyn.lowering.cuda_kernels import cuda_kernels_of

ISSUE_SHARE, WATCHED_SHARE = 0.5, 0.7
"""Goals: shares of the issue bound, and of the plain rate while exits are watched."""

_PATHS_OF_LANE = 200
"""So many that the last ones, for which others wait, cost little."""

_STEPS, _MOST_STEPS = 20_000, 1_000_000

_ESCAPES = 100_000_000


@dataclass(frozen=True)
class Rate:
    """Path-steps a second of one kernel, and what it could do at most; None where nobody has said."""

    name: str
    dtype: str
    dim: int
    rate: float
    bound: float | None
    goal: str

    def line(self) -> str:
        """A row in Markdown."""
        bound = "" if self.bound is None else f"{self.bound:.3g}"
        share = "" if self.bound is None else f"{self.rate / self.bound:.0%}"
        return (
            f"| {self.name} | {self.dtype} | {self.dim} | {self.rate:.3g} | {bound} | {share} | {self.goal} |"
        )


HEADING = (
    "| what | dtype | coordinates | path-steps a second | at most | share | goal |\n"
    "|---|---|---:|---:|---:|---:|---|"
)


def rates(
    engine_of: Callable[..., GpuEngine], bound_of: Callable[[str, str, int], float] | None, rounds: int
) -> Iterator[Rate]:
    """Plain integration, and until exits, in both precisions.

    `bound_of` tells the issue bound by source, kernel, and steps of a turn of its loop.
    """
    problems = [
        ("double well", double_well(), SGLD(0.01, 0.05), np.array([-1.0])),
        ("Styblinski-Tang", styblinski_tang(dim=10), SGLD(0.001, 5.0), np.full(10, -2.9)),
    ]
    for name, landscape, dynamics, start in problems:
        update = dynamics.update(landscape)
        exit = resolve_exit("x >= 0" if len(start) == 1 else "valley", landscape, start)
        for dtype in ("float64", "float32"):
            engine = engine_of(update, exit, dtype=dtype)
            turn = cuda_kernels_of(lower(update, exit), dtype, False).group.steps

            def bound(kernel: str, engine: GpuEngine = engine, turn: int = turn) -> float | None:
                return None if bound_of is None else bound_of(engine.source, kernel, turn)

            paths = _PATHS_OF_LANE * engine.lanes // len(start)
            plain = plain_rate(engine, start, paths, _STEPS, rounds)
            goal = f"at least {ISSUE_SHARE:.0%} of what can be issued"
            yield Rate(f"{name}, plain", dtype, len(start), plain, bound("integrate"), goal)
            watched = watched_rate(engine, start, paths, _MOST_STEPS, rounds)
            goal = f"at least {WATCHED_SHARE:.0%} of the plain rate: {watched / plain:.0%}"
            yield Rate(f"{name}, until an exit", dtype, len(start), watched, bound("first_passage"), goal)


def plain_rate(engine: GpuEngine, start: np.ndarray, paths: int, steps: int, rounds: int) -> float:
    """Path-steps a second of states that stay on the device."""
    states = engine.device.upload(np.tile(engine.update.at_rest(start).astype(engine.dtype)[:, None], paths))
    engine.advance(states, 0, 0, 128, 0)
    seconds = [_timed(lambda: engine.advance(states, 0, 0, steps, 0)) for _ in range(rounds)]
    return paths * steps / median(seconds)


def watched_rate(engine: GpuEngine, start: np.ndarray, paths: int, max_steps: int, rounds: int) -> float:
    """Path-steps a second up to the ends of paths, the copy of their records to the host included."""
    engine.first_passage(start, paths=1_000, max_steps=128, seed=0)
    found = []
    for seed in range(rounds):
        begun = time.perf_counter()
        records = engine.first_passage(start, paths=paths, max_steps=max_steps, seed=seed)
        found.append(records.tally.path_steps / (time.perf_counter() - begun))
    return median(found)


def bound_on(architecture: str, processors: int, clock: float) -> Callable[[str, str, int], float]:
    """The issue bound of a kernel's source on a device."""

    def bound(source: str, kernel: str, turn: int) -> float:
        return issue_bound(instructions_of_turn(source, architecture, kernel) / turn, processors, clock)

    return bound


def many_escapes(update: Update, exit: Exit, start: np.ndarray, escapes: int = _ESCAPES) -> str:
    """Escapes in one call: how long they take, the host's memory, and whether a sample has the CPU's bits."""
    options = {"max_steps": _MOST_STEPS, "seed": 1}
    begun = time.perf_counter()
    found = measure_escape(update, exit, start, paths=escapes, backend="gpu", **options)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sample = found.records
    alone = measure_escape(update, exit, start, paths=len(sample.steps), backend="cpu", **options).records
    same = np.array_equal(sample.steps, alone.steps) and np.array_equal(sample.state, alone.state)
    return (
        f"{found.fit.estimate.events:,} escapes in one call of {seconds:.2f} s, {found.path_steps:.3g} "
        f"path-steps; peak memory of the host {peak:,.0f} MiB; the first {len(sample.steps):,} are "
        f"{'those' if same else 'NOT those'} of the CPU to the bit"
    )


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
