"""A diffusion in the plane as a Markov jump process on a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from simdyn.exact.block_elimination import BlockElimination
from simdyn.exact.errors import NoReference, too_large
from simdyn.exact.panels import Array
from simdyn.exact.selling import selling

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Field = Callable[[Array], Array]

GAUSS = ((0.5 - 0.5 / 3**0.5, 0.5), (0.5 + 0.5 / 3**0.5, 0.5))
BISECTIONS = 46
WIDEST = 12
WINDOW = 6
INSIDE = -1


@dataclass(frozen=True)
class Diffusion:
    """dx = b dt + (2 D)^(1/2) dW in the plane (Ito), and the regions where it ends.

    Attributes
    ----------
    drift, diffusion
        b, shape (n, 2), and D, shape (n, 2, 2), at points of shape (n, 2).
    region
        For each point -1 inside, or the number of the region in which the path ends, shape (n,).
    regions
        How many there are.
    """

    drift: Field
    diffusion: Field
    region: Field
    regions: int = 1


@dataclass(frozen=True)
class Box:
    """A rectangle of the plane, with sides that are wholly part of an exit.

    Attributes
    ----------
    lower, upper
        Corners, shape (2,).
    ends
        ends[axis][side], side 0 the lower: region in which a path ends that arrives at this side, or -1 where
        it is only cut, and reflects.
    periodic
        Whether the second axis is closed to a circle.
    """

    lower: Array
    upper: Array
    ends: tuple[tuple[int, int], tuple[int, int]] = ((INSIDE, INSIDE), (INSIDE, INSIDE))
    periodic: bool = False


@dataclass(frozen=True)
class PlaneMesh:
    """Nodes of a grid with the rates of jumps between them and into the exits.

    Along each vector v of Selling's decomposition with weight w the rate is w z / (e^z - 1) with z the
    integral of -v . D^-1 b along the edge (Scharfetter & Gummel 1969 in one dimension). All rates are
    positive, so that there is a maximum principle on any grid; for a gradient system with constant D the
    stationary law is nearly that of Gibbs, so that exponentially long times keep a relative accuracy. The
    error is of second order in the spacing; where an exit cuts an edge, the rate is that of the shorter one.

    Attributes
    ----------
    problem, box
        What is discretised.
    cells
        Number of cells along each axis.
    start
        The point whose connected part of the inside is kept.
    """

    problem: Diffusion
    box: Box
    cells: tuple[int, int]
    start: Array

    @cached_property
    def spacing(self) -> Array:
        """Shape (2,)."""
        return (self.box.upper - self.box.lower) / np.array(self.cells)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Number of grid lines along each axis, exits included."""
        return self.cells[0] + 1, self.cells[1] + (not self.box.periodic)

    @cached_property
    def grid(self) -> Array:
        """All nodes, shape (n0, n1, 2)."""
        axes = [self.box.lower[a] + self.spacing[a] * np.arange(self.shape[a]) for a in range(2)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=2)

    @cached_property
    def region(self) -> Array:
        """Region of every node, -1 inside, shape (n0, n1)."""
        region = self.problem.region(self.grid.reshape(-1, 2)).reshape(self.shape)
        (west, east), (south, north) = self.box.ends
        for place, end in (
            ((0, slice(None)), west),
            ((-1, slice(None)), east),
            ((slice(None), 0), south),
            ((slice(None), -1), north),
        ):
            if end != INSIDE:
                region[place] = end
        return region

    @cached_property
    def states(self) -> Array:
        """Grid indices of the inside nodes that are connected with the start, shape (n, 2), x first."""
        from scipy.ndimage import label

        inside = self.region == INSIDE
        parts, _ = label(inside, structure=np.ones((3, 3)))
        nearest = np.clip(
            np.rint((self.start - self.box.lower) / self.spacing).astype(int), 0, np.array(self.shape) - 1
        )
        around = np.argwhere(inside)
        if not len(around):
            raise NoReference("The inside of the exit is too narrow for a grid.")
        home = around[np.argmin(((around - nearest) ** 2).sum(axis=1))]
        kept = parts == parts[tuple(home)]
        if self.box.periodic:
            kept = np.isin(parts, np.unique(parts[kept.any(axis=1)])) & inside
        return np.argwhere(kept)

    @cached_property
    def number(self) -> Array:
        """Index of every node among the states, -1 for others, shape (n0, n1)."""
        number = np.full(self.shape, -1)
        number[tuple(self.states.T)] = np.arange(len(self.states))
        return number

    @property
    def points(self) -> Array:
        """Positions of the states, shape (n, 2)."""
        return self.grid[tuple(self.states.T)]

    @cached_property
    def _assembled(self) -> tuple[csr_array, Array, Array]:
        from scipy.sparse import coo_array

        points, states = self.points, self.states
        scaled = self.problem.diffusion(points) / (self.spacing[:, None] * self.spacing)
        try:
            vectors, weights = selling(scaled)
        except ValueError:
            raise _singular() from None
        used = weights > 0
        reach = np.abs(vectors[used]).max(axis=0).astype(int)
        if reach.max() > WIDEST:
            raise NoReference(
                "The noise is so much stronger, or the paths reach so much further, in one direction than in "
                "another that the grid would have to be very fine; raise the weaker noise, or give exits on "
                "the open sides."
            )
        count = len(points)
        killing = np.zeros((count, self.problem.regions))
        rows, columns, values = [], [], []
        for k in range(3):
            pair = []
            for sign in (1, -1):
                step = sign * vectors[:, k]
                pair.append((step, *self._edges(points, states, step.astype(int))))
            whole = pair[0][3] + pair[1][3]
            for step, target, region, fraction in pair:
                z = fraction * self._rise(points, step, fraction)
                rate = weights[:, k] * 2.0 / (fraction * whole) * bernoulli(z)
                stays = used[:, k] & (region == INSIDE) & (target >= 0)
                rows.append(np.flatnonzero(stays))
                columns.append(target[stays])
                values.append(rate[stays])
                for r in range(self.problem.regions):
                    killing[:, r] += np.where(used[:, k] & (region == r), rate, 0.0)
        matrix = coo_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
        ).tocsr()
        return matrix, killing, reach

    @property
    def rates(self) -> csr_array:
        """Jump rates between the states, (n, n)."""
        return self._assembled[0]

    @property
    def killing(self) -> Array:
        """Rates into each region, shape (n, regions)."""
        return self._assembled[1]

    def _edges(self, points: Array, states: Array, step: Array) -> tuple[Array, Array, Array]:
        """For an edge from each state: the state it leads to (or -1), the region it ends in, its fraction."""
        size = np.array(self.shape)
        to = states + step
        if self.box.periodic:
            to[:, 1] %= size[1]
        in_box = ((to >= 0) & (to < size)).all(axis=1)
        # Where the box is merely cut an edge ends at the nearest node: without that, wide edges might leave
        # nodes in its corners without a way out.
        at = np.clip(to, 0, size - 1)
        target = self.number[tuple(at.T)]
        region = np.where(in_box, self.region[tuple(at.T)], INSIDE)
        fraction = np.ones(len(states))
        # Beyond the box an edge may still meet a side that is an exit.
        for axis, ends in enumerate(self.box.ends):
            for side, end in enumerate(ends):
                if end == INSIDE:
                    continue
                wall = 0 if side == 0 else size[axis] - 1
                with np.errstate(divide="ignore", invalid="ignore"):
                    part = (wall - states[:, axis]) / step[:, axis]
                hit = (part > 0) & (part <= fraction)
                region = np.where(hit, end, region)
                fraction = np.where(hit, part, fraction)
        curved = np.flatnonzero((fraction == 1.0) & in_box & (region != INSIDE) & self._curved)
        if curved.size:
            low, high = np.zeros(curved.size), np.ones(curved.size)
            along = step[curved] * self.spacing
            for _ in range(BISECTIONS):
                middle = 0.5 * (low + high)
                out = self.problem.region(points[curved] + middle[:, None] * along) != INSIDE
                low, high = np.where(out, low, middle), np.where(out, middle, high)
            # A node next to the rim keeps a finite rate.
            fraction[curved] = np.maximum(high, 1e-6)
        return target, region, fraction

    @cached_property
    def _curved(self) -> bool:
        """Whether an exit ends elsewhere than at a side of the box."""
        (west, east), (south, north) = self.box.ends
        inner = self.region[
            int(west != INSIDE) : self.shape[0] - int(east != INSIDE),
            int(south != INSIDE) : self.shape[1] - int(north != INSIDE),
        ]
        return bool((inner != INSIDE).any())

    def _rise(self, points: Array, step: Array, fraction: Array) -> Array:
        """Integral of -step . D^-1 b along a whole edge, by Gauss's rule on its part inside."""
        along = step * self.spacing
        total = np.zeros(len(points))
        for place, weight in GAUSS:
            x = points + (place * fraction)[:, None] * along
            try:
                force = np.linalg.solve(self.problem.diffusion(x), self.problem.drift(x)[:, :, None])[:, :, 0]
            except np.linalg.LinAlgError:
                raise _singular() from None
            total -= weight * (along * force).sum(axis=1)
        return total

    @cached_property
    def blocks(self) -> tuple[Array, Array]:
        """An order of the states by strips across one axis, and where the strips begin in it.

        Of the two axes it is the one that takes less work: a strip is as wide as jumps reach along the axis,
        and the work grows with the third power of the states in it.
        """
        reach = np.maximum(1, self._assembled[2])
        work = [self.shape[a] * reach[a] ** 2 * self.shape[1 - a] ** 3 for a in range(2)]
        axis = 0 if self.box.periodic or work[0] <= work[1] else 1
        strip = self.states[:, axis] // reach[axis]
        order = np.argsort(strip, kind="stable")
        starts = np.flatnonzero(np.diff(strip[order], prepend=-1))
        return order, np.append(starts, len(order))

    @cached_property
    def solver(self) -> StripSolver:
        """Factors of the generator with the killing of all regions."""
        return StripSolver.of(self.rates, self.killing.sum(axis=1), *self.blocks)

    def value_at(self, values: Array, x: Array, bounds: Array) -> float:
        """Interpolated value at one point of a function on the states, given its values in the regions."""
        table = np.full(self.shape, np.nan)
        table[tuple(self.states.T)] = values
        for r, bound in enumerate(bounds):
            side = np.zeros(self.shape, dtype=bool)
            for axis in range(2):
                for s in range(2):
                    if self.box.ends[axis][s] == r:
                        side[(slice(None),) * axis + (-s,)] = True
            table[side] = bound
        place = (x - self.box.lower) / self.spacing
        for width in (WINDOW, 4, 2, 1):
            first = np.clip(
                np.round(place - 0.5 * (width - 1)).astype(int),
                0,
                np.maximum(np.array(self.shape) - width, 0),
            )
            patch = table[first[0] : first[0] + width, first[1] : first[1] + width]
            if np.isfinite(patch).all():
                weights = [lagrange(place[a] - first[a], width) for a in range(2)]
                return float(weights[0] @ patch @ weights[1])
        raise NoReference(
            "The start is closer to the rim of the exit than the grid resolves; move it inside."
        )


