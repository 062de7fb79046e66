"""Measure one workload: first call, agreement, then interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

import numpy as np

from benchmarks.agreement import LIMIT, disagreement
from benchmarks.contest import Contestant, Goal, Sample, Workload

CHECKED_PATHS = 1_000
"""Contestants with fewer paths a call are called again until their sample has this many."""

FIRST_SEED = 1_000
"""The first call's seed; checks and rounds count on from there, so that no two calls share their noise."""


@dataclass
class Row:
    """What was found out about one contestant on one workload.

    Attributes
    ----------
    status
        "timed"; "wrong" (its sample disagrees with the reference); "failed" (it raised, or is not finite).
    why
        The reason, where there is one to give.
    first_call
        Seconds of the first call, compilation included.
    disagreement
        From the reference contestant, in standard errors; None for the reference itself.
    nanoseconds, ratios
        Per round: time per useful path-step, and this time divided by the base's of the same round.
    """

    name: str
    paths: int
    goal: Goal | None
    base: bool
    status: Literal["timed", "wrong", "failed"] = "timed"
    why: str = ""
    first_call: float | None = None
    disagreement: float | None = None
    nanoseconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    @property
    def median_nanoseconds(self) -> float | None:
        return median(self.nanoseconds) if self.nanoseconds else None

    @property
    def median_ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None

    @property
    def verdict(self) -> str:
        """ "met", "missed", or "" where there is no goal or no ratio."""
        if self.goal is None or self.median_ratio is None:
            return ""
        return "met" if self.goal.met(self.median_ratio) else "missed"


def measure(
    workload: Workload, contestants: Sequence[Contestant], rounds: int, tell: Callable[[str], None]
) -> list[Row]:
    """One row a contestant, in the given order; `tell` receives a line of progress now and then."""
    rows = [Row(c.name, c.paths, workload.goals.get(c.name), c.base) for c in contestants]
    samples = [_first_sample(c, row, tell) for c, row in zip(contestants, rows, strict=True)]
    _check(rows, samples, tell)

    running = [(c, row) for c, row in zip(contestants, rows, strict=True) if row.status == "timed"]
    for number in range(rounds):
        tell(f"{workload.name}: round {number + 1} of {rounds}")
        # Another one begins each round: nobody always follows the same neighbour's cache and clock.
        turn = number % len(running) if running else 0
        for contestant, row in running[turn:] + running[:turn]:
            begin = time.perf_counter()
            sample = contestant.run(FIRST_SEED + CHECKED_PATHS + number)
            row.nanoseconds.append((time.perf_counter() - begin) * 1e9 / workload.path_steps(sample))
    for base in [row for row in rows if row.base and row.status == "timed"]:
        for row in rows:
            row.ratios = [
                mine / theirs for mine, theirs in zip(row.nanoseconds, base.nanoseconds, strict=False)
            ]
    return rows


def _first_sample(contestant: Contestant, row: Row, tell: Callable[[str], None]) -> Sample | None:
    """Time the first call and collect a sample to check; None when the contestant fails."""
    tell(f"first call: {contestant.name}")
    try:
        begin = time.perf_counter()
        samples = [contestant.run(FIRST_SEED)]
        row.first_call = time.perf_counter() - begin
        while sum(map(len, samples)) < CHECKED_PATHS:
            samples.append(contestant.run(FIRST_SEED + len(samples)))
    except (
        Exception
    ) as error:  # whatever a foreign package raises belongs into the table, not onto the terminal
        row.status, row.why = "failed", f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return None
    sample = np.concatenate(samples)
    if not np.all(np.isfinite(sample)):
        row.status, row.why = "failed", "not all results are finite"
        return None
    return sample


def _check(rows: Sequence[Row], samples: Sequence[Sample | None], tell: Callable[[str], None]) -> None:
    """Compare every sample with the base's, or with the first one there is when simdyn is left out."""
    there = [i for i, sample in enumerate(samples) if sample is not None]
    if not there:
        return
    chosen = next((i for i in there if rows[i].base), there[0])
    reference = samples[chosen]
    for i in there:
        sample = samples[i]
        if i == chosen or sample is None or reference is None:
            continue
        row = rows[i]
        row.disagreement = disagreement(sample, reference)
        if row.disagreement > LIMIT:
            row.status = "wrong"
            row.why = f"differs from {rows[chosen].name} by {row.disagreement:.1f} standard errors"
            tell(f"wrong: {row.name} {row.why}")
