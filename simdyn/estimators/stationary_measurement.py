"""What a long run measured, and whether it is a stationary law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simdyn.estimators.look_spacing import LookSpacing
from simdyn.inference import Figures, Interval, Memory, jackknife
from simdyn.recorders import BasinTable, GroupTotals, Quantity

Array = np.ndarray

FORGOTTEN = 5.0
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
        return max(FORGOTTEN * self.memory, 2 * FORGOTTEN * self.relaxation)

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
                f"{4 * FORGOTTEN:.0f}; this one has {self.steps:,} and has not forgotten its start."
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