@dataclass(frozen=True)
class StripSolver:
    """A `BlockElimination` for states in any order."""

    order: Array
    factors: BlockElimination

    @classmethod
    def of(cls, rates: csr_array, killing: Array, order: Array, ends: Array) -> StripSolver:
        """Factors for the rates and the killing of states that `order` sorts by strips beginning at `ends`.

        Raises
        ------
        NoReference
            States that are not left in double precision.
        """
        try:
            return cls(order, BlockElimination.of(rates[order][:, order], killing[order], ends))
        except ZeroDivisionError:
            raise too_large() from None

    def solve(self, source: Array) -> Array:
        """Expected integral of `source` until the end, from each state."""
        result = np.empty_like(source, dtype=float)
        result[self.order] = self.factors.solve(source[self.order])
        return result

    def solve_left(self, source: Array) -> Array:
        """Expected time in each state until the end, of a start with masses `source`."""
        result = np.empty_like(source, dtype=float)
        result[self.order] = self.factors.solve_left(source[self.order])
        return result


def _singular() -> NoReference:
    return NoReference(
        "The noise vanishes in some direction at some point, which the method for two dimensions does not "
        "cover; give it a floor."
    )


def bernoulli(z: Array) -> Array:
    """z / (e^z - 1), relatively accurate for any z."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.where(np.abs(z) < 1e-8, 1.0 - 0.5 * z, z / np.expm1(z))


def lagrange(place: float, width: int) -> Array:
    """Weights of the polynomial through 0 ... width - 1, at `place`."""
    nodes = np.arange(width)
    weights = np.ones(width)
    for i in nodes:
        for j in nodes:
            if i != j:
                weights[i] *= (place - j) / (i - j)
    return weights
