"""Critical points of coupled potentials, found by following eigenvectors from many starting points.

Where formulas give no complete list, this is a search: all points it reports are verified, but it can miss
some.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from potentials.critical_points import CriticalPoint, classify
from potentials.descent import newton_polished, ways_down
from potentials.errors import InputError
from potentials.valley import Valley
from potentials.well_graph import WellGraph, in_order

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["Search", "spread"]

Floats = NDArray[np.float64]
Aim = Literal["minimum", "saddle", "any"]

_STARTS = 256
_MOST_STARTS = 4096
_WORK = 4000
_STEPS = 150
_SAME = 1e-6
_WIDE = 8
"""Dimensions from which on a valley's saddles are looked for around its minimum alone."""
_WIDEST = 200
"""Dimensions up to which they are looked for at all: the work grows with the fourth power."""
_TALL = (0.05, 0.1, 0.2)
"""How far from the minimum climbs along one coordinate begin, in units of the domain."""
_NUDGE = 1e-4


def spread(low: Floats, high: Floats, count: int) -> Floats:
    """Points that fill a box evenly: an additive recurrence on a generalised golden ratio; shape (count, d).

    M. Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018).
    """
    dim = low.size
    ratio = 1.5
    for _ in range(60):
        ratio = (1.0 + ratio) ** (1.0 / (dim + 1))
    shares = (0.5 + np.arange(1, count + 1)[:, None] * ratio ** -np.arange(1.0, dim + 1.0)) % 1.0
    return np.asarray(low + shares * (high - low), dtype=np.float64)


