"""Escape of a discrete Gaussian chain from an interval, by its transfer operator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.errors import InputError
from simdyn.exact.chain_extent import Cut, cut_open_sides
from simdyn.exact.chain_mesh import chain_panels
from simdyn.exact.errors import check_size
from simdyn.exact.hops import Hops
from simdyn.exact.panels import Array, Function
from simdyn.results import Reference

METHOD = (
    "transfer operator of the discrete chain on Gauss-Legendre panels, solved by subtraction-free elimination"
)


@dataclass(frozen=True)
class Chain:
    """x' ~ N(mean(x), sd(x)^2) from `start` until it is outside (lower, upper).

    Attributes
    ----------
    mean, sd
        Vectorised.
    start
        Inside (lower, upper).
    lower, upper
        Exits where finite; at least one must be.
    breakpoints
        Kinks of mean or sd; zeros of sd are found.
    """

    mean: Function
    sd: Function
    start: float
    lower: float = -math.inf
    upper: float = math.inf
    breakpoints: tuple[float, ...] = ()

    def discretised(self, landing: bool = False) -> tuple[Hops, Hops, float]:
        """Two resolutions, coarse first, and the error of cutting open sides (see `cut_open_sides`).

        Raises
        ------
        InputError
            A start outside, no exit, or no noise.
        NoReference
            Noise that vanishes where the chain rests, a mesh too large, or an open side that does not
            confine.
        """
        if not self.lower < self.start < self.upper:
            raise InputError(
                f"The start {self.start:g} is not inside ({self.lower:g}, {self.upper:g}); move it inside."
            )
        if math.isinf(self.lower) and math.isinf(self.upper):
            raise InputError("There is no exit: both ends are infinite; give a finite lower or upper end.")
        cut = cut_open_sides(
            self.mean, self.sd, self.start, self.lower, self.upper, self.breakpoints, landing
        )
        return _hops(cut, 10, 3.4, 0.0), _hops(cut, 12, 2.8, 1.0), cut.error


def _hops(cut: Cut, order: int, stride: float, more: float) -> Hops:
    panels = chain_panels(cut.steps, cut.breakpoints, order=order, stride=stride, reach=cut.reach + more)
    return Hops(cut.steps, panels)


def chain_first_passage(
    mean: Function,
    sd: Function,
    start: float,
    *,
    lower: float = -math.inf,
    upper: float = math.inf,
    breakpoints: Sequence[float] = (),
    moments: int = 1,
) -> tuple[Reference, ...]:
    """Moments of the number of steps until x' ~ N(mean(x), sd(x)^2) is outside (lower, upper).

    tau = 1 + K tau with the Gaussian transfer operator K restricted to the interval, and E N^2 = (I - K)^-1
    (2 tau - 1).

    Parameters
    ----------
    mean, sd
        Conditional mean and standard deviation of the next point, vectorised.
    start
        x0 with lower < x0 < upper.
    lower, upper
        Exits where finite; at least one must be. An infinite end is cut where paths beyond it do not matter.
    breakpoints
        Kinks of mean or sd; zeros of sd are found.
    moments
        1 for the mean, 2 for the mean and the second moment.

    Returns
    -------
    tuple of Reference
        In steps (and steps squared), with errors from two resolutions.

    Raises
    ------
    InputError
        A start outside, or no exit.
    NoReference
        Beyond what the method or double precision holds.
    """
    coarse, fine, cutting = Chain(mean, sd, start, lower, upper, tuple(breakpoints)).discretised()
    rough, exact = _moments(coarse, start, moments), _moments(fine, start, moments)
    references = []
    for value, other in zip(exact, rough, strict=True):
        check_size(value)
        relative = abs(other / value - 1) + cutting + 1e-13
        references.append(Reference(value=value, error=value * relative, unit="steps", method=METHOD))
    return tuple(references)


def _moments(hops: Hops, start: float, moments: int) -> list[float]:
    times = hops.elimination.solve(np.ones(len(hops.points)))
    row, _ = hops.from_start(start)
    with np.errstate(over="ignore"):
        found = [1.0 + float(row @ times)]
        if moments > 1:
            squares = hops.elimination.solve(2 * times - 1)
            found.append(1.0 + float(row @ (squares + 2 * times)))
    return found


def exit_share(
    mean: Function,
    sd: Function,
    start: float,
    beyond: float,
    *,
    lower: float = -math.inf,
    upper: float = math.inf,
    breakpoints: Sequence[float] = (),
) -> Reference:
    """Probability that the first point outside (lower, upper) has |x| > `beyond`: the share of overshoots.

    Parameters and errors as in `chain_first_passage`; `value` is a probability.
    """
    coarse, fine, cutting = Chain(mean, sd, start, lower, upper, tuple(breakpoints)).discretised(landing=True)

    def share(hops: Hops) -> float:
        def overshoot(x: Array) -> Array:
            total = np.zeros(np.shape(x))
            if math.isfinite(upper):
                total = total + hops.steps.above(x, max(upper, beyond))
            if math.isfinite(lower):
                total = total + hops.steps.below(x, min(lower, -beyond))
            return total

        row, _ = hops.from_start(start)
        chance = hops.elimination.solve(overshoot(hops.points))
        return float(row @ chance) + float(overshoot(np.array([start]))[0])

    value = share(fine)
    error = abs(share(coarse) - value) + cutting + 1e-13 * value
    return Reference(value=value, error=error, unit="1", method=METHOD)
