"""Where do the paths go? An ensemble, and what was recorded of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import DriftField, FunctionSpace, Potential
from simdyn.counts import MEMORY_LIMIT, check_states, gigabytes, whole_number
from simdyn.dynamics import Dynamics, Rule
from simdyn.engines import check_backend, engine_for
from simdyn.errors import InputError
from simdyn.exits import parse_start
from simdyn.lowering import DIVERGENCE_BOUND
from simdyn.noise import Seed, key_of, seed_record
from simdyn.questions.quantities import DEFAULT_BINS, Bins, quantities_of
from simdyn.questions.record import dynamics_record
from simdyn.questions.start import check_start
from simdyn.recorders import (
    DivergedRecorder,
    Ensemble,
    HistogramRecorder,
    MomentsRecorder,
    Progress,
    Quantity,
    Recorder,
    Run,
    Schedule,
    SnapshotsRecorder,
    TimeAveragesRecorder,
    Variable,
    run_ensemble,
)
from simdyn.results import versions

if TYPE_CHECKING:
    import xarray

RECORDS = ("final", "snapshots", "moments", "histogram")

QUESTION = "simulate"
"""The attribute `question` of the datasets, by which a file is known again."""

DEFAULT_LOOKS = 50
"""About how many steps are recorded when nobody says how often."""

_APART = 50
"""Steps between looks in runs too short for that many: a look costs as much as a few steps."""

_FEWEST_LOOKS = 10
"""Looks of even shorter runs."""


def simulate(
    potential: Potential | DriftField | FunctionSpace,
    dynamics: Dynamics,
    start: Any = "deepest",
    *,
    paths: int,
    steps: int,
    record: str | Sequence[str] = "final",
    every: int | None = None,
    bins: Bins | None = None,
    of: str | Sequence[str] | None = None,
    burn_in: int | None = None,
    seed: Seed = 0,
    backend: str = "auto",
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    progress: Callable[[Progress], None] | None = None,
) -> xarray.Dataset:
    """Run an ensemble of paths, and keep of it what is asked for.

    The numbers depend on the seed, and to the last bit on nothing else: not on the number of threads, and not
    on what else is recorded. Path p takes the same course in a run of more paths or of more steps. Ctrl-C
    ends the run early: the dataset is then that of a shorter run, and says so in its attributes `complete`
    (0 instead of 1) and `steps_done`.

    Parameters
    ----------
    potential, dynamics
        What is descended, and how. In a `FunctionSpace` the coordinates are the errors of a linearised
        network, and a step costs the same however many parameters it has.
    start
        "deepest" (the lowest minimum), "x=-1", a point, or an array of shape (paths, d): one start a path.
    paths, steps
        Number of paths, and of steps that each takes.
    record
        One of these, or several in a list:

        - "final": the state after the last step, `final(path, coordinate)`.
        - "snapshots": the states, `snapshots(step, path, coordinate)`.
        - "moments": mean and covariance over the paths, `mean(step, coordinate)` and `covariance(step,
          coordinate, other_coordinate)`, with standard errors `mean_error` and `covariance_error`. Besides,
          averages over paths and time: `time_mean(coordinate)` and `time_variance(coordinate)`, over the
          recorded steps beyond `burn_in`, with standard errors from the spread between the paths.
        - "histogram": counts of paths in bins, `histogram(step, quantity, bin)`, with `underflow`,
          `overflow`, `uncounted` and the coordinate `edge(quantity, bin_edge)`. Sum over steps for a
          histogram over time.
    every
        Snapshots, moments and histograms look at the steps 0, every, 2 every, ...; by default a fiftieth of
        `steps`, but at least 50 steps (a tenth of `steps` where that is less).
    bins
        Number of bins (100 by default), or (low, high, number). Without ends the bins cover all that occurs
        in the run; their width is a power of two.
    of
        What histograms count: formulas of the coordinates (and parameters) such as "x" or "x**2 + y**2"; by
        default each coordinate.
    burn_in
        Steps that averages over time leave out; by default half of `steps`.
    seed
        Integer or SeedSequence.
    backend, threads, dtype, normals
        "auto" (the GPU for large work where there is one, else the CPU; the answer says which), "cpu" or
        "gpu"; number of threads of the CPU; "float64" or "float32"; "standard" or "wide" normals.
    progress
        Called a few times a second with the state of the run.

    Returns
    -------
    xarray.Dataset
        The coordinate `step` counts steps, and `time` is step times learning rate (or the step of the SDE's
        scheme); a rule with a schedule has none. `diverged(step)` counts the paths that are not finite or
        beyond the divergence bound; moments and histograms leave them out, and say so in `moment_paths`,
        `time_paths` and `uncounted`. The attributes hold seed, problem and versions as JSON, and `diverged`
        after the last step.

    Raises
    ------
    InputError
        Anything that cannot be done as asked, in one sentence.
    """
    wanted = _records(record)
    paths, steps = whole_number("paths", paths), whole_number("steps", steps, 0)
    _check_belonging(wanted, every=every, bins=bins, of=of, burn_in=burn_in)
    schedule = Schedule(steps, _every(every, steps))
    check_backend(backend, threads)
    key_of(seed)  # Refuses what is no seed.
    starts = _starts(start, potential, paths)
    update = dynamics.update(potential, starts if starts.ndim == 1 else starts[0])
    engine = engine_for(
        backend, update, dtype=dtype, noise=normals, threads=threads, start=starts, paths=paths, steps=steps
    )
    ensemble = Ensemble(paths, tuple(v.name for v in potential.variables), np.dtype(dtype))
    check_start(update, starts, potential)
    recorders = _recorders(
        wanted,
        ensemble,
        schedule,
        starts=np.atleast_2d(starts).T,
        burn_in=_burn_in(burn_in, steps),
        # In many dimensions they cost seconds.
        quantities=quantities_of(of, bins, potential) if "histogram" in wanted else [],
    )
    _check_memory(ensemble, schedule, recorders)
    for recorder in recorders.values():
        recorder.begin()
    run = run_ensemble(
        engine,
        _initial_state(update.at_rest(starts), ensemble),
        schedule,
        list(recorders.values()),
        dim=update.dim,
        seed=seed,
        # Threads are shared out by the run, so that recorders run in them too.
        threads=engine.threads,
        report=progress,
    )
    problem = {
        "potential": potential.record(),
        "dynamics": dynamics_record(dynamics),
        "start": starts.tolist() if starts.ndim == 1 else "one start a path, see the variable start",
        "paths": paths,
        "steps": steps,
        "record": list(wanted),
        "every": schedule.every if recorders else None,
        "bins": _plain_bins(bins, wanted),
        "of": [of] if isinstance(of, str) else None if of is None else list(of),
        "burn_in": _burn_in(burn_in, steps) if "moments" in wanted else None,
        "dtype": dtype,
        "normals": normals,
    }
    return _dataset(run, wanted, recorders, ensemble, schedule, starts, update, problem, engine.backend, seed)


def _recorders(
    wanted: tuple[str, ...],
    ensemble: Ensemble,
    schedule: Schedule,
    *,
    starts: np.ndarray,
    burn_in: int,
    quantities: list[Quantity],
) -> dict[str, Recorder]:
    """The recorders by what they keep, as messages call it."""
    recorders: dict[str, Recorder] = {}
    if "snapshots" in wanted:
        recorders["snapshots"] = SnapshotsRecorder(ensemble, schedule)
    if "moments" in wanted:
        recorders["moments"] = MomentsRecorder(ensemble, schedule)
        recorders["averages over time"] = TimeAveragesRecorder(ensemble, schedule, starts, burn_in)
    if "histogram" in wanted:
        recorders["histograms"] = HistogramRecorder(ensemble, schedule, quantities)
    if recorders:
        recorders["counts of diverged paths"] = DivergedRecorder(schedule)
    return recorders


def _dataset(
    run: Run,
    wanted: tuple[str, ...],
    recorders: dict[str, Recorder],
    ensemble: Ensemble,
    schedule: Schedule,
    starts: np.ndarray,
    update: Rule,
    problem: dict[str, Any],
    backend: str,
    seed: Seed,
) -> xarray.Dataset:
    import xarray

    looks = schedule.looks_done(run.steps_done)
    final = run.state[: ensemble.dim]
    variables: dict[str, Variable] = {}
    coordinates: dict[str, Variable] = {
        "coordinate": (("coordinate",), np.array(ensemble.coordinates), {"long_name": "variable"})
    }
    if "final" in wanted:
        variables["final"] = (("path", "coordinate"), final.T, {"long_name": "state after the last step"})
    if starts.ndim == 2:
        variables["start"] = (("path", "coordinate"), starts, {"long_name": "state before the first step"})
    for recorder in recorders.values():
        variables.update(recorder.variables(looks))
        coordinates.update(recorder.coordinates())
    if recorders:
        recorded = schedule.recorded[:looks]
        coordinates["step"] = (("step",), recorded, {"units": "steps", "long_name": "steps taken"})
        if not update.scheduled:
            # With a schedule steps last differently long.
            coordinates["time"] = (
                ("step",),
                recorded * update.step,
                {"units": "time", "long_name": "steps times the SDE time of one step"},
            )
    diverged = ~(np.abs(final) < DIVERGENCE_BOUND).all(axis=0)
    return xarray.Dataset(
        variables,
        coords=coordinates,
        attrs={
            "question": QUESTION,
            "title": f"{ensemble.paths} paths on {problem['potential']['name']}, {run.steps_done} steps",
            "complete": int(run.steps_done == schedule.steps),
            "steps_done": run.steps_done,
            **({} if update.scheduled else {"step_time": update.step}),
            "paths": ensemble.paths,
            "diverged": int(np.count_nonzero(diverged)),
            "divergence_bound": DIVERGENCE_BOUND,
            "path_steps": run.steps_done * ensemble.paths,
            "seconds": run.seconds,
            "backend": backend,
            "seed": json.dumps(seed_record(seed)),
            "problem": json.dumps(problem),
            "versions": json.dumps(versions()),
        },
    )


def _initial_state(states: np.ndarray, ensemble: Ensemble) -> np.ndarray:
    """The engine's state at step 0, one row a number: the coordinates, then what the rule remembers."""
    rows = np.atleast_2d(states).T
    state = np.empty((len(rows), ensemble.paths), dtype=ensemble.dtype)
    state[:] = rows
    return state


