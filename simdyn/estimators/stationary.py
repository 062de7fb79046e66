"""The stationary law by simulation: paths run until what is measured has forgotten where they began."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from simdyn.counts import whole_number
from simdyn.dynamics import MinibatchUpdate, Rule, Update
from simdyn.engines import engine_for
from simdyn.errors import InputError
from simdyn.estimators.burn_in import measured_after_burn_in
from simdyn.estimators.look_spacing import LookSpacing, chosen_spacing
from simdyn.estimators.stationary_measurement import StationaryMeasurement, Wanted
from simdyn.noise import Seed
from simdyn.recorders import Drift, Ensemble, LongRunRecorder, Plan, Progress, Schedule, run_ensemble

Array = np.ndarray

DEFAULT_WORK = 4e9
"""Coordinate-steps of a run whose length nobody gives: some ten seconds on two cores."""

FEWEST_PATHS = 16
FEWEST_LOOKS = 32
MEMORY_LIMIT = 2 * 10**9
_FIRST_LOOKS = 256


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
        found = measured_after_burn_in(
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
    return whole_number("steps", steps, FEWEST_LOOKS)


def _checked_every(every: int, steps: int) -> int:
    every = whole_number("every", every)
    if FEWEST_LOOKS * every > steps:
        raise InputError(
            f"every is {every:,}, but {steps:,} steps have room for {FEWEST_LOOKS} looks at most "
            f"{steps // FEWEST_LOOKS:,} apart; give at most that, or more steps."
        )
    return every


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
