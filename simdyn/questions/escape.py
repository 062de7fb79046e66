"""How long until it escapes? Measured, predicted and exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics, Rule
from simdyn.engines import Tally, check_backend
from simdyn.errors import InputError
from simdyn.estimators import (
    DirectMeasurement,
    FluxMeasurement,
    Measurement,
    Progress,
    SplittingMeasurement,
    automatic_score,
    check_target,
    checked_budget,
    measure_by_splitting,
    measure_escape,
    measure_flux,
    run_pilot,
    why_not_split,
)
from simdyn.estimators.reactive_paths import Setting
from simdyn.exits import Exit, own_score, parse_start, resolve_exit
from simdyn.exits import progress as progress_towards
from simdyn.lowering import DIVERGENCE_BOUND
from simdyn.noise import Seed, seed_record
from simdyn.questions.descent import share_returning
from simdyn.questions.escape_estimate import INTERRUPTED, EscapeEstimate
from simdyn.questions.method_choice import FEWEST_ESCAPES, Budget, Choice, choose_method
from simdyn.questions.record import dynamics_record
from simdyn.questions.start import check_start
from simdyn.results import Prediction, Reference, versions

METHODS = ("auto", "direct", "flux", "splitting")
_CLASSIFIED = 200
_FOLLOWED = 2_000
_STEPS_TO_BLOW_UP = 60
_RELAXATION_TIMES = 5.0


def escape_time(
    potential: Potential | DriftField,
    dynamics: Dynamics,
    start: Any = "deepest",
    exit: Any = "valley",
    *,
    paths: int = 10_000,
    max_steps: int | None = None,
    seed: Seed = 0,
    method: str = "auto",
    score: str | None = None,
    backend: str = "auto",
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    target_error: float | None = None,
    exact: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> EscapeEstimate:
    """Mean escape time from `start` through `exit`, measured, predicted and, where it can be had, exact.

    Ctrl-C ends the simulation early: the answer then rests on what was done by then and says so, and
    `answer.interrupted` is true.

    Parameters
    ----------
    potential, dynamics
        What is descended, and how.
    start
        A point, "x=-1", or "deepest" (the lowest minimum).
    exit
        A condition such as "x >= 0" or "(x >= 0) | (x <= -2)"; "valley": across the rim of the start's valley
        (a hit); "commit": arrival at a neighbouring minimum; or a target minimum.
    paths
        Number of paths, for a flux the population, for splitting the replicas; with `target_error` the
        largest number.
    max_steps
        Step budget of each path; paths that outlast it are censored and enter the likelihood as such. For a
        flux the steps of the population, of which the second half counts. Not for splitting.
    seed
        Integer or SeedSequence; the result is the same to the bit for the same seed, whatever the number of
        threads.
    method
        "direct": paths from the start until they leave; "flux": a population that is fed at the start, over
        the flux out of it once that is stationary; "splitting": adaptive multilevel splitting with the
        Hill relation, for times that direct simulation does not reach; "auto": direct simulation, but
        splitting where a valid closed form, or without one a few pilot paths, say that direct simulation
        would see next to no escape, or where a score is given. The answer says what was chosen and why.
    score
        For splitting: a formula in the variables that is larger nearer the exit, by which paths are ranked;
        by default the committor of a discrete chain of independent coordinates whose noise depends on the
        state; in a landscape of coupled coordinates the height along the ways of least action to its saddles;
        and of all else the share of the way to the nearest channel of the exit. The answer names it.
    backend, threads, dtype, normals
        "auto" (the GPU for large work where there is one, else the CPU; the answer says which), "cpu" or
        "gpu"; number of threads of the CPU; "float64" or "float32"; "standard" or "wide" normals.
    target_error
        Relative standard error at which to stop; not for a flux.
    exact
        Whether to compute the exact value, which in two dimensions takes seconds.
    progress
        Called up to ten times a second with the state of the pilot, of a direct simulation or of splitting;
        not by a flux.

    Returns
    -------
    EscapeEstimate

    Raises
    ------
    InputError
        Anything that cannot be done as asked, in one sentence.
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}, but it must be one of: {', '.join(METHODS)}.")
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    update = dynamics.update(potential, origin)
    check_start(update, origin, potential)
    burn_in = _burn_in(potential, update, origin, way_out)
    relaxation = round(burn_in / update.step if update.unit == "time" else burn_in)
    if score is not None and method not in ("auto", "splitting"):
        raise InputError('score is for splitting; add method="splitting".')
    choice: Choice | None = None
    predictions: tuple[Prediction, ...] | None = None
    if method == "auto":
        check_backend(backend, threads)
        check_target(target_error)
        budget = Budget(paths, checked_budget(paths, max_steps, update.dim), target_error)
        if score is not None:
            choice = Choice("splitting", "it alone uses a score")
        elif max_steps is not None:
            choice = Choice("direct", "it alone has a step budget, and one is given")
        elif backend == "gpu":
            choice = Choice("direct", "splitting runs on the CPU")
        else:
            predictions = _closed_forms(potential, dynamics, origin, way_out)
            choice = choose_method(
                budget,
                predictions,
                update.step if update.unit == "time" else 1.0,
                why_not_split(update, paths, relaxation),
                lambda enough: run_pilot(
                    update,
                    way_out,
                    origin,
                    paths=paths,
                    enough=enough,
                    max_steps=budget.max_steps,
                    seed=seed,
                    threads=threads,
                    dtype=dtype,
                    normals=normals,
                    report=progress,
                ),
            )
        method = choice.method
    measurement: Measurement | None = None
    if score is not None:
        ranking = own_score(score, potential)
    elif method == "splitting":
        ranking = automatic_score(update, way_out, origin, potential)
    else:
        ranking = progress_towards(way_out, origin)
    if method == "splitting":
        if max_steps is not None:
            raise InputError("max_steps is for direct simulation; splitting follows every path to its end.")
        check_backend(backend, threads)
        if backend == "gpu":
            raise InputError('Splitting runs on the CPU; use backend="cpu", or method="direct" on the GPU.')
        try:
            measurement = measure_by_splitting(
                update,
                way_out,
                origin,
                ranking,
                paths=paths,
                relaxation=relaxation,
                seed=seed,
                threads=threads,
                dtype=dtype,
                normals=normals,
                target_error=target_error,
                report=progress,
            )
        except InputError as reason:
            if choice is None or score is not None:
                raise
            choice = choice.refused(str(reason))
            ranking = progress_towards(way_out, origin)
    if method == "flux":
        if target_error is not None:
            raise InputError('target_error is not for method="flux"; give a larger population as paths.')
        measurement = measure_flux(
            update,
            way_out,
            origin,
            paths=paths,
            max_steps=max_steps,
            seed=seed,
            backend=backend,
            threads=threads,
            dtype=dtype,
            normals=normals,
            burn_in=burn_in,
        )
    if measurement is None:
        measurement = measure_escape(
            update,
            way_out,
            origin,
            paths=paths,
            max_steps=max_steps,
            seed=seed,
            backend=backend,
            threads=threads,
            dtype=dtype,
            normals=normals,
            target_error=target_error,
            burn_in=burn_in,
            report=progress,
        )
    setting = Setting(
        update=update,
        exit=way_out,
        start=origin,
        score=ranking,
        relaxation=relaxation,
        seed=seed,
        dtype=dtype,
        normals=normals,
        threads=threads,
    )
    # After the run, which need not wait for them; Ctrl-C in here must not lose it.
    reference, note, predictions = _comparisons(potential, dynamics, origin, way_out, predictions, exact)
    misclassified = _misclassified(potential, way_out, measurement)
    overshoot = _overshoot(update, measurement)
    estimate = measurement.estimate()
    tally = Tally()
    if isinstance(measurement, DirectMeasurement):
        tally = measurement.counts.tally
    elif isinstance(measurement, FluxMeasurement):
        tally = Tally(diverged=measurement.tally.diverged)
    return EscapeEstimate(
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        unit=estimate.unit,
        confidence=estimate.confidence,
        events=estimate.events,
        censored=tally.censored,
        diverged=tally.diverged,
        exits=dict(zip(way_out.labels, (float(share) for share in measurement.shares), strict=True)),
        predictions=predictions,
        reference=reference,
        reference_note=note,
        warnings=(
            *measurement.remarks,
            *_refusal(choice, tally),
            *_warnings(misclassified, overshoot, update, way_out),
        ),
        misclassified=misclassified,
        overshoot=overshoot,
        problem={
            "potential": potential.record(),
            "dynamics": dynamics_record(dynamics),
            "start": [float(v) for v in origin],
            "exit": way_out.description,
            "exit_kind": way_out.kind,
            "exit_values": {k: v for k, v in way_out.values.items() if k.startswith("_")},
            "method": measurement.method,
            "method_choice": None if choice is None else choice.sentence,
            "score": score,
            "scored_by": measurement.score.description
            if isinstance(measurement, SplittingMeasurement)
            else None,
            "paths": paths,
            "max_steps": measurement.max_steps if isinstance(measurement, DirectMeasurement) else max_steps,
            "target_error": target_error,
            "dtype": dtype,
            "normals": normals,
        },
        seed=seed_record(seed),
        backend=measurement.backend,
        steps_done=measurement.path_steps,
        seconds=measurement.seconds,
        versions=versions(),
        measurement=measurement,
        setting=setting,
    )


