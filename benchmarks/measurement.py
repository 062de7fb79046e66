"""Measure one workload: first call, agreement, then interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

import numpy as np

from benchmarks.agreement import LIMIT, disagreement
from benchmarks.contest import Contestant, Goal, Sample, Workload

CHECKED_PATHS = 1_000
"""Contestants with fewer paths a call are called again until their sample has this many."""

FIRST_STEPS = 20
"""Number of steps of the second check."""

FIRST_SEED = 1_000
"""The first call's seed; checks and rounds count on from there, so that no two calls share their noise."""


WARM_SECONDS = 0.4
"""So long each contestant runs before the call that is timed."""

Offer = Callable[[Workload], list[Contestant]]
"""What a peer has for a workload."""


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
        From the base, in standard errors, the larger of the two checks; None for the base itself.
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
    workload: Workload, offers: Sequence[Offer], rounds: int, tell: Callable[[str], None]
) -> list[Row]:
    """One row for each contestant that is offered; `tell` receives a line of progress now and then.

    Each contestant's sample is checked, and that of the same contestant after the first few steps: the former
    shows wrong noise, the latter a wrong gradient, step or start that the paths have forgotten by the end.
    """
    contestants = [contestant for offer in offers for contestant in offer(workload)]
    rows = [Row(c.name, c.paths, workload.goals.get(c.name), c.base) for c in contestants]
    _check(contestants, rows, tell)
    if workload.exit_above is None:
        beginning = replace(workload, steps=FIRST_STEPS)
        _check([contestant for offer in offers for contestant in offer(beginning)], rows, tell)

    running = [(c, row) for c, row in zip(contestants, rows, strict=True) if row.status == "timed"]
    for number in range(rounds):
        tell(f"{workload.name}: round {number + 1} of {rounds}")
        # Another one begins each round: nobody always follows the same neighbour's cache and clock.
        turn = number % len(running) if running else 0
        for contestant, row in running[turn:] + running[:turn]:
            # A processor may take a while to come to its speed in vectors of 512 bits, or out of rest: what
            # is compared is the speed that lasts.
            begin = time.perf_counter()
            while time.perf_counter() - begin < WARM_SECONDS:
                contestant.run(FIRST_SEED + CHECKED_PATHS - 1)
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
    """A sample to check, the contestant's very first call timed; None when it fails or has failed before."""
    if row.status != "timed":
        return None
    tell(f"check: {contestant.name}")
    try:
        begin = time.perf_counter()
        samples = [contestant.run(FIRST_SEED)]
        if row.first_call is None:
            row.first_call = time.perf_counter() - begin
        while sum(map(len, samples)) < CHECKED_PATHS:
            samples.append(contestant.run(FIRST_SEED + len(samples)))
    # Whatever a foreign package raises belongs into the table and must not end the run.
    except Exception as error:
        row.status, row.why = "failed", f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return None
    sample = np.concatenate(samples)
    if not np.all(np.isfinite(sample)):
        row.status, row.why = "failed", "not all results are finite"
        return None
    return sample


def _check(contestants: Sequence[Contestant], rows: Sequence[Row], tell: Callable[[str], None]) -> None:
    """Compare every sample with the base's, or with the first one there is when simdyn is left out."""
    samples = [_first_sample(c, row, tell) for c, row in zip(contestants, rows, strict=True)]
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
        found = disagreement(sample, reference)
        row.disagreement = max(found, row.disagreement or 0.0)
        if found > LIMIT:
            row.status = "wrong"
            row.why = f"differs from {rows[chosen].name} by {found:.1f} standard errors"
            tell(f"wrong: {row.name} {row.why}")
