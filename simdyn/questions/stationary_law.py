"""Where does it settle? The stationary law, measured, predicted and exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import DriftField, Potential
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
from simdyn.inference import Figures, Interval
from simdyn.noise import Seed, key_of, seed_record
from simdyn.questions.quantities import Bins, quantities_of
from simdyn.questions.record import dynamics_record
from simdyn.questions.start import check_start
from simdyn.recorders import Progress
from simdyn.results import Prediction, versions

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from simdyn.exact import Density
    from simdyn.questions.stationary_comparison import OtherLaw

DEFAULT_PATHS = 4_096
_COUNTED = 16
"""So many coordinates get histograms of their own when nobody says of what."""

_INTERRUPTED = "It was interrupted before it was computed."
_NO_VARIANCE = 2.0


@dataclass(frozen=True)
class Histogram:
    """Share of all states in bins.

    Attributes
    ----------
    label
        Of what.
    edges
        Shape (bins + 1,).
    share
        Shares with intervals, shape (bins,).
    counts
        Counts by groups, shape (G, bins).
    outside
        Share of the states that lie in no bin.
    """

    label: str
    edges: np.ndarray
    share: Figures
    counts: np.ndarray
    outside: float

    @property
    def density(self) -> np.ndarray:
        """Shares over widths."""
        return np.asarray(self.share.value / np.diff(self.edges))


@dataclass(frozen=True)
class Plane:
    """The joint law and the current of two coordinates, in rectangles.

    Attributes
    ----------
    names, coordinates
        Of the two, and their numbers.
    edges
        Two arrays of edges.
    share
        Share of all states, (b, b).
    current
        Flow of probability per unit of time and length, in each direction, shape (2, b, b).
    current_error
        Its standard errors.
    """

    names: tuple[str, str]
    coordinates: tuple[int, int]
    edges: tuple[np.ndarray, np.ndarray]
    share: np.ndarray
    current: np.ndarray
    current_error: np.ndarray

    @property
    def density(self) -> np.ndarray:
        """Shares over areas."""
        return np.asarray(self.share / np.multiply.outer(*(np.diff(edges) for edges in self.edges)))


@dataclass(frozen=True)
class Basin:
    """A basin and how much of the law is in it.

    Attributes
    ----------
    label
        Where its minimum is, in words.
    x
        Its minimum or attractor.
    share
        Of all states.
    """

    label: str
    x: np.ndarray
    share: Figures


@dataclass(frozen=True, kw_only=True)
class StationaryEstimate:
    """A measured stationary law with everything to hold it against.

    Attributes
    ----------
    predictions
        Closed forms that belong to this problem, each with its validity.
    reference
        The numerically exact density, or None; then `reference_note` says why.
    warnings
        What a reader should know before trusting the numbers; with the reasons of `doubts` first.
    problem
        Record of landscape, dynamics, starts and settings, enough to repeat the run.
    seed, backend, versions
        Provenance.
    measurement
        The sums behind the numbers.
    """

    predictions: tuple[Prediction, ...]
    reference: Density | None
    reference_note: str
    warnings: tuple[str, ...]
    problem: Mapping[str, Any]
    seed: Mapping[str, Any]
    backend: str
    versions: Mapping[str, str]
    names: tuple[str, ...]
    measurement: StationaryMeasurement = field(repr=False, compare=False)
    quantities: tuple[Any, ...] = field(repr=False, compare=False)

    @property
    def settled(self) -> bool:
        """Whether this can be called a stationary law; if not, `warnings` says why."""
        return not self.measurement.doubts

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the simulation early, or came before the exact density."""
        return not self.measurement.complete or self.reference_note == _INTERRUPTED

    @property
    def burn_in(self) -> int:
        """Steps at the beginning that do not count."""
        return self.measurement.burn_in

    @property
    def steps_done(self) -> int:
        """Steps taken by all paths together."""
        return self.measurement.path_steps

    @property
    def seconds(self) -> float:
        """Wall-clock time of the simulation."""
        return self.measurement.seconds

    @cached_property
    def mean(self) -> Figures:
        """Mean of each coordinate, shape (d,)."""
        return self.measurement.mean()

    @cached_property
    def covariance(self) -> Figures:
        """Covariance of the coordinates, shape (d, d); beyond 16 coordinates the variances alone."""
        return self.measurement.covariance()

    @cached_property
    def averages(self) -> dict[str, Figures]:
        """Mean of each formula of `of`."""
        return {one.label: self.measurement.average(q) for q, one in enumerate(self.quantities)}

    @cached_property
    def memory(self) -> dict[str, Interval]:
        """Integrated autocorrelation time of each formula of `of`, in steps."""
        found = {}
        for one, memory in zip(self.quantities, self.measurement.memories, strict=False):
            half = 1.96 * memory.error
            found[one.label] = Interval(memory.time, max(0.0, memory.time - half), memory.time + half)
        return found

    @property
    def tails(self) -> dict[str, Interval]:
        """Hill's estimate of the tail index of each coordinate, from the final states: alpha in P(|x| > t) ~
        t^(-alpha); large where tails fall faster than a power. Each coordinate on its own, for those of
        different scales thrown together look heavy-tailed."""
        return dict(zip(self.names, self.measurement.tails, strict=True))

    @cached_property
    def histogram(self) -> dict[str, Histogram]:
        """The law of each formula of `of`, in bins."""
        totals = self.measurement.totals
        found = {}
        for q, one in enumerate(self.quantities):
            counts = totals.counts[:, q]
            outside = float(totals.rest[:, q].sum()) / max(1, counts.sum() + totals.rest[:, q].sum())
            found[one.label] = Histogram(
                one.label, totals.edges[q], self.measurement.masses(q), counts, outside
            )
        return found

    @cached_property
    def basins(self) -> tuple[Basin, ...]:
        """Share of each basin; none where there is one basin or they cannot be told apart."""
        table = self.measurement.basins
        if table is None:
            return ()
        shares = self.measurement.shares()
        return tuple(Basin(_place(self.names, x), x, shares[k]) for k, x in enumerate(table.points))

    @property
    def transitions(self) -> np.ndarray | None:
        """Changes from the core of one basin (row) to that of another (column) that were counted."""
        changes = self.measurement.totals.changes
        return None if changes is None else np.asarray(changes.sum(axis=0))

    @cached_property
    def angular_momentum(self) -> Figures | None:
        """E[x_i v_j - x_j v_i] per unit of time, shape (d, d), zero in equilibrium; in two to sixteen
        coordinates."""
        measurement = self.measurement
        return measurement.turning() if measurement.dim > 1 and measurement.full else None

    @cached_property
    def entropy_production(self) -> Figures | None:
        """Work of the drift over D along the paths per unit of time, zero in equilibrium; for Gaussian noise
        that is the same everywhere and acts in every direction."""
        return self.measurement.work() if self.problem["entropy"] else None

    @cached_property
    def plane(self) -> Plane | None:
        """Joint law and current of the first two coordinates."""
        totals, step = self.measurement.totals, self.measurement.step
        pair = self.problem["plane"]
        if pair is None or totals.plane is None or totals.field is None or totals.moves is None:
            return None
        assert totals.plane_edges is not None
        edges = totals.plane_edges[0], totals.plane_edges[1]
        units = np.array(self.problem["units"])
        area = np.multiply.outer(np.diff(edges[0]), np.diff(edges[1]))
        taken = max(1.0, float(self.measurement.totals.turns[:, 0].sum()))
        moves = totals.moves * units[:, None, None] / (taken * step * area)
        groups = len(moves)
        error = np.sqrt(groups / max(1, groups - 1) * ((moves - moves.mean(axis=0)) ** 2).sum(axis=0))
        i, j = (self.names.index(name) for name in pair)
        return Plane(
            (pair[0], pair[1]),
            (i, j),
            edges,
            totals.plane.sum(axis=0) / max(1, totals.plane.sum()),
            moves.sum(axis=0),
            error,
        )

    @cached_property
    def balance(self) -> tuple[Figures, Figures, Figures] | None:
        """<x.g>, eta/2 tr<g g'> and their ratio less 1: the fluctuation-dissipation relation, exact for every
        stationary law with second moments; None where it does not apply."""
        return self.measurement.balance()

    @cached_property
    def laws(self) -> tuple[OtherLaw, ...]:
        """The exact density, where there is one, and the predicted ones."""
        from simdyn.questions.stationary_comparison import laws

        return tuple(laws(self))

    @cached_property
    def _known_masses(self) -> dict[tuple[str, str], np.ndarray]:
        """What `masses` has found, for in the plane that takes seconds."""
        return {}

    def masses(self, law: OtherLaw, label: str) -> np.ndarray:
        """Probability under another law of each bin of the histogram of a coordinate, in one or two
        dimensions."""
        from simdyn.questions.stationary_comparison import marginal_masses

        if (law.name, label) not in self._known_masses:
            coordinate = next(one.coordinate for one in self.quantities if one.label == label)
            masses = marginal_masses(self, law.density, coordinate, self.histogram[label].edges)
            self._known_masses[law.name, label] = masses
        return self._known_masses[law.name, label]

    def compare(self) -> pandas.DataFrame:
        """Measured, exact and predicted figures and the distances between the laws, one row each."""
        from simdyn.questions.stationary_comparison import comparison_table

        return comparison_table(self)

    def plot(self, path: str | None = None) -> Figure:
        """The density with the exact and the predicted ones and their ratio to the measured one; in the plane
        the joint density with contours of the others, and the current.

        With `path` the figure is also written there (.pdf, .svg or .png).
        """
        from simdyn.plotting.stationary import stationary_figure
        from simdyn.plotting.style import save

        figure = stationary_figure(self)
        if path is not None:
            save(figure, path)
        return figure

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; what is unbounded or undefined is None."""
        from simdyn.questions.stationary_text import json_object

        return json_object(self)

    def __str__(self) -> str:
        from simdyn.questions.stationary_text import summary

        return summary(self)


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
    if isinstance(paths, bool) or not isinstance(paths, int | np.integer) or paths < FEWEST_PATHS:
        raise InputError(
            f"paths is {paths!r}, but it must be a whole number of at least {FEWEST_PATHS}: errors come from "
            "the spread of independent groups of paths."
        )
    check_target(target_error)
    check_backend(backend, threads)
    # Looks fetch the states, which costs a GPU more than the CPU; it runs when it is asked for.
    backend = "gpu" if backend == "gpu" else "cpu"
    key_of(seed)
    starts, described = _starts(start, potential, int(paths))
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
        note = _INTERRUPTED
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


def _place(names: Sequence[str], x: np.ndarray) -> str:
    """ "x=-1, y=0.5"."""
    shown = ", ".join(f"{name}={value:.4g}" for name, value in zip(names[:4], x[:4], strict=False))
    return shown + (", ..." if len(x) > 4 else "")
