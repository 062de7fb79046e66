"""Mean escape times by adaptive multilevel splitting and the Hill relation, where direct simulation ends.

A path that stays in a well goes round: from A, the points whose score is at most that of a typical point,
out across a surface Sigma of somewhat higher score, and back to A. It leaves when it reaches the exit B
instead of coming back, with a small probability p each time. The number of loops is geometric, so

    E T = E T_first + (1/p - 1) E T_loop + E T_reactive,

with the time to the first crossing of Sigma, the time from one crossing to the next with a visit to A in
between, and the time from the last crossing to B (Cerou, Guyader, Lelievre & Pommier, J. Chem. Phys. 134,
054108, 2011). Until loops have forgotten the start they are not alike, so the first ones are followed one by
one, with the share of paths that leave in them; the relation holds for the others. Splitting estimates p
without bias: of N paths from Sigma, run until A or B, those with the lowest best scores are killed and
replaced by others' pasts up to that level with futures of their own, until all reach B. In discrete time
several paths can share the level, and all of them have to be killed (Brehier, Gazeau, Goudenege, Lelievre &
Rousset, Ann. Appl. Probab. 26, 3559, 2016).

A replica is known by where it branched off and the number of its noise: the point where it first exceeds a
level is found by going through its path once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simdyn.engines import ExitRecords
from simdyn.errors import InputError
from simdyn.estimators.lineage import Genealogy, Lineage
from simdyn.exits import Exit
from simdyn.noise import Seed, key_of
from simdyn.noise.purposes import Purpose

if TYPE_CHECKING:
    from simdyn.engines.backends import WatchingEngine

KILLED_SHARE = 0.25
"""Share of the replicas that each iteration kills at least: 16 % more variance than killing one at a time."""

_LOOPS_TO_FORGET = 3
_LOOPS_MEASURED = 3
_TYPICAL, _RARE = 0.5, 0.9
_LONGEST_EXCURSION = 10_000
"""In relaxation times."""
_NOTHING_TO_SPLIT = (
    'Every path leaves before it has come back once, so there is nothing to split; use method="direct".'
)
SCORE, _BEST, _UP, _DOWN = -4, -3, -2, -1
"""Entries of a state that a watching kernel appends."""


@dataclass(frozen=True)
class LoopLaw:
    """What paths do between visits to A, measured.

    Attributes
    ----------
    inner, outer
        The scores that bound A and Sigma.
    first_steps, first_error
        Mean number of steps from the start until the start is forgotten, or the exit, and its standard error.
    staying, staying_error
        Share of paths that are still inside by then, and its standard error.
    loop_steps, loop_error
        Mean number of steps from one crossing to the next, and its standard error.
    entrances
        Full states of the last crossing of each chain, shape (n, entries of the state).
    origins, numbers, approach_steps
        How each chain came there: its state in A before, the number of its noise and the steps from there.
    path_steps
        Steps taken by all paths.
    """

    inner: float
    outer: float
    first_steps: float
    first_error: float
    staying: float
    staying_error: float
    loop_steps: float
    loop_error: float
    entrances: np.ndarray
    origins: np.ndarray
    numbers: np.ndarray
    approach_steps: np.ndarray
    path_steps: int

    @staticmethod
    def join(parts: list[LoopLaw]) -> LoopLaw:
        """Equal numbers of chains between the same scores, taken together."""
        count = len(parts)
        return LoopLaw(
            parts[0].inner,
            parts[0].outer,
            sum(part.first_steps for part in parts) / count,
            math.hypot(*(part.first_error for part in parts)) / count,
            sum(part.staying for part in parts) / count,
            math.hypot(*(part.staying_error for part in parts)) / count,
            sum(part.loop_steps for part in parts) / count,
            math.hypot(*(part.loop_error for part in parts)) / count,
            np.concatenate([part.entrances for part in parts]),
            np.concatenate([part.origins for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.approach_steps for part in parts]),
            sum(part.path_steps for part in parts),
        )


@dataclass(frozen=True)
class Splitting:
    """Several independent runs of splitting from one entrance law.

    Attributes
    ----------
    probability
        Estimate of p by each run, shape (runs,).
    reactive_steps
        Mean number of steps from Sigma to B in each run, shape (runs,); NaN where a run died out.
    exits
        Share of each channel in each run, shape (runs, channels).
    ancestors
        How many of its first replicas each run's last ones descend from, shape (runs,).
    iterations
        Number of levels of each run, shape (runs,).
    states, codes, run_of
        The exits of the last replicas: full states, channels counted from 1, and the run of each.
    lineage
        What it takes to go through their paths again.
    path_steps
        Steps taken by all paths, replays included.
    """

    probability: np.ndarray
    reactive_steps: np.ndarray
    exits: np.ndarray
    ancestors: np.ndarray
    iterations: np.ndarray
    states: np.ndarray
    codes: np.ndarray
    run_of: np.ndarray
    lineage: Lineage
    path_steps: int

    @staticmethod
    def join(parts: list[Splitting]) -> Splitting:
        """Runs of several batches, one after the other."""
        return Splitting(
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.reactive_steps for part in parts]),
            np.concatenate([part.exits for part in parts]),
            np.concatenate([part.ancestors for part in parts]),
            np.concatenate([part.iterations for part in parts]),
            np.concatenate([part.states for part in parts]),
            np.concatenate([part.codes for part in parts]),
            np.concatenate([part.run_of + len(part.probability) * place for place, part in enumerate(parts)]),
            Lineage.join([part.lineage for part in parts]),
            sum(part.path_steps for part in parts),
        )


class Splitter:
    """Splitting of one problem; every call draws paths of new numbers.

    Parameters
    ----------
    engine
        With the exit, and watching the score.
    exit
        That of the engine.
    relaxation
        Number of steps in which paths settle in the well.
    seed
        Key of all randomness.
    tell
        Called after each leg of the loops and each level of splitting with the name of the stage, the share
        of it that is done and the number of replicas that have arrived.
    """

    def __init__(
        self,
        engine: WatchingEngine,
        exit: Exit,
        relaxation: int,
        seed: Seed,
        tell: Callable[[str, float, int], None] | None = None,
    ) -> None:
        self.engine = engine
        self._tell = tell or (lambda stage, share, arrived: None)
        self.exit = exit
        self.channels = len(exit.channels)
        self.relaxation = relaxation
        self.seed = seed
        self.path_steps = 0
        self._next_path = 0
        low, high = key_of(seed)
        self._random = np.random.Philox(key=[low | high << 32, int(Purpose.SPLITTING)])

    def loops(self, state: np.ndarray, chains: int, runs: int, like: LoopLaw | None = None) -> LoopLaw:
        """Follow chains from one state through loops until they have forgotten it.

        Parameters
        ----------
        state
            Full state of the start, shape (entries,), without bounds.
        chains, runs
            Number of chains, and of groups of them that are kept apart.
        like
            Loops whose inner and outer scores to take; by default two quantiles of the settled paths' scores.

        Raises
        ------
        InputError
            Paths that all leave on their first way up, blow up, or settle elsewhere.
        """
        start = np.tile(state, (chains, 1))
        start[:, _UP:] = math.inf, -math.inf
        begun = self.path_steps
        inner, outer = (like.inner, like.outer) if like else self.levels(start)
        crossed, up_steps, numbers = self._leg(start, up=outer, down=-math.inf)
        ahead, times = _Ahead(up_steps), []
        for loop in range(_LOOPS_TO_FORGET + _LOOPS_MEASURED):
            settling = loop < _LOOPS_TO_FORGET
            if settling:
                ahead.leave(crossed)
            crossed = self._without_exits(crossed, runs)
            back, down_steps, _ = self._leg(crossed, up=math.inf, down=inner)
            inside = ~np.isinf(back[:, _BEST])
            if settling:
                ahead.go_on(down_steps)
                ahead.leave(back)
            back = self._without_exits(back, runs)
            crossed, up_steps, numbers = self._leg(back, up=outer, down=-math.inf)
            self._tell("loops", (loop + 1) / (_LOOPS_TO_FORGET + _LOOPS_MEASURED), 0)
            if settling:
                ahead.go_on(up_steps)
            else:
                times.append((down_steps + up_steps)[inside])
        all_times = np.concatenate(times)
        return LoopLaw(
            inner,
            outer,
            ahead.steps,
            math.sqrt(ahead.variance),
            ahead.staying,
            ahead.staying * math.sqrt(ahead.doubt),
            float(all_times.mean()),
            float(all_times.std(ddof=1) / math.sqrt(len(all_times))),
            crossed,
            back,
            numbers,
            up_steps,
            self.path_steps - begun,
        )

    def levels(self, start: np.ndarray) -> tuple[float, float]:
        """A score that a settled path is at or below half the time, and one that it exceeds a tenth of it; of
        paths that are inside."""
        first = int(self._numbers(len(start))[0])
        settled = self.engine.integrate(start, steps=self.relaxation, seed=self.seed, first_path=first)
        self.path_steps += len(start) * self.relaxation
        inside = self.exit.channel_of(settled[:, : len(self.exit.variables)]) < 0
        scores = settled[inside, SCORE]
        if not np.isfinite(scores).any():
            raise InputError(_NOTHING_TO_SPLIT)
        inner, outer = np.quantile(scores[np.isfinite(scores)], [_TYPICAL, _RARE])
        return float(inner), float(outer)

    def split(self, entrances: np.ndarray, runs: int, inner: float) -> Splitting:
        """Runs of splitting, side by side.

        Parameters
        ----------
        entrances
            Full states on Sigma, shape (runs * replicas, entries); those of a run stand together. A path that
            has leapt over Sigma right through the exit has an infinite best score.
        runs
            Number of independent runs.
        inner
            Score at or below which a path is back in A.
        """
        begun = self.path_steps
        replicas = len(entrances) // runs
        doomed = max(1, round(KILLED_SHARE * replicas))
        branch = np.array(entrances, dtype=float)
        done = np.isinf(branch[:, _BEST])
        past = np.zeros(len(branch))
        ends = branch.copy()
        length = np.zeros(len(branch))
        number = np.zeros(len(branch), dtype=np.int64)
        root = np.tile(np.arange(replicas), runs)
        alive = np.ones(runs, dtype=bool)
        iterations = np.zeros(runs, dtype=np.int64)
        logarithm = np.zeros(runs)
        self._excursions(np.flatnonzero(~done), branch, inner, number, length, ends)
        genealogy = Genealogy(branch, number)
        while True:
            best = ends[:, _BEST]
            self._tell("splitting", float(np.isinf(best).mean()), int(np.isinf(best).sum()))
            level, parents, children = np.full(runs, np.inf), [], []
            for run in np.flatnonzero(alive):
                members = np.arange(run * replicas, (run + 1) * replicas)
                bar = np.partition(best[members], doomed - 1)[doomed - 1]
                if np.isinf(bar):
                    alive[run] = False
                    continue
                killed, others = members[best[members] <= bar], members[best[members] > bar]
                if len(others) == 0:
                    logarithm[run], alive[run] = -math.inf, False
                    continue
                logarithm[run] += math.log1p(-len(killed) / replicas)
                iterations[run] += 1
                level[run] = bar
                children.append(killed)
                parents.append(others[self._draw(len(killed), len(others))])
            if not children:
                break
            child, parent = np.concatenate(children), np.concatenate(parents)
            bar = level[child // replicas]
            states, steps = self._first_above(parent, bar, branch, number)
            branch[child], past[child] = states, past[parent] + steps
            root[child] = root[parent]
            # A parent may have leapt from below the level through the exit: its child has arrived.
            length[child], ends[child] = 0, states
            self._excursions(child[~np.isinf(states[:, _BEST])], branch, inner, number, length, ends)
            genealogy.branch(child, parent, steps, states, number[child])
        shape = (runs, replicas)
        out = np.isinf(ends[:, _BEST])
        # A run is over once so few are left that they would all be killed.
        self._tell("splitting", 1.0, int(out.sum()))
        code = np.where(out, ends[:, _UP], 0).astype(np.int64)
        there = out.reshape(shape)
        total = np.where(there, (past + length).reshape(shape), 0.0).sum(axis=1)
        arrived = there.sum(axis=1)
        of_channel = [(code.reshape(shape) == channel + 1).sum(axis=1) for channel in range(self.channels)]
        with np.errstate(invalid="ignore"):
            reactive, shares = total / arrived, np.stack(of_channel, axis=1) / arrived[:, None]
        distinct = np.array(
            [len(np.unique(row[is_there])) for row, is_there in zip(root.reshape(shape), there, strict=True)]
        )
        return Splitting(
            np.exp(logarithm) * arrived / replicas,
            reactive,
            shares,
            distinct,
            iterations,
            ends[out],
            code[out],
            np.flatnonzero(out) // replicas,
            genealogy.lineage(np.flatnonzero(out), length[out]),
            self.path_steps - begun,
        )

    def _excursions(
        self,
        which: np.ndarray,
        branch: np.ndarray,
        inner: float,
        number: np.ndarray,
        length: np.ndarray,
        ends: np.ndarray,
    ) -> None:
        """Run replicas from where they branched off until A or B, and enter how they ended."""
        if len(which) == 0:
            return
        number[which] = self._numbers(len(which))
        states = branch[which].copy()
        states[:, _UP:] = math.inf, inner
        records = self._run(states, number[which])
        length[which], ends[which] = records.steps, self._marked(records)

    def _first_above(
        self, parent: np.ndarray, bar: np.ndarray, branch: np.ndarray, number: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The state at which each parent first exceeds the level, and how many steps after branching off."""
        states, steps = branch[parent].copy(), np.zeros(len(parent))
        arrived = np.isinf(states[:, _BEST])
        # Beyond the exit the score may be lower again: who has arrived goes nowhere from there.
        behind = ~arrived & (states[:, SCORE] <= bar)
        # A parent with many children is gone through once.
        (which, first) = np.unique(parent[behind], return_index=True)
        if len(which):
            again = branch[which].copy()
            again[:, _UP] = bar[behind][first]
            again[:, _DOWN] = -math.inf
            again[:, _BEST] = again[:, SCORE]
            records = self._run(again, number[which])
            place = np.searchsorted(which, parent[behind])
            found = self._marked(records)
            states[behind] = found[place]
            steps[behind] = records.steps[place]
        ahead = ~behind & ~arrived
        states[ahead, _BEST] = states[ahead, SCORE]
        return states, steps

    def _leg(self, states: np.ndarray, up: float, down: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Run until the best score exceeds `up`, the score is at or below `down`, or the exit: the states
        then, the steps until there, and the numbers of the noise."""
        states = states.copy()
        states[:, _BEST] = states[:, SCORE]
        states[:, _UP:] = up, down
        numbers = self._numbers(len(states))
        records = self._run(states, numbers)
        return self._marked(records), records.steps, numbers

    def _marked(self, records: ExitRecords) -> np.ndarray:
        """End states; those through the exit get an infinite best score, and the channel as upper bound."""
        states, code = np.array(records.state, dtype=float), records.code
        outside = (code > 0) & (code <= self.channels)
        states[outside, _BEST] = math.inf
        states[outside, _UP] = code[outside]
        return states

    def _run(self, states: np.ndarray, numbers: np.ndarray) -> ExitRecords:
        longest = _LONGEST_EXCURSION * self.relaxation
        records = self.engine.passages(states, numbers, max_steps=longest, seed=self.seed)
        self.path_steps += int(records.steps.sum())
        if np.any(records.code < 0):
            raise InputError(
                f"{np.mean(records.code < 0):.2%} of the paths blew up, and splitting cannot tell that from "
                'an escape; lower the learning rate or step, or use method="direct", which counts them.'
            )
        if np.any(records.code == 0):
            raise InputError(
                f"A path has been neither back where it started nor out within {longest:,} steps: there is "
                "another well inside the exit, which it fell into; choose an exit that bounds the well of "
                'the start, or use method="direct".'
            )
        return records

    def _without_exits(self, states: np.ndarray, runs: int) -> np.ndarray:
        """Chains that left go on as copies of others of their group."""
        gone = np.isinf(states[:, _BEST])
        size = len(states) // runs
        for run in np.unique(np.flatnonzero(gone) // size):
            members = np.arange(run * size, (run + 1) * size)
            lost, kept = members[gone[members]], members[~gone[members]]
            if len(kept) == 0:
                raise InputError(_NOTHING_TO_SPLIT)
            states[lost] = states[kept[self._draw(len(lost), len(kept))]]
        return states

    def _numbers(self, count: int) -> np.ndarray:
        first = self._next_path
        self._next_path += count
        return np.arange(first, first + count)

    def _draw(self, count: int, choices: int) -> np.ndarray:
        """Indices below `choices`, from the upper halves of random words."""
        words = self._random.random_raw(count) >> np.uint64(32)
        return ((words * np.uint64(choices)) >> np.uint64(32)).astype(np.int64)


class _Ahead:
    """The mean number of steps before the start is forgotten, leg by leg, with the share still inside."""

    def __init__(self, steps: np.ndarray) -> None:
        self.steps = self.variance = self.doubt = 0.0
        self.staying = 1.0
        self.go_on(steps)

    def go_on(self, steps: np.ndarray) -> None:
        """A leg of those who are still inside."""
        self.steps += self.staying * float(steps.mean())
        self.variance += self.staying**2 * float(steps.var(ddof=1)) / len(steps)

    def leave(self, states: np.ndarray) -> None:
        """Marked states at the end of a leg."""
        inside = float(np.mean(~np.isinf(states[:, _BEST])))
        self.staying *= inside
        self.doubt += (1 - inside) / (inside * len(states)) if inside else 0.0
