"""Where does it settle? The stationary law, measured, predicted and exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.counts import check_states, whole_number
from simdyn.dynamics import SDE, Dynamics, MinibatchUpdate, Rule
from simdyn.engines import check_backend
from simdyn.errors import InputError
from simdyn.estimators import (
    FEWEST_PATHS,
    LookSpacing,
    StationaryMeasurement,
    Wanted,
    basin_table,
    check_target,
    measure_stationary,
)
from simdyn.exits import parse_start
from simdyn.noise import Seed, key_of, seed_record
from simdyn.questions.quantities import Bins, quantities_of
from simdyn.questions.record import dynamics_record
from simdyn.questions.start import check_start
from simdyn.questions.stationary_estimate import INTERRUPTED, StationaryEstimate
from simdyn.recorders import Progress
from simdyn.results import Prediction, versions

if TYPE_CHECKING:
    from simdyn.exact import Density

DEFAULT_PATHS = 4_096
_COUNTED = 16
"""So many coordinates get histograms of their own when nobody says of what."""

_NO_VARIANCE = 2.0


def stationary(
    potential: Potential | DriftField,
    dynamics: Dynamics,
    start: Any = "minima",
    *,
    paths: int = DEFAULT_PATHS,
    steps: int | None = None,
    target_error: float | None = None,
    of: str | Sequence[str] | None = None,
    bins: Bins | None = None,
    every: int | None = None,
    exact: bool = True,
    seed: Seed = 0,
    backend: str = "auto",
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    progress: Callable[[Progress], None] | None = None,
) -> StationaryEstimate:
    """The law that paths settle to, measured, predicted and, in one or two dimensions, exact.

    The ensemble falls into up to 64 independent groups, whose spread gives all intervals. How much of the
    beginning is left out follows from how long values are remembered and how slowly basins exchange paths;
    where the run is too short for that, or there is no stationary law, the answer says so and is not
    `settled`. Nothing is stored per step. Ctrl-C ends the run early.

    Parameters
    ----------
    potential, dynamics
        What is descended, and how.
    start
        "minima": the groups of paths start from all minima (or attractors) in turn, so that they agree only
        once basins have exchanged their paths; "deepest", "x=-1", a point, or an array of shape (paths, d).
    paths
        Number of paths, at least 16.
    steps
        Steps of each path, of which whole looks are made, and with `target_error` the largest number. By
        default a short run is
        doubled until the law has settled and the target is met, for some ten seconds.
    target_error
        Largest standard error of the mean of any formula of `of`, in units of its standard deviation; by
        default 0.01 where `steps` is not given.
    of
        Formulas whose means, histograms and memories are wanted, such as "x" or "x**2 + y**2"; by default
        the coordinates, the first 16 of them.
    bins
        Number of bins (100 by default), or (low, high, number). Without ends they cover all that occurs.
    every
        Steps between looks. By default a pilot of 32 paths on a branch of the seed tells how long values are
        remembered, and looks are at most a quarter of that apart, which makes the variance of a mean at most
        some 2 % larger than looks at every step; but never so close that they cost more than about a fifth
        of the run, and closer than either in short runs. `problem["pilot"]` says what it found. Batches of
        shuffled epochs are looked at at ends of epochs. Currents rest on single steps at some of the looks,
        and closer looks make them more precise.
    exact
        Whether to compute the exact density, which in two dimensions takes up to half a minute.
    seed
        Integer or SeedSequence; the result is the same to the bit for the same seed, whatever the number of
        threads.
    backend, threads, dtype, normals
        "auto" (the CPU), "cpu" or "gpu"; number of threads of the CPU; "float64" or "float32"; "standard" or
        "wide" normals.
    progress
        Called a few times a second with the state of the run.

    Returns
    -------
    StationaryEstimate

    Raises
    ------
    InputError
        Anything that cannot be done as asked, in one sentence.
    """
    # Errors come from the spread of independent groups of paths.
    paths = whole_number("paths", paths, FEWEST_PATHS)
    check_states(paths, potential.dim)
    check_target(target_error)
    check_backend(backend, threads)
    # Looks fetch the states, which costs a GPU more than the CPU; it runs when it is asked for.
    backend = "gpu" if backend == "gpu" else "cpu"
    key_of(seed)
    starts, described = _starts(start, potential, paths)
    update = dynamics.update(potential, starts[0])
    _check_stationary(update)
    check_start(update, np.unique(starts, axis=0), potential)
    names = tuple(v.name for v in potential.variables)
    plane = (0, 1) if potential.dim > 1 else None
    quantities = tuple(quantities_of(names[:_COUNTED] if of is None else of, bins, potential))
    wanted = Wanted(
        quantities, plane, basin_table(potential), _momentum(dynamics), _balanced(dynamics, update)
    )
    measurement = measure_stationary(
        update,
        wanted,
        starts,
        steps=steps,
        every=every,
        target_error=target_error,
        seed=seed,
        backend=backend,
        threads=threads,
        dtype=dtype,
        normals=normals,
        report=progress,
    )
    reference, note, predictions = _comparisons(potential, dynamics, starts[0], exact)
    return StationaryEstimate(
        predictions=predictions,
        reference=reference,
        reference_note=note,
        warnings=(*measurement.doubts, *_warnings(measurement, names, predictions)),
        problem={
            "potential": potential.record(),
            "dynamics": dynamics_record(dynamics),
            "start": described,
            "paths": int(paths),
            "steps": measurement.steps,
            "every": measurement.every,
            "pilot": _pilot_record(measurement.spacing),
            "target_error": target_error,
            "of": [one.label for one in quantities],
            "bins": quantities[0].bins,
            "plane": None if plane is None else [names[i] for i in plane],
            "units": None if measurement.units is None else measurement.units.tolist(),
            "entropy": measurement.forced,
            "dtype": dtype,
            "normals": normals,
        },
        seed=seed_record(seed),
        backend=backend,
        versions=versions(),
        names=names,
        measurement=measurement,
        quantities=quantities,
    )


def _pilot_record(spacing: LookSpacing) -> dict[str, Any] | None:
    """What the spacing of looks was chosen by; None where there was no pilot."""
    if not spacing.pilot_steps:
        return None
    return {
        "paths": spacing.pilot_paths,
        "steps": spacing.pilot_steps,
        "memory": spacing.memory,
        "loss": spacing.loss,
    }


def _check_stationary(update: Rule) -> None:
    """Refuse what cannot have a stationary law."""
    if not update.noisy:
        raise InputError(
            "The rule has no noise, so every path ends in a point and there is no stationary law; use "
            "simulate, or give it noise."
        )
    if update.scheduled:
        raise InputError(
            "The settings of the rule change with the step, so there is no stationary law; give numbers, or "
            "use simulate for the law at a step."
        )


def _momentum(dynamics: Dynamics) -> float:
    return float(getattr(dynamics, "momentum", 0.0))


def _balanced(dynamics: Dynamics, update: Rule) -> bool:
    """Whether the mean of a step is what the fluctuation-dissipation relation needs."""
    if isinstance(update, MinibatchUpdate):
        # Within a shuffled epoch the steps are not alike.
        return not (update.noise == "minibatch" and update.sampling == "epoch_shuffle")
    if update.uniforms:
        return False
    return not isinstance(dynamics, SDE) or dynamics.scheme == "euler_maruyama"


def _starts(start: Any, potential: Potential | DriftField, paths: int) -> tuple[np.ndarray, Any]:
    """Shape (paths, d), and how it is recorded."""
    if isinstance(start, str) and start.strip().lower() == "minima":
        points = _bottoms(potential)
        # Blocks of paths, so that each group of them starts in one place.
        block = max(1, paths // 64)
        block = 1 << (block.bit_length() - 1)
        starts = points[(np.arange(paths) // min(block, 256)) % len(points)]
        return starts, {"minima": points.tolist()}
    if not isinstance(start, str) and np.ndim(getattr(start, "x", start)) == 2:
        try:
            array = np.asarray(start, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.full((1, 1), np.nan)
        if array.shape != (paths, potential.dim) or not np.isfinite(array).all():
            raise InputError(
                f"The starts must be finite numbers of shape ({paths}, {potential.dim}), paths by "
                f"coordinates; these have the shape {array.shape}."
            )
        return array, "one start a path"
    point = parse_start(start, potential)
    return np.tile(point, (paths, 1)), point.tolist()


def _bottoms(potential: Potential | DriftField) -> np.ndarray:
    """All minima or attractors, at most 32 of the deepest; the deepest where they cannot be listed."""
    if isinstance(potential, DriftField):
        attractors = potential.attractors()
        if not attractors:
            raise InputError(
                f"The drift field {potential.name!r} has no attractor in its domain; give a start such as "
                '"x=0".'
            )
        return np.array([point.x for point in attractors[:32]], dtype=float)
    try:
        minima = sorted(potential.minima(), key=lambda point: point.energy)[:32]
    except InputError:
        minima = []
    return np.array([point.x for point in minima] if minima else [potential.deepest().x], dtype=float)


def _comparisons(
    potential: Potential | DriftField, dynamics: Dynamics, start: np.ndarray, wanted: bool
) -> tuple[Density | None, str, tuple[Prediction, ...]]:
    """The exact density, or why there is none, and the closed forms."""
    from simdyn import exact, theory

    predictions: tuple[Prediction, ...] = ()
    reference, note = None, "" if wanted else "It was not asked for."
    try:
        predictions = theory.stationary_laws(potential, dynamics, start)
        if wanted:
            reference = exact.stationary_density(potential, dynamics, start=start)
    except exact.NoReference as reason:
        note = str(reason)
    except KeyboardInterrupt:
        note = INTERRUPTED
    return reference, note, predictions


def _warnings(
    measurement: StationaryMeasurement, names: tuple[str, ...], predictions: tuple[Prediction, ...]
) -> list[str]:
    found = []
    for name, tail in zip(names, measurement.tails, strict=True):
        if tail.high < _NO_VARIANCE:
            found.append(
                f"The tails of {name} fall like a power with exponent {tail.value:.2g} "
                f"({tail.low:.2g} to {tail.high:.2g}), so it has no variance"
                + (" and no mean" if tail.high < 1 else "")
                + "; its moments here depend on the length of the run."
            )
    for prediction in predictions:
        covariance = getattr(prediction, "covariance", None)
        if covariance is not None and np.isinf(covariance).any():
            found.append(f"{prediction.name}: {prediction.why}")
        if prediction.name == "Kesten" and prediction.valid and prediction.value <= _NO_VARIANCE:
            found.append(f"By Kesten's formula the tail index is {prediction.value:.3g}: no variance.")
    totals = measurement.totals
    shares = totals.counts.sum(axis=0) / np.maximum(1, totals.counts.sum(axis=(0, 2)))[:, None]
    if shares.size and float(shares.max()) > 0.9:
        found.append(
            "Nearly all states lie in one bin, because a few lie far out; give bins=(low, high, number)."
        )
    balance = measurement.balance()
    if balance is not None and not measurement.doubts:
        ratio = balance[2]
        if np.isfinite(ratio.error) and abs(ratio.value) > 4.5 * ratio.error:
            found.append(
                f"The fluctuation-dissipation relation is off by {ratio.value:.2%} ({ratio.error:.2%}); the "
                "law has not settled, or its second moments do not exist."
            )
    return found
