"""Mean escape times by splitting: loops, the chance to leave in one, and the Hill relation that joins
them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simdyn.counts import check_states, whole_number
from simdyn.dynamics import MinibatchUpdate, Rule, Update
from simdyn.dynamics.levy import ALPHA
from simdyn.dynamics.portions import in_portions
from simdyn.engines import Tally, watching_engine
from simdyn.errors import InputError
from simdyn.estimators.direct import Progress, check_target
from simdyn.estimators.splitting import KILLED_SHARE, LoopLaw, Splitter, Splitting
from simdyn.exits import Exit, Score
from simdyn.noise import Seed
from simdyn.results import Estimate, Unit

RUNS = 20
"""Independent runs in a batch, from whose spread the interval follows."""

_FEWEST, _MOST = 50, 500
_SPREAD_OF_A_POOR_SCORE = 4.0
_SHARE_OF_ONE_RUN = 0.3
_EXITS_SHOWN = 2_000
_SECONDS_BETWEEN_REPORTS = 0.1


@dataclass(frozen=True)
class SplittingMeasurement:
    """Everything that splitting has found out about an exit.

    Attributes
    ----------
    law
        The loops inside the well.
    runs
        The independent runs.
    replicas
        Paths of each run.
    score
        What paths were ranked by.
    unit, step
        Of the dynamics: what a time counts, and how much of it passes in a step.
    seconds
        Wall-clock time.
    portions
        In how many each step was taken; `law` and `runs` count those.
    """

    law: LoopLaw
    runs: Splitting
    replicas: int
    score: Score
    dim: int
    unit: Unit
    step: float
    seconds: float
    portions: int = 1

    method = "splitting"
    backend = "cpu"
    complete = True

    @property
    def path_steps(self) -> int:
        """Steps taken by all paths, each portion of one counted."""
        return self.runs.path_steps + self.law.path_steps

    @property
    def probability(self) -> float:
        """Mean over the runs of the probability to leave in one loop."""
        return float(self.runs.probability.mean())

    @property
    def relative_error(self) -> float:
        """Relative standard error of the mean escape time."""
        p, law = self.runs.probability, self.law
        if p.mean() == 0.0:
            return math.inf
        of_runs = p.std(ddof=1) / (p.mean() * math.sqrt(len(p)))
        of_settled = math.hypot(
            of_runs, law.loop_error / law.loop_steps, law.staying_error / max(law.staying, law.staying_error)
        )
        settled = law.staying * self._settled_steps
        return math.hypot(of_settled * settled, law.first_error) / (law.first_steps + settled)

    @property
    def _settled_steps(self) -> float:
        """Mean number of steps until the exit once the start is forgotten, by the Hill relation."""
        p, alive = self.runs.probability, self.runs.probability > 0
        reactive = float(np.average(self.runs.reactive_steps[alive], weights=p[alive]))
        return (1 / self.probability - 1) * self.law.loop_steps + reactive

    @property
    def times(self) -> np.ndarray:
        """Mean escape time according to each run alone, shape (runs,); infinite where it died out."""
        with np.errstate(divide="ignore"):
            loops = 1.0 / self.runs.probability - 1.0
        reactive = np.where(np.isfinite(self.runs.reactive_steps), self.runs.reactive_steps, 0.0)
        settled = loops * self.law.loop_steps + reactive
        return self._in_unit(self.law.first_steps + self.law.staying * settled)

    @property
    def shares(self) -> np.ndarray:
        """Share of the escapes through each channel, shape (channels,): runs count by their probability."""
        p = self.runs.probability
        alive = p > 0
        if not alive.any():
            return np.full(self.runs.exits.shape[1], math.nan)
        return np.asarray(np.average(self.runs.exits[alive], axis=0, weights=p[alive]))

    @property
    def exit_points(self) -> np.ndarray:
        """Points just after the exit, shape (n, d), as many of each run as its probability asks for."""
        run, p = self.runs.run_of, self.runs.probability
        if len(run) == 0:
            return self.runs.states[:, : self.dim]
        reached = np.cumsum(p[run] / np.bincount(run, minlength=len(p))[run])
        evenly = (np.arange(_EXITS_SHOWN) + 0.5) / _EXITS_SHOWN * reached[-1]
        return self.runs.states[np.searchsorted(reached, evenly), : self.dim]

    @property
    def spread(self) -> float:
        """Variance between runs over that of an ideal score, |log p| / N for last-particle splitting."""
        p = self.runs.probability
        if not 0.0 < p.mean() < 1.0:
            return math.nan
        loss = KILLED_SHARE / ((1 - KILLED_SHARE) * -math.log1p(-KILLED_SHARE))
        ideal = (
            max(-math.log(p.mean()) * loss, (1 - p.mean()) / p.mean())
            if p.mean() > 0.5
            else (-math.log(p.mean()) * loss)
        )
        return float(p.var(ddof=1) / p.mean() ** 2 / (ideal / self.replicas))

    def estimate(self, confidence: float = 0.95) -> Estimate:
        """The mean by the Hill relation, with Student's interval of the runs on the logarithmic scale."""
        p = self.probability
        events = len(self.runs.codes)
        if p == 0.0:
            return Estimate(
                value=math.inf, low=0.0, high=math.inf, unit=self.unit, confidence=confidence, events=0
            )
        value = self._in_unit(self.law.first_steps + self.law.staying * self._settled_steps)
        # scipy.stats has it ready, but takes half a second to import.
        from scipy.special import stdtrit

        quantile = stdtrit(len(self.runs.probability) - 1, 0.5 + confidence / 2)
        factor = math.exp(quantile * self.relative_error)
        return Estimate(
            value=float(value),
            low=float(value / factor),
            high=float(value * factor),
            unit=self.unit,
            confidence=confidence,
            events=events,
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What makes the value doubtful."""
        p = self.runs.probability
        found = []
        dead = int((p == 0).sum())
        if dead:
            found.append(
                f"{dead} of {len(p)} splitting runs died out before the exit; more paths, or a better score, "
                "would keep them alive."
            )
        if p.sum() > 0 and p.max() > _SHARE_OF_ONE_RUN * p.sum() and len(p) >= RUNS:
            found.append(
                f"One of {len(p)} runs holds {p.max() / p.sum():.0%} of the estimate: the score hides a rare "
                "way out, and the value is likely too long; rank paths by a score of your own, or take many "
                "more of them."
            )
        elif self.spread > _SPREAD_OF_A_POOR_SCORE:
            found.append(
                f"The runs differ {self.spread:.1f} times as much (in variance) as with an ideal score, so "
                f"'{self.score.description}' ranks paths poorly; the interval may be too narrow."
            )
        return tuple(found)

    def _in_unit(self, steps):  # type: ignore[no-untyped-def]
        whole = steps / self.portions
        return whole * self.step if self.unit == "time" else whole


def measure_by_splitting(
    update: Rule,
    exit: Exit,
    start: np.ndarray,
    score: Score,
    *,
    paths: int,
    relaxation: int,
    seed: Seed = 0,
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    target_error: float | None = None,
    report: Callable[[Progress], None] | None = None,
) -> SplittingMeasurement:
    """Mean time to leave, by adaptive multilevel splitting.

    Parameters
    ----------
    update, exit, start
        The dynamics on its landscape, what counts as leaving, and where to begin, shape (d,).
    score
        Larger nearer the exit.
    paths
        Number of replicas in all; with `target_error` the largest number.
    relaxation
        Number of steps in which paths settle in the well.
    seed, threads, dtype, normals
        See the engine.
    target_error
        Relative standard error at which to stop; batches of `RUNS` runs are added until then.
    report
        Called when something has come out, at most ten times a second.

    Raises
    ------
    InputError
        A rule of shuffled epochs, of leaps, without noise or with a clock; too few paths; an exit that does
        not bound the well.
    """
    paths = whole_number("paths", paths)
    refused = why_not_split(update, paths, relaxation)
    if refused:
        raise InputError(refused)
    check_target(target_error)
    batches = 1 if target_error is None else max(1, paths // (RUNS * _MOST))
    replicas = paths // (RUNS * batches)
    check_states(RUNS * replicas, update.state_dim)
    begun = time.perf_counter()
    chain = in_portions(update, score.portions)
    engine = watching_engine(chain, exit, score, dtype=dtype, noise=normals, threads=threads)
    reached = math.inf
    told = -math.inf

    def tell(stage: str, share: float, arrived: int) -> None:
        nonlocal told
        if report is None or time.perf_counter() < told + _SECONDS_BETWEEN_REPORTS:
            return
        told = time.perf_counter()
        tally = Tally(events=arrived, path_steps=splitter.path_steps)
        report(Progress(tally, RUNS * replicas, stage, share, reached))

    splitter = Splitter(engine, exit, relaxation * score.portions, seed, tell)
    rest = chain.at_rest(start)
    first = score.at(chain.variables, rest[: len(chain.variables)])
    state = np.concatenate([rest, [first, first, 0.0, 0.0]])
    laws: list[LoopLaw] = []
    parts: list[Splitting] = []
    for _ in range(batches):
        laws.append(splitter.loops(state, RUNS * replicas, RUNS, laws[0] if laws else None))
        parts.append(splitter.split(laws[-1].entrances, RUNS, laws[-1].inner))
        measurement = SplittingMeasurement(
            LoopLaw.join(laws),
            Splitting.join(parts),
            replicas,
            score,
            update.dim,
            update.unit,
            update.step,
            time.perf_counter() - begun,
            score.portions,
        )
        reached = measurement.relative_error
        if target_error is not None and reached <= target_error:
            break
    return measurement


def why_not_split(update: Rule, paths: int, relaxation: int) -> str:
    """Why a problem cannot be split at all, in a sentence, as far as it shows beforehand; else nothing.

    Parameters
    ----------
    update, paths, relaxation
        As for `measure_by_splitting`.
    """
    if isinstance(update, MinibatchUpdate) and update.sampling == "epoch_shuffle":
        return (
            "Shuffled epochs are a Markov chain only together with the permutation and the place in it, "
            "which a path that branches off would have to share; splitting takes fresh batches, "
            'method="direct" all.'
        )
    if not update.noisy:
        return "Without noise there is nothing to split; give the dynamics some."
    # Unbiased, too, but most of the mean rests on leaps that no run of any affordable size contains.
    if isinstance(update, Update) and update.values.get(ALPHA.name, 2.0) < 2:
        return (
            "With alpha-stable noise of alpha below 2 paths leave in single leaps from anywhere in the "
            'valley: there are no levels on the way to split at; use method="direct", whose cost grows only '
            "as a power of the noise."
        )
    if update.scheduled:
        return 'Splitting needs settings that do not change with the step; use method="direct" for schedules.'
    if relaxation < 1:
        return (
            "Splitting needs a start in the valley of a stable minimum, and there is none; use "
            'method="direct".'
        )
    if paths < RUNS * _FEWEST:
        return (
            f"paths is {paths}, but splitting divides them among {RUNS} independent runs of at least "
            f"{_FEWEST} each; give at least {RUNS * _FEWEST}."
        )
    return ""