class Search:
    """Critical points of a potential that is not separable, found by searching its domain."""

    def __init__(self, potential: Potential) -> None:
        self._potential = potential
        self._low, self._high = np.array(potential.domain).T
        self._scale = float(np.min(self._high - self._low))

    def all(self) -> tuple[CriticalPoint, ...]:
        """Every critical point found in the domain, lowest first."""
        return self._found

    def minima(self) -> tuple[CriticalPoint, ...]:
        """Every minimum found, lowest first."""
        return tuple(point for point in self._found if point.is_minimum)

    def deepest(self) -> CriticalPoint | None:
        """The lowest minimum found, or None."""
        if self._low.size <= _WIDE:
            return next(iter(self.minima()), None)
        return min(self._bottoms, key=lambda point: (point.energy, tuple(point.x)), default=None)

    @cached_property
    def _bottoms(self) -> tuple[CriticalPoint, ...]:
        """In many dimensions: minima below points of equal coordinates and below some others."""
        shares = np.linspace(0.1, 0.9, 9)[:, None]
        starts = np.concatenate(
            [self._low + shares * (self._high - self._low), spread(self._low, self._high, 16)]
        )
        found = self._merged(self._follow(starts, "minimum"), ())
        return tuple(point for point in found if point.is_minimum)

    def valley(self, at: Floats) -> Valley | None:
        """The valley in which the way down from `at` ends, or None if it ends in no minimum."""
        minimum = self.bottom(at)
        if minimum is None:
            return None
        end, climbs = minimum.x, None
        if at.size <= _WIDE:
            near = self._follow(self._around(end), "saddle")
            points = self._merged(near, self._found)
        else:
            starts = self._around_in_many(end)
            climbs = len(starts)
            points = self._merged(self._follow(starts, "saddle"), ())
        saddles = [point for point in points if point.is_saddle]
        rim = [
            (saddle, normal)
            for saddle, ends, unstable in zip(saddles, *self._sides(saddles), strict=True)
            if (normal := self._outward(ends, unstable, end)) is not None
        ]
        rim.sort(key=lambda item: (item[0].energy, tuple(item[0].x)))
        shape = (len(rim), at.size)
        return Valley(
            minimum,
            tuple(saddle for saddle, _ in rim),
            "planes",
            points=np.array([saddle.x for saddle, _ in rim]).reshape(shape),
            normals=np.array([normal for _, normal in rim]).reshape(shape),
            climbs=climbs,
        )

    def bottom(self, at: Floats) -> CriticalPoint | None:
        """The minimum in which the way down from `at` ends, or None if it ends in none."""
        (end,) = ways_down(self._potential, at[None], self._scale)
        if not np.all(np.isfinite(end)):
            return None
        minimum = self._classified(end)
        return minimum if minimum.is_minimum else None

    def well_graph(self, start: Floats | None, most: int) -> WellGraph:
        """The minima that can be reached from one another over the saddles around each, from those known on.

        Raises
        ------
        InputError
            More minima than `most`, no minimum at all, or too many dimensions.
        """
        wells = self.minima() if self._low.size <= _WIDE else self._bottoms
        if start is not None:
            wells = self._with_bottoms(wells, ways_down(self._potential, start[None], self._scale))
        saddles: tuple[CriticalPoint, ...] = ()
        if self._low.size <= _WIDE:
            saddles = tuple(point for point in self._found if point.is_saddle)
        ends = self._sides(saddles)[0]
        wells = self._with_bottoms(wells, ends.reshape(-1, self._low.size))
        around = self._around if self._low.size <= _WIDE else self._around_in_many
        looked = 0
        while looked < len(wells):
            if len(wells) > most:
                raise InputError(
                    f"At least {len(wells)} minima of {self._potential.name[:60]!r} are joined by saddles, "
                    f"more than the {most} that are followed; give a larger number as most=, or ask for the "
                    "rates out of one of them alone, by its valley."
                )
            climbs = np.concatenate([around(well.x) for well in wells[looked:]])
            looked = len(wells)
            found = self._merged(self._follow(climbs, "saddle"), saddles)[len(saddles) :]
            new = tuple(point for point in found if point.is_saddle)
            sides = self._sides(new)[0]
            saddles, ends = (*saddles, *new), np.concatenate([ends, sides])
            wells = self._with_bottoms(wells, sides.reshape(-1, self._low.size))
        ways = [
            (saddle, self._place(pair[0], wells), self._place(pair[1], wells))
            for saddle, pair in zip(saddles, ends, strict=True)
        ]
        return in_order(wells, ways, complete=False)

    def _with_bottoms(self, wells: tuple[CriticalPoint, ...], ends: Floats) -> tuple[CriticalPoint, ...]:
        """The wells and those at ends of ways down, where these are within the domain or next to it."""
        margin = 0.5 * (self._high - self._low)
        good = np.all((ends >= self._low - margin) & (ends <= self._high + margin), axis=1)
        merged = self._merged(ends[good], wells)
        return (*wells, *(point for point in merged[len(wells) :] if point.is_minimum))

    def _place(self, end: Floats, wells: Sequence[CriticalPoint]) -> int | None:
        """Number of the well at the end of a way down, or None."""
        for i, well in enumerate(wells):
            if np.linalg.norm(end - well.x) <= _SAME * self._scale:
                return i
        return None

    @cached_property
    def _found(self) -> tuple[CriticalPoint, ...]:
        dim = self._potential.dim
        affordable = max(64, round(_WORK / (1.0 + 0.002 * dim**3)))  # an eigensystem costs about dim**3
        everywhere = spread(self._low, self._high, min(_MOST_STARTS, _STARTS * dim, affordable))
        found = self._merged(self._follow(everywhere, "minimum"), ())
        bottoms = [point.x for point in found if point.is_minimum][:16]
        between = [0.5 * (a + b) for i, a in enumerate(bottoms) for b in bottoms[:i]]
        climbs = np.concatenate(
            [everywhere, *(self._around(x) for x in bottoms), *(x[None] for x in between)]
        )
        found = self._merged(self._follow(climbs, "saddle"), found)
        found = self._merged(self._follow(everywhere, "any"), found)
        inside = [p for p in found if np.all((p.x >= self._low) & (p.x <= self._high))]
        return tuple(sorted(inside, key=lambda point: (point.energy, tuple(point.x))))

    def _around(self, x: Floats) -> Floats:
        """Starting points for climbs out of the valley of `x`: along each mode, and in other directions."""
        modes = np.linalg.eigh(self._potential.hessian(x))[1].T
        directions = np.random.default_rng(0).standard_normal((16 + 4 * x.size, x.size))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        ways = np.concatenate([modes, -modes, directions])
        return np.concatenate([x + distance * self._scale * ways for distance in (0.01, 0.1)])

    def _around_in_many(self, x: Floats) -> Floats:
        """Starting points for climbs in many dimensions: along each coordinate, and along the softest modes.

        Raises
        ------
        InputError
            Too many dimensions.
        """
        if x.size > _WIDEST:
            raise InputError(
                f"The saddles around a minimum of {self._potential.name[:60]!r} in {x.size} coupled "
                f"dimensions are not looked for, which takes minutes from {_WIDEST} dimensions on; give an "
                'exit by a condition such as "x1 >= 0" instead.'
            )
        modes = np.linalg.eigh(self._potential.hessian(x))[1].T[:8]
        single = np.concatenate([np.eye(x.size), -np.eye(x.size)])
        climbs = [x + share * (self._high - self._low) * single for share in _TALL]
        soft = [x + side * share * self._scale * modes for side in (1.0, -1.0) for share in _TALL]
        starts = np.concatenate([*climbs, *soft])
        return starts[np.all((starts >= self._low) & (starts <= self._high), axis=1)]

    @np.errstate(over="ignore", invalid="ignore")
    def _follow(self, starts: Floats, aim: Aim) -> Floats:
        """Zeros of the gradient reached from the starts, by Newton-like steps in the modes of the Hessian.

        Steps go down every mode ("minimum"), up the softest and down the others ("saddle": eigenvector
        following, Cerjan & Miller, Journal of Chemical Physics 75 (1981) 2800), or are Newton's ("any").
        """
        x, reach = starts, 0.03 * self._scale
        done: list[Floats] = []
        margin = 0.5 * (self._high - self._low)
        for _ in range(_STEPS):
            gradient, hessian = self._potential.gradient(x), self._potential.hessian(x)
            good = np.all(np.isfinite(gradient), axis=1) & np.all(np.isfinite(hessian), axis=(1, 2))
            good &= np.all((x >= self._low - margin) & (x <= self._high + margin), axis=1)
            x, gradient, hessian = x[good], gradient[good], hessian[good]
            if x.size == 0:
                break
            curvatures, modes = np.linalg.eigh(hessian)
            sizes = np.maximum(np.abs(curvatures), 1e-300)
            signs = np.ones_like(sizes)
            if aim == "saddle":
                signs[:, 0] = -1.0
            elif aim == "any":
                signs = np.where(curvatures < 0.0, -1.0, 1.0)
            moves = -signs * np.einsum("nij,ni->nj", modes, gradient) / sizes
            lengths = np.linalg.norm(moves, axis=1, keepdims=True)
            moves *= np.minimum(1.0, reach / np.maximum(lengths, 1e-300))
            x = x + np.einsum("nij,nj->ni", modes, moves)
            arrived = lengths[:, 0] <= 1e-9 * self._scale
            done.append(x[arrived])
            x = x[~arrived]
        return np.concatenate([*done, np.empty((0, starts.shape[1]))])

    def _merged(self, positions: Floats, known: tuple[CriticalPoint, ...]) -> tuple[CriticalPoint, ...]:
        """The known points and those at new positions, each once."""
        places = [point.x for point in known]
        distinct = self._distinct(positions, places)
        new = self._distinct(newton_polished(self._potential, distinct), places)
        return (*known, *(self._classified(x) for x in new))

    def _distinct(self, positions: Floats, known: Sequence[Floats]) -> Floats:
        """Those of the positions that are not known, each once."""
        kept: list[Floats] = []
        rest = positions
        for x in known:
            rest = rest[np.linalg.norm(rest - x, axis=1) > _SAME * self._scale]
        while len(rest):
            kept.append(rest[0])
            rest = rest[np.linalg.norm(rest - rest[0], axis=1) > _SAME * self._scale]
        return np.array(kept).reshape(-1, positions.shape[1])

    def _classified(self, x: Floats) -> CriticalPoint:
        potential = self._potential
        distance = 1e-4 * self._scale
        return classify(x, float(potential.energy(x)), potential.hessian(x), potential.hessian, distance)

    def _sides(self, saddles: Sequence[CriticalPoint]) -> tuple[Floats, Floats]:
        """Where the two ways down from each saddle end, shape (s, 2, d) and NaN where in no minimum, and the
        unit vectors along which the first of them begins, shape (s, d)."""
        dim = self._low.size
        tops = np.array([saddle.x for saddle in saddles]).reshape(-1, 1, dim)
        unstable = np.array([np.linalg.eigh(saddle.hessian)[1][:, 0] for saddle in saddles]).reshape(-1, dim)
        starts = tops + _NUDGE * self._scale * np.stack([unstable, -unstable], axis=1)
        ends = ways_down(self._potential, starts.reshape(-1, dim), self._scale)
        return ends.reshape(-1, 2, dim), unstable

    def _outward(self, ends: Floats, unstable: Floats, bottom: Floats) -> Floats | None:
        """Unit normal at a saddle pointing out of the valley of `bottom`, or None if it is not on its rim."""
        here = np.linalg.norm(ends - bottom, axis=1) <= _SAME * self._scale
        if here[0] == here[1]:
            return None
        return np.asarray(-unstable if here[0] else unstable, dtype=np.float64)
