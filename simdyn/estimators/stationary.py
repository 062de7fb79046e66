"""The stationary law by simulation: how long the beginning is felt, and what is measured after it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simdyn.dynamics import MinibatchUpdate, Rule, Update
from simdyn.engines import engine_for
from simdyn.errors import InputError
from simdyn.estimators.look_spacing import LookSpacing, chosen_spacing
from simdyn.inference import (
    Figures,
    Interval,
    Memory,
    agreement_of_halves,
    jackknife,
    memory_of,
    scale_reduction,
    tail_index,
)
from simdyn.lowering import DIVERGENCE_BOUND
from simdyn.noise import Seed
from simdyn.recorders import (
    BasinTable,
    Drift,
    Ensemble,
    GroupTotals,
    LongRunRecorder,
    Plan,
    Progress,
    Quantity,
    Schedule,
    run_ensemble,
)

Array = np.ndarray

DEFAULT_WORK = 4e9
"""Coordinate-steps of a run whose length nobody gives: some ten seconds on two cores."""

FEWEST_PATHS = 16
FEWEST_LOOKS = 32
MEMORY_LIMIT = 2 * 10**9

_FORGOTTEN = 5.0
"""Integrated times to be left out. The slowest of them is twice the relaxation time, so that a beginning is
felt to exp(-10)."""

_SLACK = 1.5
"""What is left out is chosen by the second half of a run, and checked by all that counts."""

_SETTLED = 1e-5
"""p-value below which two halves of a run disagree; some ten quantities are compared."""

_REDUCTION = 1.1
_CROSSINGS = 20
"""Changes between basins from which shares can be told at all."""

_COLLAPSE = 0.25
_FIRST_LOOKS = 256


@dataclass(frozen=True)
class Wanted:
    """What is to be measured.

    Attributes
    ----------
    quantities
        Whose histograms, means and memories are wanted.
    plane
        Two coordinates whose joint law and current are wanted, or None.
    basins
        Tells basins apart, or None.
    momentum
        Of a heavy-ball rule, for the balance.
    balanced
        Whether the balance of drift and noise is known for the rule.
    """

    quantities: tuple[Quantity, ...]
    plane: tuple[int, int] | None
    basins: BasinTable | None
    momentum: float = 0.0
    balanced: bool = True


@dataclass(frozen=True)
class StationaryMeasurement:
    """A long run, and what of it counts.

    Attributes
    ----------
    totals
        Sums and counts of the stretches that count, by groups: the axis of stretches is summed over.
    centre
        Point that deviations are counted from, shape (d,).
    full
        Whether all covariances were kept, or variances alone.
    steps, paths, groups
        Steps of each path; paths, and the groups that they form.
    spacing
        Steps between looks, and what they were chosen by.
    burn_in
        Steps left out.
    step
        SDE time of a step.
    momentum
        Of the rule.
    basins
        What told them apart, or None.
    coordinates
        Which coordinate each quantity is, or None.
    memories
        Of each quantity, and then of the visits of each basin: integrated autocorrelation times in steps.
    relaxation
        Steps in which the basins forget where a path began, from the changes between them; 0 without basins,
        infinite where none were seen.
    reduction
        Potential scale reduction of each quantity and basin between the groups.
    drifting
        p-values of the agreement of the two halves that count, of each quantity and basin.
    diverged
        Paths beyond all bounds at the end.
    tails
        For each coordinate the tail index of the final states.
    collapse
        Factor by which the variance has shrunk over the last doubling of time.
    units
        What moves in the plane are counted in, shape (2,), or None.
    forced
        Whether the work of the drift over D was measured.
    complete
        False when Ctrl-C ended it early.
    seconds
        Wall-clock time.
    """

    totals: GroupTotals
    centre: Array
    full: bool
    steps: int
    spacing: LookSpacing
    paths: int
    groups: int
    burn_in: int
    step: float
    momentum: float
    basins: BasinTable | None
    coordinates: tuple[int | None, ...]
    memories: tuple[Memory, ...]
    relaxation: float
    reduction: Array
    drifting: Array
    diverged: int
    tails: tuple[Interval, ...]
    collapse: float
    units: Array | None
    forced: bool
    complete: bool
    seconds: float

    @property
    def every(self) -> int:
        """Steps between looks."""
        return self.spacing.every

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.centre)

    @property
    def path_steps(self) -> int:
        """Steps taken by all paths."""
        return self.steps * self.paths

    @property
    def memory(self) -> float:
        """The longest integrated autocorrelation time, in steps."""
        return max((one.time for one in self.memories), default=1.0)

    @property
    def needed(self) -> float:
        """Steps after which the beginning is forgotten."""
        return max(_FORGOTTEN * self.memory, 2 * _FORGOTTEN * self.relaxation)

    @property
    def crossings(self) -> int:
        """Changes between cores of basins that were counted."""
        return 0 if self.totals.changes is None else int(self.totals.changes.sum())

    @property
    def doubts(self) -> tuple[str, ...]:
        """Reasons against calling this a stationary law, one sentence each; none if it is one."""
        found = []
        if not self.complete:
            found.append("The run was interrupted.")
        if self.diverged:
            share = self.diverged / self.paths
            found.append(
                f"{self.diverged:,} of {self.paths:,} paths ({share:.2%}) blew up, so this chain has no "
                "stationary law; "
                + (
                    "what is shown is that of the others, as long as they stay."
                    if share < 1
                    else "lower the learning rate or the step."
                )
            )
        if self.diverged == self.paths:
            return tuple(found)
        if self.collapse < _COLLAPSE:
            found.append(
                "The spread keeps shrinking (over the last doubling of time the variance fell to "
                f"{self.collapse:.2g} of what it was): paths collapse onto a point where the noise vanishes, "
                "and there is no stationary density."
            )
            return tuple(found)
        found += self._unsettled()
        return tuple(found)

    def _unsettled(self) -> list[str]:
        found = []
        if self.basins is not None and self.crossings < _CROSSINGS:
            found.append(
                f"Paths changed between the {self.basins.count} basins {self.crossings} times only, so the "
                "shares of the basins are those of the starts and nothing is claimed about them; raise the "
                "noise or the number of steps, or ask for escape times."
            )
        elif _SLACK * self.burn_in < self.needed:
            what = (
                "basins exchange their paths" if 2 * self.relaxation > self.memory else "values are forgotten"
            )
            slow = max(self.relaxation, self.memory / 2)
            found.append(
                f"The {what} within about {slow:,.0f} steps, of which a run needs some "
                f"{4 * _FORGOTTEN:.0f}; this one has {self.steps:,} and has not forgotten its start."
            )
        if any(not one.resolved for one in self.memories) and not found:
            found.append("The run is too short to tell how long values are remembered; run more steps.")
        if self.reduction.size and float(self.reduction.max()) > _REDUCTION and not found:
            found.append(
                f"The {self.groups} groups of paths do not agree (potential scale reduction "
                f"{self.reduction.max():.3g}); run more steps."
            )
        if self.drifting.size and float(self.drifting.min()) < _SETTLED and not found:
            found.append(
                "Means still drift: the two halves of what counts differ (p = "
                f"{self.drifting.min():.1g}); run more steps."
            )
        return found

    def mean(self) -> Figures:
        """Mean of each coordinate."""
        d = self.dim
        return jackknife(
            self.totals.moments,
            lambda s: self.centre + s[1 : 1 + d] / s[0],
            lambda s: np.diagonal(self._covariance(s)),
        )

    def covariance(self) -> Figures:
        """Covariance matrix, shape (d, d); off the diagonal NaN where variances alone were kept."""

        def spread(s: Array) -> Array:
            """Variance of a product of two deviations: off the diagonal, and where fourth moments were not
            kept, that of normal ones."""
            matrix = self._covariance(s)
            variance = np.diagonal(matrix)
            found = np.asarray(np.outer(variance, variance) + matrix**2)
            for q, i in enumerate(self.coordinates):
                if i is not None:
                    found[i, i] = self._spread_of_square(q)
            return found

        return jackknife(self.totals.moments, self._covariance, spread)

    def _covariance(self, s: Array) -> Array:
        d = self.dim
        mean = s[1 : 1 + d] / s[0]
        matrix = np.full((d, d), np.nan)
        if self.full:
            rows, columns = np.triu_indices(d)
            matrix[rows, columns] = matrix[columns, rows] = s[1 + d :] / s[0]
        else:
            np.fill_diagonal(matrix, s[1 + d :] / s[0])
        return matrix - np.outer(mean, mean)

    def _spread_of_square(self, q: int) -> float:
        """Variance of the squared deviation of a quantity from its mean."""
        number, *sums = self.totals.values[:, q].sum(axis=0)
        one, two, three, four = (float(s / number) for s in sums)
        variance = two - one**2
        fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
        return max(0.0, fourth - variance**2)

    def average(self, q: int) -> Figures:
        """Mean of a quantity."""
        centre = self.totals.centres[q]
        return jackknife(
            self.totals.values[:, q],
            lambda s: centre + s[1] / s[0],
            lambda s: s[2] / s[0] - (s[1] / s[0]) ** 2,
        )

    def shares(self) -> Figures:
        """Share of each basin."""
        assert self.totals.visits is not None

        def share(s: Array) -> Array:
            return np.asarray(s / s.sum())

        return jackknife(self.totals.visits.astype(float), share, lambda s: share(s) * (1 - share(s)))

    def masses(self, q: int) -> Figures:
        """Share of all states in each bin of a quantity."""
        counts = np.concatenate([self.totals.counts[:, q], self.totals.rest[:, q]], axis=1).astype(float)
        bins = self.totals.counts.shape[2]

        def share(s: Array) -> Array:
            return np.asarray(s[:bins] / s.sum())

        return jackknife(counts, share, lambda s: share(s) * (1 - share(s)))

    def turning(self) -> Figures:
        """E[x_i v_j - x_j v_i] per unit of time, antisymmetric (d, d); v is the midpoint velocity."""
        d = self.dim
        rows, columns = np.triu_indices(d, 1)

        def matrix(s: Array) -> Array:
            found = np.zeros((d, d))
            found[rows, columns] = s[1 + d :] / s[0] / self.step
            return np.asarray(found - found.T)

        return jackknife(self.totals.turns, matrix)

    def balance(self) -> tuple[Figures, Figures, Figures] | None:
        """Both sides of <x.g> = eta/2 tr<g g'> and their difference over the right one.

        With heavy-ball momentum m the right side is (1 + m) <|x' - x|^2> / (2 eta).
        """
        sums = self.totals.balance
        if not sums[:, 0].sum():
            return None
        factor = (1.0 + self.momentum) / (2.0 * self.step)

        def left(s: Array) -> float:
            return float(-s[1] / s[0] / self.step)

        def right(s: Array) -> float:
            return float(factor * s[2] / s[0])

        return (
            jackknife(sums, left),
            jackknife(sums, right),
            jackknife(sums, lambda s: left(s) / right(s) - 1.0),
        )

    def work(self) -> Figures:
        """Work of the drift D^(-1) b over steps, per unit of time: the entropy production."""
        return jackknife(self.totals.balance, lambda s: s[3] / s[0] / self.step)


def measure_stationary(
    update: Rule,
    wanted: Wanted,
    starts: Array,
    *,
    steps: int | None,
    every: int | None,
    target_error: float | None,
    seed: Seed = 0,
    backend: str = "cpu",
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    report: Callable[[Progress], None] | None = None,
) -> StationaryMeasurement:
    """Run paths until what is measured no longer depends on where they began, and average from there.

    Parameters
    ----------
    update
        The rule, the same at every step.
    wanted
        What is to be measured.
    starts
        Shape (paths, d).
    steps
        Steps of each path, and with `target_error` the largest number; None: doubled from a short run on
        until the law has settled and the target is met, or `DEFAULT_WORK` is done.
    every
        Steps between looks; None: chosen by a pilot (see `look_spacing`), fewer in short runs. For shuffled
        epochs whole epochs.
    target_error
        Largest standard error of the mean of a quantity, in units of its standard deviation.
    seed, backend, threads, dtype, normals, report
        As in `simdyn.simulate`.

    Raises
    ------
    InputError
        Settings out of range.
    """
    paths, dim = starts.shape
    limit = _limit(steps, paths, update)
    engine = engine_for(backend, update, dtype=dtype, noise=normals, threads=threads)
    names = tuple(v.name for v in update.variables[:dim])
    ensemble = Ensemble(paths, names, np.dtype(dtype))
    if every is not None:
        spacing = LookSpacing(_checked_every(every, limit))
    else:
        spacing = chosen_spacing(
            update, wanted.quantities, starts, engine, most=max(1, limit // (2 * FEWEST_LOOKS)), limit=limit,
            dtype=ensemble.dtype, seed=seed,
        )  # fmt: skip
        # Batches of an epoch depend on one another, so that the law is told at the ends of epochs.
        epoch = _epoch(update)
        spacing = dataclasses.replace(spacing, every=max(1, spacing.every // epoch) * epoch)
    every = spacing.every
    length = limit if steps is not None and target_error is None else min(limit, _FIRST_LOOKS * every)
    # Whole looks, and where a run may go on whole rounds, too.
    length -= length % (every if length == limit else int(np.lcm(every, 8)))
    recorder = LongRunRecorder(ensemble, _plan(update, wanted, starts, length // every))
    if recorder.size() > MEMORY_LIMIT:
        raise InputError(
            f"What is kept of {paths:,} paths would take {recorder.size() / 1e9:.3g} GB, more than the "
            f"{MEMORY_LIMIT / 1e9:.3g} GB that are allowed; run fewer paths, take fewer bins or name fewer "
            "quantities in of."
        )
    recorder.begin()
    rows = update.at_rest(starts).T
    state = np.empty(rows.shape, dtype=ensemble.dtype)
    state[:] = rows
    begun, done, complete = time.perf_counter(), 0, True
    # Currents come from single steps, which say as little as they are few however far apart they are.
    pairs = 2 if dim > 1 else 8
    while True:
        recorder.make_room(length // every + 1)
        run = run_ensemble(
            engine, state, Schedule(length, every, pairs), [recorder], dim=dim, seed=seed,
            threads=engine.threads, report=report, first_step=done,
        )  # fmt: skip
        complete = run.steps_done == length
        done = run.steps_done
        if done < FEWEST_LOOKS * every:
            raise KeyboardInterrupt
        seconds = time.perf_counter() - begun
        found = _measurement(
            recorder, update, wanted, run.state[:dim], starts, done, spacing, complete, seconds
        )
        if not complete or 2 * length > limit or _met(found, target_error, steps, len(wanted.quantities)):
            return found
        length *= 2


def _met(found: StationaryMeasurement, target: float | None, steps: int | None, quantities: int) -> bool:
    """Whether there is no need to go on."""
    if steps is not None and target is None:
        return True
    if found.diverged == found.paths or found.collapse < 1e-6:
        return True
    if found.doubts:
        return False
    goal = 0.01 if target is None else target
    averages = [found.average(q) for q in range(quantities)]
    return all(not one.ess < goal**-2 for one in averages)


def _limit(steps: int | None, paths: int, update: Rule) -> int:
    if steps is None:
        return max(4096, int(DEFAULT_WORK / (paths * update.dim)))
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < FEWEST_LOOKS:
        raise InputError(f"steps is {steps!r}, but it must be a whole number of at least {FEWEST_LOOKS}.")
    return int(steps)


def _checked_every(every: int, steps: int) -> int:
    if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
        raise InputError(f"every is {every!r}, but it must be a whole number of at least 1.")
    if FEWEST_LOOKS * every > steps:
        raise InputError(
            f"every is {every:,}, but {steps:,} steps have room for {FEWEST_LOOKS} looks at most "
            f"{steps // FEWEST_LOOKS:,} apart; give at most that, or more steps."
        )
    return int(every)


def _epoch(update: Rule) -> int:
    """Steps of a shuffled epoch, 1 for other rules."""
    if not isinstance(update, MinibatchUpdate) or update.noise != "minibatch":
        return 1
    return update.potential.size // int(update.batch_size) if update.sampling == "epoch_shuffle" else 1


def _plan(update: Rule, wanted: Wanted, starts: Array, looks: int) -> Plan:
    drift = None
    if wanted.balanced:
        samples = update.potential.size if isinstance(update, MinibatchUpdate) else 1
        drift = Drift(
            lambda x: update.drift_at(update.at_rest(x))[..., : x.shape[1]],
            _force(update) if not wanted.momentum else None,
            (8 if starts.shape[1] > 1 else 4) * max(1, samples // 16),
        )
    with np.errstate(all="ignore"):
        there = update.at_rest(starts[:1])
        moves = np.abs(update.drift_at(there)[0, : starts.shape[1]])
        factor = update.factor_at(there)[0, : starts.shape[1]]
    sizes = np.maximum(moves, np.sqrt((factor**2).sum(axis=-1)))
    sizes = np.where(sizes > 0, sizes, 1e-6 * (1.0 + np.abs(starts[0])))
    # Powers of two, so that rounding to whole numbers of units is all that is lost.
    units = 2.0 ** (np.round(np.log2(sizes)) - 16)
    return Plan(
        quantities=wanted.quantities,
        centre=starts.mean(axis=0),
        first_look=max(1, looks // 64),
        plane=wanted.plane,
        units=None if wanted.plane is None else units[list(wanted.plane)],
        basins=wanted.basins,
        drift=drift,
    )


def _force(update: Rule) -> Callable[[Array], Array] | None:
    """D^(-1) b, where D is the same everywhere and can be inverted."""
    if not isinstance(update, Update) or not update.gaussian or not update.additive or not update.noise_dim:
        return None
    origin = np.zeros(update.dim)
    factor = update.factor_at(origin)
    diffusion = factor @ factor.T / (2 * update.step)
    if not np.isfinite(diffusion).all() or np.linalg.cond(diffusion) > 1e12:
        return None
    inverse = np.linalg.inv(diffusion)
    # Not a matrix product: the threads of a linear algebra library would compete with those of the run.
    return lambda x: np.einsum("ni,ij->nj", update.drift_at(x) / update.step, inverse)


def _measurement(
    recorder: LongRunRecorder,
    update: Rule,
    wanted: Wanted,
    final: Array,
    starts: Array,
    steps: int,
    spacing: LookSpacing,
    complete: bool,
    seconds: float,
) -> StationaryMeasurement:
    every = spacing.every
    looks = steps // every + 1
    series = recorder.slot_series(looks)
    first = recorder.first_look
    # The slowest memory, from the second half, says how much has to be left out.
    values, reduction, drifting = _over_time(series, len(wanted.quantities), len(series[0]) // 2)
    slot_steps = recorder.looks_of_slot * every
    totals = recorder.totals()
    last_stretch = recorder.stretch_of(looks - 1)
    candidates = [first << k for k in range(64) if (first << k) <= looks // 2] or [first]
    late = recorder.stretch_of(candidates[-1])
    relaxation = _relaxation(totals, late, every)
    memories = _memories(values, slot_steps)
    needed = max(_FORGOTTEN * max((one.time for one in memories), default=0.0), 2 * _FORGOTTEN * relaxation)
    burn_in = next((look for look in candidates if look * every >= needed), candidates[-1])
    begin = max(1, -(-burn_in // recorder.looks_of_slot))
    values, reduction, drifting = _over_time(series, len(wanted.quantities), min(begin, len(series[0]) // 2))
    inside = (np.abs(final) < DIVERGENCE_BOUND).all(axis=0)
    kept = np.asarray(final[:, inside], dtype=np.float64)
    tails = tuple(
        tail_index(row - np.median(row)) if len(row) else Interval(np.nan, 0.0, np.inf) for row in kept
    )
    return StationaryMeasurement(
        totals=_from_stretch(totals, recorder.stretch_of(burn_in)),
        centre=starts.mean(axis=0),
        full=recorder.full,
        steps=steps,
        spacing=spacing,
        paths=starts.shape[0],
        groups=recorder.groups,
        burn_in=burn_in * every,
        step=float(update.step),
        momentum=wanted.momentum,
        basins=wanted.basins,
        coordinates=tuple(one.coordinate for one in wanted.quantities),
        memories=_memories(values, slot_steps),
        relaxation=relaxation,
        reduction=reduction,
        drifting=drifting,
        diverged=int((~inside).sum()),
        tails=tails,
        collapse=_shrinking(totals, starts.shape[1], last_stretch),
        units=recorder.plan.units,
        forced=recorder.plan.drift is not None and recorder.plan.drift.force is not None,
        complete=complete,
        seconds=seconds,
    )


def _over_time(series: Array, quantities: int, begin: int) -> tuple[Array, Array, Array]:
    """Means of quantities and shares of basins in each group and slot from `begin` on, shape (G, T, k);
    their scale reduction; and p-values of the agreement of both halves."""
    late = series[:, begin:]
    with np.errstate(all="ignore"):
        means = [late[..., 3 * q + 1] / late[..., 3 * q] for q in range(quantities)]
        visits = late[..., 3 * quantities :]
        shares = visits / visits.sum(axis=-1, keepdims=True)
    columns = [*means, *np.moveaxis(shares, -1, 0)]
    values = np.nan_to_num(np.stack(columns, axis=-1))
    middle = values.shape[1] // 2
    if middle < 1:
        return values, np.ones(len(columns)), np.ones(len(columns))
    halves = values[:, :middle].mean(axis=1), values[:, middle:].mean(axis=1)
    return values, scale_reduction(values), agreement_of_halves(*halves)


def _memories(values: Array, slot_steps: int) -> tuple[Memory, ...]:
    """Integrated times in steps."""
    found = []
    for k in range(values.shape[2]):
        one = memory_of(values[:, :, k])
        found.append(
            Memory(
                one.time * slot_steps, one.error * slot_steps, one.window * slot_steps, one.resolved,
                one.correlation,
            )
        )  # fmt: skip
    return tuple(found)


def _relaxation(totals: GroupTotals, stretch: int, every: int) -> float:
    """Steps in which basins forget where a path began, by the jumps between them.

    Basins that were seen but are not connected by jumps never do: infinite.
    """
    if totals.changes is None or totals.visits is None:
        return 0.0
    visits = totals.visits[:, stretch:].sum(axis=(0, 1)).astype(float)
    changes = totals.changes[:, stretch:].sum(axis=(0, 1)).astype(float)
    seen = visits > 0
    if seen.sum() < 2:
        # One basin was left by all and came to no other, or was never left: nothing was learned of others.
        return np.inf if changes.sum() == 0 else 0.0
    rates = (changes / np.maximum(visits, 1)[:, None])[np.ix_(seen, seen)]
    generator = rates - np.diag(rates.sum(axis=1))
    decay = np.sort(-np.linalg.eigvals(generator).real)
    return float(every / decay[1]) if decay[1] > 1e-14 else np.inf


def _shrinking(totals: GroupTotals, dim: int, last: int) -> float:
    """Variance in the last whole doubling of time over that in the one before; 1 where nobody knows."""
    variances = []
    for stretch in (last - 2, last - 1):
        if stretch < 1:
            return 1.0
        s = totals.moments[:, stretch].sum(axis=0)
        if s[0] == 0:
            return 1.0
        products = s[1 + dim :] / s[0]
        diagonal = products if len(products) == dim else products[_places(dim)]
        variances.append(float((diagonal - (s[1 : 1 + dim] / s[0]) ** 2).sum()))
    before, after = variances
    return 0.0 if after <= 0 else min(1.0, after / before) if before > 0 else 1.0


def _places(dim: int) -> Array:
    """Where the diagonal is in the upper triangle row by row."""
    rows = np.arange(dim)
    return rows * dim - rows * (rows - 1) // 2


def _from_stretch(totals: GroupTotals, stretch: int) -> GroupTotals:
    """Sums over the stretches from one on."""

    def late(array: Array) -> Array:
        return np.asarray(array[:, stretch:].sum(axis=1))

    def late_or_none(array: Array | None) -> Array | None:
        return None if array is None else late(array)

    plane = late_or_none(totals.plane)
    moments = late(totals.moments)
    return GroupTotals(
        moments=moments,
        values=late(totals.values),
        centres=totals.centres,
        counts=late(totals.counts),
        rest=late(totals.rest),
        edges=totals.edges,
        plane=plane,
        field=late_or_none(totals.field),
        moves=late_or_none(totals.moves),
        plane_edges=totals.plane_edges,
        missed=0 if plane is None else int(moments[:, 0].sum() - plane.sum()),
        turns=late(totals.turns),
        balance=late(totals.balance),
        visits=late_or_none(totals.visits),
        changes=late_or_none(totals.changes),
    )