def _burn_in(potential: Potential | DriftField, update: Rule, origin: np.ndarray, way_out: Exit) -> float:
    """Several relaxation times of the start's valley, in the unit of the dynamics; 0 if there is none.

    One relaxation takes 1 / -log(rho) steps, with rho the spectral radius of the noise-free step at the
    bottom of the valley.
    """
    try:
        if isinstance(potential, Potential):
            bottom = update.at_rest(_bottom(potential, origin, way_out))
        else:
            bottom = update.at_rest(potential.attractor(origin).x)
    except InputError:
        return 0.0
    shift = 1e-5 * np.diag(1.0 + np.abs(bottom))
    ends = update.advance(bottom + shift) - update.advance(bottom - shift)
    radius = _spectral_radius(ends / (2 * np.diag(shift)[:, None]))
    if not 0.0 < radius < 1.0:
        return 0.0
    steps = float(np.ceil(_RELAXATION_TIMES / -np.log(radius)))
    return steps * update.step if update.unit == "time" else steps


def _bottom(potential: Potential, origin: np.ndarray, way_out: Exit) -> np.ndarray:
    """The minimum below the start, without a second search for the rim of its valley."""
    known = way_out.valley is not None and way_out.kind == "hit"
    return way_out.valley.minimum.x if known else potential.minimum_below(origin).x  # type: ignore[union-attr]


