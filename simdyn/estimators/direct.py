"""Mean escape times by direct simulation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from simdyn.counts import whole_number
from simdyn.dynamics import Rule
from simdyn.engines import ExitCounts, ExitRecords, Tally, engine_for
from simdyn.errors import InputError
from simdyn.exits import Exit
from simdyn.inference import ExponentialFit, ExponentialityTest, check_exponentiality, fit_exponential
from simdyn.noise import Seed
from simdyn.results import Estimate

DEFAULT_WORK = 2e10
"""Coordinate-steps that a run may take when nobody sets a step budget: some tens of seconds on two cores."""

KEPT_PATHS = 1_000_000
"""Paths of which records are kept one by one; of all of them there are counts."""

_KEPT_BYTES = 1 << 28
"""Memory that these records may take; with very many coordinates it ends before so many paths."""

_BATCH_BYTES = 1 << 25
"""Memory for the records of the paths that are run before they are counted."""

_PATHS_OF_LANE = 128
"""Fewest paths of a batch for each that runs at the same time: at its end most of those wait for a few."""


@dataclass(frozen=True)
class DirectMeasurement:
    """Everything that a direct simulation of an exit has found.

    Attributes
    ----------
    fit
        The mean and how it was formed.
    exponentiality
        Test of the part of the law beyond the burn-in.
    counts
        How many paths ended how after how many steps: what the other numbers here are formed from.
    ages
        Time of the end in the unit of the dynamics, for each entry of `counts`.
    records
        How each path ended; in a run of more than `KEPT_PATHS` the first of them.
    times
        Time of the end of each path of `records` in the unit of the dynamics, shape (n,).
    channels
        Number of channels of the exit.
    max_steps
        Step budget of each path.
    seconds
        Wall-clock time.
    backend
        "cpu" or "gpu": where the paths were computed.
    """

    fit: ExponentialFit
    exponentiality: ExponentialityTest
    counts: ExitCounts
    ages: np.ndarray
    records: ExitRecords
    times: np.ndarray
    channels: int
    max_steps: int
    seconds: float
    backend: str

    method = "direct"

    @property
    def path_steps(self) -> int:
        """Steps taken by all paths."""
        return self.counts.tally.path_steps

    @property
    def complete(self) -> bool:
        """False when Ctrl-C ended it early."""
        return self.records.complete

    @property
    def relative_error(self) -> float:
        """Relative standard error of the mean."""
        return self.fit.relative_error

    @property
    def shares(self) -> np.ndarray:
        """Share of the escapes through each channel, shape (channels,)."""
        code, paths = self.counts.code, self.counts.paths
        events = max(1, int(paths[code > 0].sum()))
        return np.array([paths[code == k + 1].sum() / events for k in range(self.channels)])

    @property
    def exit_points(self) -> np.ndarray:
        """Points just after the exit, of the paths of `records`, shape (n, d)."""
        return self.records.state[self.records.exited]

    def estimate(self, confidence: float = 0.95) -> Estimate:
        """The mean with its interval."""
        if confidence == self.fit.estimate.confidence:
            return self.fit.estimate
        again = fit_exponential(
            self.ages,
            self.counts.exited,
            unit=self.fit.estimate.unit,
            paths=self.counts.paths,
            burn_in=self.fit.burn_in,
            confidence=confidence,
        )
        return again.estimate

    @property
    def remarks(self) -> tuple[str, ...]:
        """What makes the value doubtful."""
        tally, total, fit = self.counts.tally, self.counts.total, self.fit
        found = []
        if not self.complete:
            found.append("The run was interrupted; the value rests on what had been done by then.")
        if tally.events == 0 and tally.censored:
            found.append(
                f"No path escaped within {self.max_steps:,} steps, so only a lower bound is known; "
                'raise the step budget or the noise, or use method="splitting".'
            )
        elif 0 < tally.events < 20:
            found.append(f"Only {tally.events} paths escaped; the interval is wide.")
        if tally.diverged:
            found.append(
                f"{tally.diverged:,} of {total:,} paths ({tally.diverged / total:.2%}) blew up; the learning "
                "rate or step is too large for this "
                "landscape. They count as censored where they left the finite numbers."
            )
        if self.exponentiality.doubtful:
            found.append(
                "The escape times are not exponential (total-time-on-test position "
                f"{self.exponentiality.mean_position:.3f} instead of 0.5, p = "
                f"{self.exponentiality.p_value:.1g}), so the interval, "
                "which assumes that they are, is only a guide"
                + (" and the value depends on the step budget." if tally.censored else ".")
            )
        if fit.burn_in and fit.survivors < 0.9:
            found.append(
                f"{1 - fit.survivors:.0%} of the paths escaped within the burn-in of {fit.burn_in:g} "
                f"{fit.estimate.unit}."
            )
        return tuple(found)


@dataclass(frozen=True)
class Progress:
    """State of a running measurement, for a display.

    Attributes
    ----------
    tally
        Totals so far; of splitting the events are the paths that have arrived.
    paths
        How many there are.
    stage
        "direct simulation"; "pilot", before it is decided between the methods; "loops", then "splitting".
    share
        How much of the stage is done, from 0 to 1, where that is not the share of paths that have ended.
    error
        Relative standard error of the mean, where that is not one over the root of the escapes.
    """

    tally: Tally
    paths: int
    stage: str = "direct simulation"
    share: float | None = None
    error: float | None = None

    @property
    def finished(self) -> int:
        """Paths that have ended one way or another."""
        return self.tally.events + self.tally.censored + self.tally.diverged

    @property
    def done(self) -> float:
        """How much of the stage is done, from 0 to 1."""
        return self.finished / self.paths if self.share is None else self.share

    @property
    def censored_share(self) -> float:
        """Share of ended paths that ran out of budget."""
        return self.tally.censored / self.finished if self.finished else 0.0

    @property
    def relative_error(self) -> float:
        """Relative standard error of the mean from what is there so far."""
        if self.error is not None:
            return self.error
        return float(self.tally.events**-0.5) if self.tally.events else float("inf")


def measure_escape(
    update: Rule,
    exit: Exit,
    start: np.ndarray,
    *,
    paths: int,
    max_steps: int | None = None,
    seed: Seed = 0,
    backend: str = "auto",
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    target_error: float | None = None,
    burn_in: float = 0.0,
    report: Callable[[Progress], None] | None = None,
) -> DirectMeasurement:
    """Simulate paths from `start` until they leave, and estimate the mean time that this takes.

    Memory stays bounded: paths are run in batches, whose ends are counted by their numbers of steps. No
    result depends on the batches.

    Parameters
    ----------
    update, exit, start
        The dynamics on its landscape, what counts as leaving, and where to begin, shape (d,).
    paths
        Number of paths; with `target_error` the largest number.
    max_steps
        Step budget of each path; by default `DEFAULT_WORK` is shared out among the paths, at least 10,000
        steps each.
    seed
        Key of all randomness.
    backend, threads, dtype, normals
        Where and how paths are computed; see the engine.
    target_error
        Stop once the relative standard error of the mean is at most this. The number of paths of each round
        follows from the results before it alone, so the outcome is as reproducible as with a fixed number.
    burn_in
        In the unit of the dynamics; lowered to nothing when a tenth of the mean is shorter, for then there is
        no exponential part to separate.
    report
        Called about ten times a second.

    Raises
    ------
    InputError
        Settings out of range.
    """
    budget = checked_budget(paths, max_steps, update.dim)
    check_target(target_error)
    engine = engine_for(
        backend, update, exit, dtype=dtype, noise=normals, threads=threads,
        start=start, paths=paths, steps=budget,
    )  # fmt: skip
    begun = time.perf_counter()
    size = 16 + update.state_dim * np.dtype(dtype).itemsize
    batch = max(1, _BATCH_BYTES // size, _PATHS_OF_LANE * engine.lanes)
    to_keep = min(KEPT_PATHS, max(1, _KEPT_BYTES // size))
    kept: list[ExitRecords] = []
    counts, complete = ExitCounts.none(), True
    wanted = paths if target_error is None else min(paths, max(100, round(target_error**-2)))
    while wanted:
        aim = counts.total + wanted
        while complete and counts.total < aim:
            done, before = counts.total, counts.tally
            records = engine.first_passage(
                start,
                paths=min(batch, aim - done),
                max_steps=budget,
                seed=seed,
                first_path=done,
                report=None if report is None else lambda t, b=before: report(Progress(b + t, paths)),  # type: ignore[misc]
            )
            complete = records.complete
            counts += records.counts
            kept.append(records.first(max(0, to_keep - done)))
            # Not to be held while the next batch runs.
            del records
        if counts.total == 0:
            # Interrupted before it had begun: there is nothing to keep.
            raise KeyboardInterrupt
        kept = [replace(ExitRecords.join(kept), complete=complete)]
        seconds = time.perf_counter() - begun
        measurement = _measurement(
            update, counts, kept[0], burn_in, len(exit.channels), budget, seconds, engine.backend
        )
        if not complete or target_error is None:
            break
        wanted = _further_paths(measurement.fit, counts.total, paths, target_error)
    return measurement


def _further_paths(fit: ExponentialFit, done: int, limit: int, target_error: float) -> int:
    """How many more paths bring the relative error down to the target, as far as the limit allows."""
    if fit.relative_error <= target_error or done >= limit:
        return 0
    share = fit.effective_events / done
    needed = target_error**-2 / share if share > 0 else 2.0 * done
    return int(min(limit, max(1.02 * needed, done + 100)) - done)


def _measurement(
    update: Rule,
    counts: ExitCounts,
    records: ExitRecords,
    burn_in: float,
    channels: int,
    max_steps: int,
    seconds: float,
    backend: str,
) -> DirectMeasurement:
    observed, paths = counts.exited, counts.paths
    ages = _times(update, counts)
    fit = fit_exponential(ages, observed, unit=update.unit, paths=paths)
    lasting = update.noisy and 0 < burn_in < 0.1 * fit.estimate.value
    if lasting and not np.any(~observed & (ages < burn_in)):
        fit = fit_exponential(ages, observed, unit=update.unit, paths=paths, burn_in=burn_in)
    later = ages > fit.burn_in
    test = check_exponentiality(ages[later] - fit.burn_in, observed[later], paths[later])
    times = _times(update, records)
    return DirectMeasurement(fit, test, counts, ages, records, times, channels, max_steps, seconds, backend)


def _times(update: Rule, ends: ExitCounts | ExitRecords) -> np.ndarray:
    """When paths ended, in the unit of the dynamics."""
    times = ends.steps.astype(float)
    if update.unit == "time":
        # A bridge finds that an exit took place within a step, not when; the middle is right to first order.
        times = (times - 0.5 * ends.exited if update.bridge else times) * update.step
    return times


def checked_budget(paths: int, max_steps: int | None, dim: int = 1) -> int:
    """Step budget of each of a number of paths, by default a share of `DEFAULT_WORK`.

    Raises
    ------
    InputError
        Numbers that are not whole, below 1, or out of reach.
    """
    paths = whole_number("paths", paths)
    if max_steps is not None:
        return whole_number("max_steps", max_steps)
    return max(10_000, int(DEFAULT_WORK / (paths * dim)))


def check_target(target_error: float | None) -> None:
    """Refuse a target that is no relative error.

    Raises
    ------
    InputError
        Not a number between 0 and 1.
    """
    if target_error is not None and not (isinstance(target_error, Real) and 0 < float(target_error) < 1):
        raise InputError(f"target_error is {target_error!r}, but it must lie between 0 and 1, such as 0.01.")
