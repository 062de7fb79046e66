"""Critical points of a separable potential, composed from those of its coordinates.

A d-dimensional separable landscape with c critical points a coordinate has c**d of them; the deepest
minimum, the valley of a point and the rim of a valley need only the coordinates and are found without
listing the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import fsum, prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from potentials.critical_points import CriticalPoint, SeparablePoint
from potentials.errors import InputError
from potentials.one_dimension import critical_points_on_a_line, is_listed_completely
from potentials.valley import Valley
from potentials.well_graph import WellGraph, in_order

if TYPE_CHECKING:
    from potentials.potential import Potential

__all__ = ["Separable"]

Floats = NDArray[np.float64]

_MOST_POINTS = 4096
_MOST_RIMMED = 3000


class Separable:
    """Critical points of the sum of one-dimensional potentials."""

    def __init__(self, coordinates: Sequence[Potential]) -> None:
        known: dict[object, tuple[CriticalPoint, ...]] = {}
        for coordinate in coordinates:
            key = (coordinate, coordinate.domain)
            if key not in known:
                known[key] = critical_points_on_a_line(coordinate)
        self.coordinates = tuple(coordinates)
        self.lines = [known[coordinate, coordinate.domain] for coordinate in coordinates]

    def all(self) -> tuple[CriticalPoint, ...]:
        """Every critical point, in the order of the coordinates."""
        self._count_allowed([len(line) for line in self.lines], "critical points")
        return tuple(_composed(choice) for choice in product(*self.lines))

    def minima(self) -> tuple[CriticalPoint, ...]:
        """Every minimum, lowest first."""
        lines = [[point for point in line if point.is_minimum] for line in self.lines]
        self._count_allowed([len(line) for line in lines], "minima")
        found = [_composed(choice) for choice in product(*lines)]
        return tuple(sorted(found, key=lambda point: (point.energy, tuple(point.x))))

    def deepest(self) -> CriticalPoint | None:
        """The lowest minimum, or None if some coordinate has none."""
        lines = [[point for point in line if point.is_minimum] for line in self.lines]
        if not all(lines):
            return None
        return _composed([min(line, key=lambda point: (point.energy, point.x[0])) for line in lines])

    def valley(self, at: Floats) -> Valley | None:
        """The valley that holds the point, or None if the way down from it ends in no minimum."""
        places = [self._below(i, float(value)) for i, value in enumerate(at)]
        if any(place is None for place in places):
            return None
        chosen = [self.lines[i][place] for i, place in enumerate(places) if place is not None]
        lower, upper = np.full(len(chosen), -np.inf), np.full(len(chosen), np.inf)
        saddles: list[CriticalPoint] = []
        if len(chosen) > _MOST_RIMMED:
            raise InputError(
                f"The rim of a valley in {len(chosen)} dimensions is not listed, since it has as many "
                f"saddles, each with as many coordinates; up to {_MOST_RIMMED} dimensions it is. Give an "
                'exit by a condition such as "x1 >= 0" instead.'
            )
        bottom = _composed(chosen)
        for i, place in enumerate(places):
            assert place is not None
            for neighbour, rim in ((place - 1, lower), (place + 1, upper)):
                if 0 <= neighbour < len(self.lines[i]):
                    top = self.lines[i][neighbour]
                    if top.is_minimum:
                        rim[i] = self._kink(i, chosen[i].x[0], top.x[0])
                        continue
                    rim[i] = top.x[0]
                    if top.index == 1 and not top.degenerate:
                        saddles.append(_moved(bottom, chosen, i, top))
        saddles.sort(key=lambda point: (point.energy, tuple(point.x)))
        return Valley(bottom, tuple(saddles), "box", lower=lower, upper=upper)

    def well_graph(self, start: Floats | None, most: int) -> WellGraph:
        """Every minimum, and every saddle between two of them: one coordinate moves, the others rest.

        Raises
        ------
        InputError
            More minima than can be listed, or a rim that is a kink or flat.
        """
        steps = [self._steps(i) for i in range(len(self.lines))]
        wells = [[place for place, point in enumerate(line) if point.is_minimum] for line in self.lines]
        self._count_allowed([len(places) for places in wells], "minima")
        choices = list(product(*wells))
        number = {choice: n for n, choice in enumerate(choices)}
        minima = [
            _composed([line[p] for line, p in zip(self.lines, choice, strict=True)]) for choice in choices
        ]
        ways: list[tuple[CriticalPoint, int | None, int | None]] = []
        for choice, bottom in zip(choices, minima, strict=True):
            chosen = [line[p] for line, p in zip(self.lines, choice, strict=True)]
            for i, place in enumerate(choice):
                for top, beyond in steps[i][place]:
                    other = None if beyond is None else number[(*choice[:i], beyond, *choice[i + 1 :])]
                    if other is None or other > number[choice]:
                        ways.append((_moved(bottom, chosen, i, self.lines[i][top]), number[choice], other))
        complete = all(is_listed_completely(one) for one in set(self.coordinates))
        return in_order(minima, ways, complete)

    def _steps(self, i: int) -> dict[int, list[tuple[int, int | None]]]:
        """For each minimum of line i the saddles beside it, and the minimum beyond each; all as places."""
        line = self.lines[i]
        found: dict[int, list[tuple[int, int | None]]] = {}
        for place, point in enumerate(line):
            if not point.is_minimum:
                continue
            found[place] = []
            for side in (-1, 1):
                top = place + side
                if not 0 <= top < len(line):
                    continue
                if not line[top].is_saddle:
                    raise InputError(
                        f"Beside the minimum at {point.x[0]:.6g} of {self.coordinates[i].name[:60]!r} the "
                        "rim is a kink or flat, no saddle, so that no rate over it follows from curvatures."
                    )
                beyond = top + side
                within = 0 <= beyond < len(line) and line[beyond].is_minimum
                found[place].append((top, beyond if within else None))
        return found

    def _kink(self, i: int, bottom: float, other: float) -> float:
        """The top between neighbouring minima of line i, where the slope jumps down through zero."""
        outward = np.sign(other - bottom)
        while True:
            middle = 0.5 * (bottom + other)
            if middle in (bottom, other):
                return middle
            if outward * float(self.coordinates[i].gradient(np.array([middle]))[0]) > 0.0:
                bottom = middle
            else:
                other = middle

    def _below(self, i: int, value: float) -> int | None:
        """Position in line i of the minimum that the way down from `value` leads to."""
        line = self.lines[i]
        low, high = self.coordinates[i].domain[0]
        if not low <= value <= high and not is_listed_completely(self.coordinates[i]):
            return None
        for place, point in enumerate(line):
            # At the bottom itself the slope says nothing.
            if point.is_minimum and abs(point.x[0] - value) <= 1e-12 * (1.0 + abs(value)):
                return place
        right = next((place for place, point in enumerate(line) if point.x[0] >= value), len(line))
        if right < len(line) and line[right].x[0] == value:
            return right if line[right].is_minimum else None
        uphill = float(self.coordinates[i].gradient(np.array([value]))[0]) > 0.0
        place = right - 1 if uphill else right
        return place if 0 <= place < len(line) and line[place].is_minimum else None

    def _count_allowed(self, counts: Sequence[int], what: str) -> None:
        if prod(counts) > _MOST_POINTS:
            raise InputError(
                f"The potential has {prod(counts)} {what}, too many to list: "
                "ask for deepest(), valley(at) or saddles(around=...) instead."
            )


def _composed(points: Sequence[CriticalPoint]) -> SeparablePoint:
    return SeparablePoint(
        x=np.array([point.x[0] for point in points]),
        # Exactly rounded, so that equal energies are equal whichever coordinate has moved.
        energy=fsum(point.energy for point in points),
        curvatures=np.array([point.curvature(0) for point in points]),
        index=sum(point.index for point in points),
        degenerate=any(point.degenerate for point in points),
    )


def _moved(
    bottom: SeparablePoint, chosen: Sequence[CriticalPoint], i: int, top: CriticalPoint
) -> SeparablePoint:
    """The saddle at which coordinate i is at `top` and the others stay at the bottom."""
    x, curvatures = bottom.x.copy(), bottom.curvatures.copy()
    x[i], curvatures[i] = top.x[0], top.curvature(0)
    energy = fsum((top if k == i else point).energy for k, point in enumerate(chosen))
    return SeparablePoint(x, energy, curvatures, top.index, top.degenerate)