def _spectral_radius(jacobian: np.ndarray) -> float:
    """Largest |eigenvalue|; of a diagonal and of a symmetric matrix without the work of a general one."""
    diagonal = np.diag(jacobian)
    if np.count_nonzero(jacobian) == np.count_nonzero(diagonal):
        return float(np.abs(diagonal).max())
    if np.abs(jacobian - jacobian.T).max() <= 1e-8 * np.abs(jacobian).max():
        return float(np.abs(np.linalg.eigvalsh((jacobian + jacobian.T) / 2)).max())
    return float(np.abs(np.linalg.eigvals(jacobian)).max())


def _closed_forms(
    potential: Potential | DriftField, dynamics: Dynamics, origin: np.ndarray, way_out: Exit
) -> tuple[Prediction, ...]:
    from simdyn import theory

    return theory.predictions(potential, dynamics, origin, way_out)


def _comparisons(
    potential: Potential | DriftField,
    dynamics: Dynamics,
    origin: np.ndarray,
    way_out: Exit,
    known: tuple[Prediction, ...] | None,
    wanted: bool,
) -> tuple[Reference | None, str, tuple[Prediction, ...]]:
    """The exact value, or why there is none, and the closed forms, which may be known."""
    from simdyn import exact

    predictions = known or ()
    reference, note = None, "" if wanted else "It was not asked for."
    try:
        if known is None:
            predictions = _closed_forms(potential, dynamics, origin, way_out)
        if wanted:
            reference = exact.escape_time(potential, dynamics, origin, way_out)
    except exact.NoReference as reason:
        note = str(reason)
    except KeyboardInterrupt:
        note = INTERRUPTED
    return reference, note, predictions


def _misclassified(
    potential: Potential | DriftField, way_out: Exit, measurement: Measurement
) -> float | None:
    if not isinstance(potential, Potential) or not way_out.approximate or way_out.valley is None:
        return None
    sample = measurement.exit_points[:_CLASSIFIED]
    if len(sample) == 0:
        return None
    return share_returning(potential, way_out.valley, sample.astype(float))


def _overshoot(update: Rule, measurement: Measurement) -> float:
    """Share of sampled exit states from which the update without noise leaves every bound."""
    x = measurement.exit_points[:_FOLLOWED].astype(float)
    if len(x) == 0:
        return 0.0
    x = update.at_rest(x)
    reach = np.maximum(DIVERGENCE_BOUND, np.abs(x).max(axis=1))
    with np.errstate(all="ignore"):
        for _ in range(_STEPS_TO_BLOW_UP):
            x = update.advance(x)
    return float(np.mean(~(np.abs(x).max(axis=1) <= reach)))


def _refusal(choice: Choice | None, tally: Tally) -> tuple[str, ...]:
    """Why the better method was not taken, where direct simulation has seen next to nothing."""
    if choice is None or not choice.refusal or tally.events >= FEWEST_ESCAPES or not tally.censored:
        return ()
    return (f"Splitting could not take over: {choice.refusal}",)


def _warnings(misclassified: float | None, overshoot: float, update: Rule, way_out: Exit) -> tuple[str, ...]:
    found = []
    if overshoot > 0.01 and not getattr(update, "uniforms", 0):
        found.append(
            f"{overshoot:.1%} of the escapes landed where the update runs away to infinity; the learning "
            "rate or step is too large, and those are "
            "explosions rather than escapes."
        )
    if misclassified is not None and misclassified > 0.05:
        found.append(
            f"From {misclassified:.0%} of the sampled exits gradient descent returns to the start's "
            "minimum: the planes at the saddles are a "
            "poor rim for this valley; give an exit of your own."
        )
    if way_out.valley is not None and way_out.valley.climbs is not None:
        found.append(
            f"The {len(way_out.valley.saddles)} saddles on the rim are those that "
            f"{way_out.valley.climbs} climbs from the minimum of this valley came to, not those of a search "
            "of the whole domain; a path through one that was missed counts as still inside, and its rate is "
            "left out of the predictions."
        )
    return tuple(found)