def _records(record: str | Sequence[str]) -> tuple[str, ...]:
    asked = (record,) if isinstance(record, str) else tuple(record)
    for name in asked:
        if name not in RECORDS:
            raise InputError(f"record is {name!r}, but it must be one or several of: {', '.join(RECORDS)}.")
    if not asked:
        raise InputError(f"record is empty, but it must be one or several of: {', '.join(RECORDS)}.")
    return tuple(name for name in RECORDS if name in asked)


def _check_belonging(wanted: tuple[str, ...], **options: Any) -> None:
    """Refuse an option that nothing recorded would use."""
    users = {
        "every": ("snapshots", "moments", "histogram"),
        "bins": ("histogram",),
        "of": ("histogram",),
        "burn_in": ("moments",),
    }
    for name, value in options.items():
        if value is not None and not set(users[name]) & set(wanted):
            raise InputError(
                f"{name} is {value!r}, but only a record of {' or '.join(users[name])} makes use of it; add "
                f"that to record, or leave {name} out."
            )


def _every(every: int | None, steps: int) -> int:
    if every is None:
        return max(1, steps // DEFAULT_LOOKS, min(_APART, steps // _FEWEST_LOOKS))
    every = whole_number("every", every)
    if every > max(steps, 1):
        raise InputError(f"every is {every:,}, but there are only {steps:,} steps; give at most that.")
    return every


def _burn_in(burn_in: int | None, steps: int) -> int:
    if burn_in is None:
        return steps // 2
    burn_in = whole_number("burn_in", burn_in, 0)
    if burn_in >= max(steps, 1):
        raise InputError(f"burn_in is {burn_in:,}, but there are only {steps:,} steps; give less than that.")
    return burn_in


def _plain_bins(bins: Bins | None, wanted: tuple[str, ...]) -> Any:
    if "histogram" not in wanted:
        return None
    return DEFAULT_BINS if bins is None else bins if isinstance(bins, int) else list(bins)


def _starts(start: Any, potential: Potential | DriftField | FunctionSpace, paths: int) -> np.ndarray:
    """Shape (d,), or (paths, d) where every path has its own."""
    if isinstance(start, str) or np.ndim(getattr(start, "x", start)) < 2:
        return parse_start(start, potential)
    try:
        starts = np.asarray(start, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "The starts contain something that is not a number; give an array of numbers."
        ) from None
    if starts.shape != (paths, potential.dim):
        raise InputError(
            f"The starts have the shape {starts.shape}, but one start a path needs "
            f"({paths}, {potential.dim}): paths by coordinates."
        )
    if not np.isfinite(starts).all():
        raise InputError(
            f"The start of path {int(np.argmin(np.isfinite(starts).all(axis=1)))} is not finite; mend it."
        )
    return starts


def _check_memory(ensemble: Ensemble, schedule: Schedule, recorders: dict[str, Recorder]) -> None:
    """Before the run, and before memory is asked for."""
    check_states(ensemble.paths, ensemble.dim, ensemble.dtype.itemsize)
    for name, recorder in recorders.items():
        size, looks = recorder.size(), schedule.looks
        if size <= MEMORY_LIMIT:
            continue
        if name == "averages over time":
            remedy = "run fewer paths"
        elif size / looks > MEMORY_LIMIT / 2:
            remedy = "run fewer paths, or record moments or a histogram instead"
        else:
            # One look less than fits, since the start is looked at, too.
            fitting = int(MEMORY_LIMIT // (size / looks)) - 1
            remedy = f"look less often, every={-(-schedule.steps // fitting)} or more"
            remedy += ", or record moments or a histogram instead" if name == "snapshots" else ""
        raise InputError(
            f"The {name} of {ensemble.paths:,} paths at {looks:,} steps would take {gigabytes(size)}, more "
            f"than the {gigabytes(MEMORY_LIMIT)} that are allowed; {remedy}."
        )
