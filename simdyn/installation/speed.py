"""How fast does this installation run? A few standard problems, and a yardstick of the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from simdyn.engines.threads import default_threads
from simdyn.errors import InputError
from simdyn.installation.machine import Machine, this_machine
from simdyn.installation.problems import PROBLEMS, Problem
from simdyn.results import versions

DEFAULT_SECONDS = 20.0
ROUNDS = 5
_LEAST_SECONDS = 1.0
_YARDSTICK_NUMBERS = 100_000
_VECTORISED = 0.5
"""Vector code takes a tenth to a quarter of NumPy's time for one normal, scalar code more than all of it."""


@dataclass(frozen=True)
class Speed:
    """Time per path-step on one problem.

    Attributes
    ----------
    problem, title
        Name and description.
    dtype, threads
        "float64" or "float32"; number of threads.
    nanoseconds
        Wall-clock time of one step of one path, in each round.
    """

    problem: str
    title: str
    dtype: str
    threads: int
    nanoseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Nanoseconds per path-step."""
        return median(self.nanoseconds)

    @property
    def per_second(self) -> float:
        """Path-steps per second."""
        return 1e9 / self.median


@dataclass(frozen=True)
class BenchReport:
    """What `bench` has measured; prints as a table.

    Attributes
    ----------
    speeds
        One for each problem, precision and number of threads.
    yardstick
        Nanoseconds in which NumPy draws one normal, in each round.
    machine, versions
        Where and with what.
    complete
        False when the measurement was interrupted; it then rests on fewer rounds.
    """

    speeds: tuple[Speed, ...]
    yardstick: tuple[float, ...]
    machine: Machine
    versions: dict[str, str]
    complete: bool

    @property
    def ratio(self) -> float:
        """Time of a step of the 1-D double well over that of one of NumPy's normals, on one thread."""
        first = self.speeds[0]
        return median(ours / theirs for ours, theirs in zip(first.nanoseconds, self.yardstick, strict=True))

    @property
    def vectorised(self) -> bool:
        """Whether kernels run as vector code, to judge by `ratio`."""
        return self.ratio < _VECTORISED

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints."""
        return {
            "speeds": [
                {
                    "problem": s.problem,
                    "dtype": s.dtype,
                    "threads": s.threads,
                    "nanoseconds": s.median,
                    "low": min(s.nanoseconds),
                    "high": max(s.nanoseconds),
                    "path_steps_per_second": s.per_second,
                    "rounds": list(s.nanoseconds),
                }
                for s in self.speeds
            ],
            "numpy_normal_nanoseconds": list(self.yardstick),
            "ratio_to_numpy_normal": self.ratio,
            "vectorised": self.vectorised,
            "complete": self.complete,
            "machine": self.machine.record(),
            "versions": self.versions,
        }

    def __str__(self) -> str:
        header = ("problem", "numbers", "threads", "ns per path-step", "lowest to highest", "path-steps/s")
        rows = [
            (
                s.title,
                s.dtype,
                str(s.threads),
                f"{s.median:.3g}",
                f"{min(s.nanoseconds):.3g} to {max(s.nanoseconds):.3g}",
                f"{s.per_second:.2e}",
            )
            for s in self.speeds
        ]
        widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
        lines = [str(self.machine)]
        for row in (header, *rows):
            cells = [
                cell.ljust(width) if k < 2 else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells))
        verdict = (
            "kernels run as vector code"
            if self.vectorised
            else "kernels do not seem to run as vector code, or the machine is busy; see simdyn doctor"
        )
        lines.append(
            f"One step of the 1-D double well takes {self.ratio:.2f} of the time of one NumPy normal "
            f"({median(self.yardstick):.2g} ns): {verdict}."
        )
        if not self.complete:
            lines.append(f"Interrupted: {len(self.yardstick)} of {ROUNDS} rounds.")
        return "\n".join(lines)


@dataclass
class _Contender:
    """A compiled problem, and how much of it fills its share of the time."""

    problem: Problem
    dtype: str
    threads: int
    run: Callable[[int, int], int]
    paths: int
    nanoseconds: list[float] = field(default_factory=list)

    def measure(self, seed: int) -> float:
        begun = time.perf_counter()
        path_steps = self.run(self.paths, seed)
        return (time.perf_counter() - begun) * 1e9 / path_steps


def bench(
    seconds: float = DEFAULT_SECONDS, threads: int | None = None, tell: Callable[[str], None] | None = None
) -> BenchReport:
    """Measure the speed of this installation on standard problems, in five interleaved rounds.

    Compilation is not counted. Between rounds the clock and the load of a machine drift; the yardstick of
    each round, the time in which NumPy draws a normal, drifts along.

    Parameters
    ----------
    seconds
        About how long to measure; compilation, on the first call, comes on top.
    threads
        The number beside one to measure with; by default one for each core that may be used.
    tell
        Receives a line of progress now and then.

    Raises
    ------
    InputError
        Fewer than one second, or fewer than one thread.
    """
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not _LEAST_SECONDS <= seconds < 1e6
    ):
        raise InputError(f"seconds is {seconds!r}, but it must be a number of at least {_LEAST_SECONDS:g}.")
    counts = sorted({1, default_threads(threads)})
    say = tell or (lambda line: None)
    contenders = []
    share = seconds / (ROUNDS * (len(PROBLEMS) * 2 * len(counts) + 1))
    for problem in PROBLEMS:
        for dtype in ("float64", "float32"):
            for count in counts:
                say(f"compiling: {problem.title}, {dtype}")
                contenders.append(_ready(problem, dtype, count, share))
    yardstick: list[float] = []
    complete = True
    try:
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}")
            times = [contender.measure(number) for contender in contenders]
            normal = _numpy_normal(share)
            # A round counts as a whole or not at all.
            for contender, time_taken in zip(contenders, times, strict=True):
                contender.nanoseconds.append(time_taken)
            yardstick.append(normal)
    except KeyboardInterrupt:
        complete = False
        if not yardstick:
            raise
    return BenchReport(
        tuple(
            Speed(c.problem.name, c.problem.title, c.dtype, c.threads, tuple(c.nanoseconds[: len(yardstick)]))
            for c in contenders
        ),
        tuple(yardstick),
        this_machine(),
        versions(),
        complete,
    )


def _ready(problem: Problem, dtype: str, threads: int, seconds: float) -> _Contender:
    """Compile, and find the number of paths that takes about `seconds`."""
    run = problem.runner(dtype, threads)
    least = 1024 * threads
    run(least, 0)
    begun = time.perf_counter()
    run(least, 0)
    taken = time.perf_counter() - begun
    return _Contender(problem, dtype, threads, run, least * max(1, round(seconds / taken)))


def _numpy_normal(seconds: float) -> float:
    """Nanoseconds per standard normal of NumPy's default generator, drawn into one array."""
    generator, out = np.random.default_rng(1), np.empty(_YARDSTICK_NUMBERS)
    drawn, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        generator.standard_normal(out=out)
        drawn += len(out)
    return (time.perf_counter() - begun) * 1e9 / drawn
