"""One step of a Gaussian chain on an interval as a finite matrix of non-negative probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simdyn.exact.errors import too_large
from simdyn.exact.panels import Array, Function, Panels
from simdyn.markov.elimination import Elimination

SMALLEST = 1e-300


@dataclass(frozen=True)
class Steps:
    """The chain x' ~ N(mean(x), sd(x)^2) that lives on (lower, upper).

    An absorbing end kills what crosses it. At an open end, where the interval is merely cut, a point beyond
    behaves as a point at the end does.

    Attributes
    ----------
    mean, sd
        Vectorised.
    lower, upper
        Ends of the interval.
    lower_absorbs, upper_absorbs
        Whether the end is an exit.
    """

    mean: Function
    sd: Function
    lower: float
    upper: float
    lower_absorbs: bool
    upper_absorbs: bool

    def law(self, x: Array) -> tuple[Array, Array]:
        """Mean and sd of x' at points `x`, broadcast to the shape of `x`."""
        x = np.asarray(x, dtype=float)
        with np.errstate(all="ignore"):
            mean = np.broadcast_to(np.asarray(self.mean(x), dtype=float), x.shape)
            return mean, np.broadcast_to(np.asarray(self.sd(x), dtype=float), x.shape)

    def below(self, x: Array, bound: float) -> Array:
        """P(x' < bound), relatively accurate in the tail."""
        mean, sd = self.law(x)
        return _tail((bound - mean), sd)

    def above(self, x: Array, bound: float) -> Array:
        """P(x' > bound), relatively accurate in the tail."""
        mean, sd = self.law(x)
        return _tail((mean - bound), sd)

    def escape(self, x: Array) -> Array:
        """Probability to be killed in the next step."""
        x = np.asarray(x, dtype=float)
        total = np.zeros(x.shape)
        if self.lower_absorbs:
            total = total + self.below(x, self.lower)
        if self.upper_absorbs:
            total = total + self.above(x, self.upper)
        return total


def _tail(distance: Array, sd: Array) -> Array:
    from scipy.special import erfc

    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(sd > 0, distance / sd, np.where(distance >= 0, np.inf, -np.inf))
    return 0.5 * erfc(-score / math.sqrt(2))


@dataclass(frozen=True)
class Hops:
    """A `Steps` on panels: Nystroem's method, with the diagonal left to `Elimination`.

    Attributes
    ----------
    steps
        The chain.
    panels
        Fine enough for every Gaussian that they have to integrate.
    """

    steps: Steps
    panels: Panels

    @cached_property
    def points(self) -> Array:
        """The states: all nodes, then the open ends, which stand for everything beyond them."""
        ends = [self.steps.lower] * (not self.steps.lower_absorbs) + [self.steps.upper] * (
            not self.steps.upper_absorbs
        )
        return np.concatenate([self.panels.nodes.ravel(), ends])

    def rows(self, x: Array) -> Array:
        """Transition probabilities from `x` of shape (k,) to the states, shape (k, n)."""
        mean, sd = self.steps.law(x)
        nodes, weights = self.panels.nodes.ravel(), self.panels.weights.ravel()
        with np.errstate(all="ignore"):
            score = (nodes - mean[:, None]) / sd[:, None]
            inner = np.exp(-0.5 * score * score) * (weights / (math.sqrt(2 * math.pi) * sd[:, None]))
        inner[~(inner > SMALLEST)] = 0.0
        columns = [inner]
        if not self.steps.lower_absorbs:
            columns.append(self.steps.below(x, self.steps.lower)[:, None])
        if not self.steps.upper_absorbs:
            columns.append(self.steps.above(x, self.steps.upper)[:, None])
        return np.concatenate(columns, axis=1)

    @cached_property
    def transitions(self) -> Array:
        """Shape (n, n)."""
        return self.rows(self.points)

    @cached_property
    def killing(self) -> Array:
        """Shape (n,)."""
        return self.steps.escape(self.points)

    @cached_property
    def defect(self) -> float:
        """Largest deviation of a row's total probability from 1: how well Gaussians are resolved."""
        return float(np.abs(self.transitions.sum(axis=1) + self.killing - 1).max())

    @cached_property
    def elimination(self) -> Elimination:
        """Factors of I - K.

        Raises
        ------
        NoReference
            The exit is out of reach in double precision.
        """
        try:
            return Elimination.of(self.transitions, self.killing)
        except ZeroDivisionError:
            raise too_large() from None

    def stationary(self, centre: float) -> Array:
        """Probabilities of the states in the long run, of a chain without exit, shape (n,).

        The state next to `centre` has to be one that is visited often.

        Raises
        ------
        NoReference
            States so rare that double precision does not hold how long it takes to leave them.
        """
        rest, home, one = self._without(centre)
        law = np.empty(len(self.points))
        law[home] = 1.0
        law[rest] = one.solve_left(self.transitions[home, rest])
        return law / law.sum()

    def mean_zero_solution(self, source: Array, law: Array, centre: float) -> Array:
        """x with (I - K) x = source - law.source and law.x = 0, for a chain without exit."""
        rest, _, one = self._without(centre)
        balanced = (source - law @ source)[rest]
        solution = np.zeros(len(law))
        gains = one.solve(np.stack([np.maximum(balanced, 0), np.maximum(-balanced, 0)], axis=1))
        solution[rest] = gains[:, 0] - gains[:, 1]
        return solution - law @ solution

    def _without(self, centre: float) -> tuple[Array, int, Elimination]:
        """All states but the one next to `centre`, that one, and the factors of the chain that ends there."""
        home = int(np.argmin(np.abs(self.points - centre)))
        rest = np.delete(np.arange(len(self.points)), home)
        if "_around" not in self.__dict__:
            try:
                self.__dict__["_around"] = Elimination.of(
                    self.transitions[np.ix_(rest, rest)], self.transitions[rest, home]
                )
            except ZeroDivisionError:
                raise too_large() from None
        return rest, home, self.__dict__["_around"]

    def density_of(self, masses: Array, x: Array) -> Array:
        """Density at points `x` of shape (k,), one step after the probabilities `masses` of the states."""
        mean, sd = self.steps.law(self.points)
        with np.errstate(all="ignore"):
            score = (x[:, None] - mean) / sd
            kernel = np.exp(-0.5 * score * score) / (math.sqrt(2 * math.pi) * sd)
        return np.where(np.isfinite(kernel), kernel, 0.0) @ masses

    def from_start(self, start: float) -> tuple[Array, float]:
        """Row of transition probabilities from `start` and its killing, normalised to 1 together."""
        row = self.rows(np.array([start]))[0]
        killing = float(self.steps.escape(np.array([start]))[0])
        total = row.sum()
        return (row * ((1.0 - killing) / total) if total > 0 else row), killing

    def corrected(self) -> Array:
        """K with the diagonal that makes every row and its killing add up to 1."""
        matrix = self.transitions.copy()
        np.fill_diagonal(matrix, 0.0)
        np.fill_diagonal(matrix, 1.0 - self.killing - matrix.sum(axis=1))
        return matrix
