"""Mean escape times from a stationary flow: population of the valley over flux out of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from simdyn.counts import check_states
from simdyn.dynamics import Rule
from simdyn.engines import ExitRecords, Tally, engine_for
from simdyn.errors import InputError
from simdyn.estimators.direct import checked_budget
from simdyn.exits import Exit
from simdyn.inference import limits_of_mean
from simdyn.noise import Seed
from simdyn.results import Estimate, Unit

FEWEST = 100
"""Paths in the population, from whose spread the interval follows."""
PILOT = 400
"""Paths that first find out how long an escape takes."""
_SCATTERED = 20
"""Exits from which on the spread between paths is taken from them, instead of Poisson's law."""
_UNSTEADY = 4.0
_EXITS_SHOWN = 10_000


@dataclass(frozen=True)
class FluxMeasurement:
    """A population that is kept constant: what leaves through the exit is put back at the start.

    Such a flow becomes stationary, and then the mean first-passage time from the start is exactly the
    population over the number of exits per unit of time (Hill 1989).

    Attributes
    ----------
    population
        Number of paths, all of them inside at any time.
    steps
        Steps that each took; the flow of the first half is left out.
    exits
        Step of each exit, in (0, steps], shape (n,).
    walkers
        Which path of the population it was, shape (n,).
    codes, points
        Channel of each exit (from 0), and the point just after it, shape (n, d).
    tally
        Totals, with the pilot and with what was computed beyond the last step.
    burn_in
        Steps in which paths settle in the valley, where that is known.
    channels, unit, step, bridge
        Of the exit and of the dynamics.
    seconds
        Wall-clock time.
    backend
        "cpu" or "gpu": where the paths were computed.
    """

    population: int
    steps: int
    exits: np.ndarray
    walkers: np.ndarray
    codes: np.ndarray
    points: np.ndarray
    tally: Tally
    burn_in: float
    channels: int
    unit: Unit
    step: float
    bridge: bool
    seconds: float
    backend: str

    method = "flux"
    complete = True

    @property
    def path_steps(self) -> int:
        """Steps taken by all paths."""
        return self.tally.path_steps

    @property
    def settled(self) -> int:
        """The step from which on the flow counts."""
        return self.steps // 2

    @property
    def counts(self) -> np.ndarray:
        """Exits of each path of the population while the flow counts, shape (population,)."""
        late = self.exits > self.settled
        return np.bincount(self.walkers[late], minlength=self.population)

    @property
    def effective_exits(self) -> float:
        """Exits, over how much more than Poisson's law the counts of different paths vary."""
        counts = self.counts
        total = int(counts.sum())
        if total < _SCATTERED:
            return float(total)
        # Paths are independent, so that their spread is that of the mean, whatever the law of the times.
        return float(total * counts.mean() / counts.var(ddof=1))

    @property
    def relative_error(self) -> float:
        """Relative standard error of the mean."""
        return 1.0 / math.sqrt(self.effective_exits) if self.effective_exits else math.inf

    @property
    def shares(self) -> np.ndarray:
        """Share of the flux through each channel, shape (channels,)."""
        late = self.codes[self.exits > self.settled]
        return np.bincount(late, minlength=self.channels) / max(1, len(late))

    @property
    def exit_points(self) -> np.ndarray:
        """Points just after the exit, shape (n, d)."""
        return self.points[self.exits > self.settled][:_EXITS_SHOWN]

    def estimate(self, confidence: float = 0.95) -> Estimate:
        """The mean with its interval."""
        events = int(self.counts.sum())
        exposure = float(self.population * (self.steps - self.settled))
        scale = self.step if self.unit == "time" else 1.0
        # A bridge finds that an exit took place within a step, not when.
        late = 0.5 if self.bridge else 0.0
        mean = exposure / events - late if events else math.inf
        low, high = limits_of_mean(exposure, mean, self.effective_exits, confidence)
        return Estimate(
            value=mean * scale,
            low=low * scale,
            high=high * scale,
            unit=self.unit,
            confidence=confidence,
            events=events,
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What makes the value doubtful."""
        found = []
        if self.burn_in > self.settled:
            found.append(
                f"Paths take about {self.burn_in:.3g} steps to settle in the valley, but the flow counts "
                f"from step {self.settled:,} on; give more steps."
            )
        middle = (self.steps + self.settled) / 2
        early = int(((self.exits > self.settled) & (self.exits <= middle)).sum())
        late = int((self.exits > middle).sum())
        if early + late and abs(early - late) > _UNSTEADY * math.sqrt(early + late):
            found.append(
                f"The flow is not stationary: {early:,} exits in the first half of the counted time and "
                f"{late:,} in the second; give more steps."
            )
        if early + late < _SCATTERED:
            found.append(f"Only {early + late} exits were counted; the interval is wide.")
        if self.tally.diverged:
            found.append(
                f"{self.tally.diverged:,} paths blew up and were put back at the start; the learning rate or "
                "step is too large for this landscape."
            )
        return tuple(found)


def measure_flux(
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
    burn_in: float = 0.0,
) -> FluxMeasurement:
    """Mean time to leave as population over flux, in a flow that is fed at the start.

    Parameters
    ----------
    update, exit, start
        The dynamics on its landscape, what counts as leaving, and where paths are put back, shape (d,).
    paths
        Size of the population.
    max_steps
        Steps that each path takes, of which the second half counts; by default twice the mean escape time, or
        twice the burn-in where that is longer, of which a pilot of 400 paths has an idea.
    seed, backend, threads, dtype, normals
        See the engine.
    burn_in
        In which paths settle in the valley, in the unit of the dynamics; 0 where it is not known.

    Raises
    ------
    InputError
        Settings out of range, no noise, settings that change with the step, or a pilot that never leaves.
    """
    if not update.noisy:
        raise InputError('Without noise there is no stationary flow; use method="direct".')
    if update.scheduled:
        raise InputError(
            'A stationary flow needs settings that do not change with the step; use method="direct" for '
            "schedules."
        )
    budget = checked_budget(paths, max_steps)
    if paths < FEWEST:
        raise InputError(f"paths is {paths}, but a population needs at least {FEWEST} for its spread.")
    check_states(paths, update.state_dim)
    begun = time.perf_counter()
    engine = engine_for(backend, update, exit, dtype=dtype, noise=normals, threads=threads)
    settling = burn_in / update.step if update.unit == "time" else burn_in
    done, tally = 0, Tally()

    def batch(count: int, longest: int) -> ExitRecords:
        nonlocal done, tally
        records = engine.first_passage(start, paths=count, max_steps=longest, seed=seed, first_path=done)
        if not records.complete:
            raise KeyboardInterrupt
        done += count
        tally += records.tally
        return records

    if max_steps is None:
        pilot = batch(PILOT, checked_budget(PILOT, None, update.dim))
        if not pilot.exited.any():
            raise InputError(
                f"None of {PILOT} paths left within {int(pilot.steps.max()):,} steps, so there is no flux to "
                'measure; raise the noise, or use method="splitting".'
            )
        budget = 2 * math.ceil(max(pilot.steps.sum() / pilot.exited.sum(), settling, 1.0))
    at = np.zeros(paths, dtype=np.int64)
    when, who, codes, points = [], [], [], []
    while (going := np.flatnonzero(at < budget)).size:
        records = batch(len(going), int(budget - at[going].min()))
        end = at[going] + records.steps
        # What is beyond the last step, and what was still inside then, has not happened.
        left = (records.code != 0) & (end <= budget)
        at[going] = np.where(left, end, budget)
        out = left & records.exited
        when.append(end[out])
        who.append(going[out])
        codes.append(records.code[out] - 1)
        points.append(records.state[out])
    return FluxMeasurement(
        paths,
        budget,
        np.concatenate(when),
        np.concatenate(who),
        np.concatenate(codes),
        np.concatenate(points),
        tally,
        settling,
        len(exit.channels),
        update.unit,
        update.step,
        update.bridge,
        time.perf_counter() - begun,
        engine.backend,
    )
