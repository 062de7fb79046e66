"""The answer to where it settles: histograms, basins, currents and all to hold them against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.estimators import StationaryMeasurement
from simdyn.inference import Figures, Interval
from simdyn.results import Prediction

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from simdyn.exact import Density
    from simdyn.questions.stationary_comparison import OtherLaw

INTERRUPTED = "It was interrupted before it was computed."


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
        return not self.measurement.complete or self.reference_note == INTERRUPTED

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
        from simdyn.plotting.style import saved

        return saved(stationary_figure(self), path)

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; what is unbounded or undefined is None."""
        from simdyn.questions.stationary_text import json_object

        return json_object(self)

    def __str__(self) -> str:
        from simdyn.questions.stationary_text import summary

        return summary(self)


def _place(names: Sequence[str], x: np.ndarray) -> str:
    """ "x=-1, y=0.5"."""
    shown = ", ".join(f"{name}={value:.4g}" for name, value in zip(names[:4], x[:4], strict=False))
    return shown + (", ..." if len(x) > 4 else "")
