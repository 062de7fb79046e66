"""How long the beginning of a long run is felt, and the sums of what counts after it."""

from __future__ import annotations

import numpy as np

from simdyn.dynamics import Rule
from simdyn.estimators.look_spacing import LookSpacing
from simdyn.estimators.stationary_measurement import FORGOTTEN, StationaryMeasurement, Wanted
from simdyn.inference import Interval, Memory, agreement_of_halves, memory_of, scale_reduction, tail_index
from simdyn.lowering import DIVERGENCE_BOUND
from simdyn.recorders import GroupTotals, LongRunRecorder

Array = np.ndarray


def measured_after_burn_in(
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
    """What a run measured once its beginning is left out, and how far it can be trusted.

    Parameters
    ----------
    recorder
        That has watched the run.
    update, wanted, starts
        As in `measure_stationary`.
    final
        Last states, shape (d, paths).
    steps, spacing
        Steps of each path, and between looks.
    complete, seconds
        Whether the run was not interrupted, and how long it took.
    """
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
    needed = max(FORGOTTEN * max((one.time for one in memories), default=0.0), 2 * FORGOTTEN * relaxation)
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
