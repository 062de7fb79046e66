"""How long until it escapes? Measured, predicted and exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics, Rule
from simdyn.engines import backend_of
from simdyn.errors import InputError
from simdyn.estimators import DirectMeasurement, Progress, measure_escape
from simdyn.exits import Exit, parse_start, resolve_exit
from simdyn.lowering import DIVERGENCE_BOUND
from simdyn.noise import Seed, seed_record
from simdyn.questions.descent import share_returning
from simdyn.questions.record import dynamics_record
from simdyn.questions.start import check_start
from simdyn.results import Estimate, Prediction, Reference, versions

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

METHODS = ("auto", "direct")
_CLASSIFIED = 200
_FOLLOWED = 2_000
_STEPS_TO_BLOW_UP = 60
_RELAXATION_TIMES = 5.0
_INTERRUPTED = "It was interrupted before it was computed."


@dataclass(frozen=True, kw_only=True)
class EscapeEstimate(Estimate):
    """A measured mean escape time with everything to hold it against.

    Attributes
    ----------
    censored, diverged
        Paths that ran out of budget, and paths that blew up.
    exits
        Share of the escapes that went through each channel.
    predictions
        Closed forms that belong to this problem, each with its validity.
    reference
        The numerically exact value, or None; then `reference_note` says why.
    warnings
        Sentences on what a reader should know before trusting the value.
    misclassified
        For an approximate valley exit: share of sampled exits from which gradient descent returns to the
        start's minimum.
    overshoot
        Share of the (first 2,000) escapes that landed where the noise-free update runs away to infinity:
        explosions of too large a step, not escapes.
    problem
        Record of landscape, dynamics, start, exit and budget, enough to repeat the run.
    seed, backend, steps_done, seconds, versions
        Provenance.
    measurement
        The raw records behind the value.
    """

    censored: int
    diverged: int
    exits: Mapping[str, float]
    predictions: tuple[Prediction, ...]
    reference: Reference | None
    reference_note: str
    warnings: tuple[str, ...]
    misclassified: float | None
    overshoot: float
    problem: Mapping[str, Any]
    seed: Mapping[str, Any]
    backend: str
    steps_done: int
    seconds: float
    versions: Mapping[str, str]
    measurement: DirectMeasurement = field(repr=False, compare=False)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the simulation early, or came before the exact value."""
        return not self.measurement.records.complete or self.reference_note == _INTERRUPTED

    def compare(self) -> pandas.DataFrame:
        """One row an answer: measured, exact, predicted; with the ratio to the measured value and a
        verdict."""
        from simdyn.questions.comparison import comparison_table

        return comparison_table(self)

    def plot(self, path: str | None = None) -> Figure:
        """The survival curve on a log axis with the fitted exponential, the predictions and the exact mean.

        With `path` the figure is also written there (.pdf, .svg or .png).
        """
        from simdyn.plotting.style import save
        from simdyn.plotting.survival import survival_figure

        figure = survival_figure(self)
        if path is not None:
            save(figure, path)
        return figure

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; unbounded values are None."""
        from simdyn.questions.record import json_object

        return json_object(self)

    def __str__(self) -> str:
        from simdyn.questions.comparison import summary

        return summary(self)


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
    backend: str = "auto",
    threads: int | None = None,
    dtype: str = "float64",
    normals: str = "standard",
    target_error: float | None = None,
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
        Number of paths; with `target_error` the largest number.
    max_steps
        Step budget of each path; paths that outlast it are censored and enter the likelihood as such.
    seed
        Integer or SeedSequence; the result is the same to the bit for the same seed, whatever the number of
        threads.
    method
        "direct", or "auto", which is direct simulation.
    backend, threads, dtype, normals
        "auto" (the CPU), "cpu" or "gpu"; number of threads of the CPU; "float64" or "float32"; "standard" or
        "wide" normals.
    target_error
        Relative standard error at which to stop.
    progress
        Called about ten times a second with the state of the run.

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
        burn_in=_burn_in(potential, update, origin),
        report=progress,
    )
    # After the run, which need not wait for them; Ctrl-C in here must not lose it.
    reference, note, predictions = _comparisons(potential, dynamics, origin, way_out)
    tally = measurement.records.tally
    misclassified = _misclassified(potential, way_out, measurement)
    overshoot = _overshoot(update, measurement)
    estimate = measurement.fit.estimate
    return EscapeEstimate(
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        unit=estimate.unit,
        confidence=estimate.confidence,
        events=estimate.events,
        censored=tally.censored,
        diverged=tally.diverged,
        exits=_shares(way_out, measurement),
        predictions=predictions,
        reference=reference,
        reference_note=note,
        warnings=_warnings(measurement, misclassified, overshoot, update),
        misclassified=misclassified,
        overshoot=overshoot,
        problem={
            "potential": potential.record(),
            "dynamics": dynamics_record(dynamics),
            "start": [float(v) for v in origin],
            "exit": way_out.description,
            "exit_kind": way_out.kind,
            "exit_values": {k: v for k, v in way_out.values.items() if k.startswith("_")},
            "method": "direct",
            "paths": paths,
            "max_steps": measurement.max_steps,
            "target_error": target_error,
            "dtype": dtype,
            "normals": normals,
        },
        seed=seed_record(seed),
        backend=backend_of(backend, threads),
        steps_done=tally.path_steps,
        seconds=measurement.seconds,
        versions=versions(),
        measurement=measurement,
    )


def _burn_in(potential: Potential | DriftField, update: Rule, origin: np.ndarray) -> float:
    """Several relaxation times of the start's valley, in the unit of the dynamics; 0 if there is none.

    One relaxation takes 1 / -log(rho) steps, with rho the spectral radius of the noise-free step at the
    bottom of the valley.
    """
    try:
        if isinstance(potential, Potential):
            bottom = update.at_rest(potential.valley(origin).minimum.x)
        else:
            bottom = update.at_rest(potential.attractor(origin).x)
    except InputError:
        return 0.0
    shift = 1e-5 * np.diag(1.0 + np.abs(bottom))
    ends = update.advance(bottom + shift) - update.advance(bottom - shift)
    radius = float(np.abs(np.linalg.eigvals(ends / (2 * np.diag(shift)[:, None]))).max())
    if not 0.0 < radius < 1.0:
        return 0.0
    steps = float(np.ceil(_RELAXATION_TIMES / -np.log(radius)))
    return steps * update.step if update.unit == "time" else steps


def _comparisons(
    potential: Potential | DriftField, dynamics: Dynamics, origin: np.ndarray, way_out: Exit
) -> tuple[Reference | None, str, tuple[Prediction, ...]]:
    """The exact value, or why there is none, and the closed forms."""
    from simdyn import exact, theory

    predictions: tuple[Prediction, ...] = ()
    reference, note = None, ""
    try:
        predictions = theory.predictions(potential, dynamics, origin, way_out)
        reference = exact.escape_time(potential, dynamics, origin, way_out)
    except exact.NoReference as reason:
        note = str(reason)
    except KeyboardInterrupt:
        note = _INTERRUPTED
    return reference, note, predictions


def _shares(way_out: Exit, measurement: DirectMeasurement) -> dict[str, float]:
    code = measurement.records.code
    events = max(1, int((code > 0).sum()))
    return {label: float((code == k + 1).sum() / events) for k, label in enumerate(way_out.labels)}


def _misclassified(
    potential: Potential | DriftField, way_out: Exit, measurement: DirectMeasurement
) -> float | None:
    if not isinstance(potential, Potential) or not way_out.approximate or way_out.valley is None:
        return None
    sample = measurement.records.state[measurement.records.exited][:_CLASSIFIED]
    if len(sample) == 0:
        return None
    return share_returning(potential, way_out.valley, sample.astype(float))


def _overshoot(update: Rule, measurement: DirectMeasurement) -> float:
    """Share of sampled exit states from which the update without noise leaves every bound."""
    x = measurement.records.state[measurement.records.exited][:_FOLLOWED].astype(float)
    if len(x) == 0:
        return 0.0
    x = update.at_rest(x)
    with np.errstate(all="ignore"):
        for _ in range(_STEPS_TO_BLOW_UP):
            x = update.advance(x)
    return float(np.mean(~(np.abs(x) < DIVERGENCE_BOUND).all(axis=1)))


def _warnings(
    measurement: DirectMeasurement, misclassified: float | None, overshoot: float, update: Rule
) -> tuple[str, ...]:
    records, fit = measurement.records, measurement.fit
    tally, total = records.tally, len(records.code)
    found = []
    if not records.complete:
        found.append("The run was interrupted; the value rests on what had been done by then.")
    if tally.events == 0:
        found.append(
            f"No path escaped within {measurement.max_steps:,} steps, so only a lower bound is known; "
            "raise the step budget or the noise."
        )
    elif tally.events < 20:
        found.append(f"Only {tally.events} paths escaped; the interval is wide.")
    if tally.diverged:
        found.append(
            f"{tally.diverged:,} of {total:,} paths ({tally.diverged / total:.2%}) blew up; the learning "
            "rate or step is too large for this "
            "landscape. They count as censored where they left the finite numbers."
        )
    if overshoot > 0.01:
        found.append(
            f"{overshoot:.1%} of the escapes landed where the update runs away to infinity; the learning "
            "rate or step is too large, and those are "
            "explosions rather than escapes."
        )
    if measurement.exponentiality.doubtful:
        found.append(
            "The escape times are not exponential (total-time-on-test position "
            f"{measurement.exponentiality.mean_position:.3f} instead of 0.5, p = "
            f"{measurement.exponentiality.p_value:.1g}), so the interval, "
            "which assumes that they are, is only a guide"
            + (" and the value depends on the step budget." if tally.censored else ".")
        )
    if misclassified is not None and misclassified > 0.05:
        found.append(
            f"From {misclassified:.0%} of the sampled exits gradient descent returns to the start's "
            "minimum: the planes at the saddles are a "
            "poor rim for this valley; give an exit of your own."
        )
    if fit.burn_in and update.noisy and fit.survivors < 0.9:
        found.append(
            f"{1 - fit.survivors:.0%} of the paths escaped within the burn-in of {fit.burn_in:g} "
            f"{fit.estimate.unit}."
        )
    return tuple(found)
