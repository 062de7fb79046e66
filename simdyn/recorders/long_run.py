"""What is kept of a long run: sums and counts over time for groups of paths, nothing of single steps.

Time is cut into stretches that double in length, so that afterwards a beginning can be left out whose length
nobody knew before; and into a fixed number of slots of equal length, whose means tell how long values
remember. When a run goes on, pairs of slots become one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simdyn.recorders.basins import BasinTable
from simdyn.recorders.bins import Bins, FittedBins, GivenBins, covering
from simdyn.recorders.ensemble import Ensemble
from simdyn.recorders.histogram import Quantity
from simdyn.recorders.observation import Observation, Step
from simdyn.recorders.pairs import LEAF

GROUPS = 64
"""Independent groups of paths, whose spread tells the errors; as many as there are paths, if fewer."""

SLOTS = 1024
"""The largest number of slots of time."""

_SLOT_NUMBERS = 1 << 23
"""Numbers that all slots may hold together."""

FULL = 16
"""Up to so many coordinates all covariances are kept, beyond that only variances."""

STRETCHES = 24
"""Stretches of time; each is as long as all before it."""

_PLANE_BINS = 64


@dataclass(frozen=True)
class Drift:
    """What the mean of a step says about the balance of the stationary law.

    Attributes
    ----------
    mean
        From points (n, d) to the mean increments of a step there, of a rule without memory or at rest.
    force
        From points (n, d) to D^(-1) times the drift per unit of time, or None where the noise has no constant
        inverse.
    one_in
        One path in so many is looked at.
    """

    mean: Callable[[np.ndarray], np.ndarray]
    force: Callable[[np.ndarray], np.ndarray] | None
    one_in: int = 4


@dataclass(frozen=True)
class Plan:
    """What a long run keeps.

    Attributes
    ----------
    quantities
        Whose histograms, means and memory are kept.
    centre
        Shape (d,): a point from which deviations are counted.
    first_look
        Looks before this one are left out of all but the slots; the first stretch is as long as that.
    plane
        Two coordinates whose joint histogram and current are kept, or None.
    units
        Shape (2,): what moves in the plane are rounded to.
    basins
        Tells basins apart, or None.
    drift
        For the balance of drift and noise, or None.
    """

    quantities: tuple[Quantity, ...]
    centre: np.ndarray
    first_look: int
    plane: tuple[int, int] | None = None
    units: np.ndarray | None = None
    basins: BasinTable | None = None
    drift: Drift | None = None


@dataclass(frozen=True)
class GroupTotals:
    """Sums and counts by groups (first axis) and stretches of time (second axis).

    Attributes
    ----------
    moments
        Number of states, d sums of deviations, sums of their products; see `cell_kernels.add_moments`.
    values
        For each quantity number and sums of the first four powers, shape (G, S, Q, 5).
    centres
        What the latter are deviations from, shape (Q,).
    counts, rest, edges
        Histograms (G, S, Q, bins); below, above, nowhere (G, S, Q, 3); edges (Q, bins + 1).
    plane, field, moves, plane_edges
        Joint histogram (G, S, b, b); steps with their middle in each rectangle (G, S, b, b) and the sum of
        their moves (G, S, 2, b, b); edges (2, b + 1).
    missed
        Number of states outside the plane.
    turns
        Number of steps, squared moves, x_i x'_j - x_j x'_i.
    balance
        Number, x.b, |x' - x|^2 and the work of the force over the step, of a sample of steps.
    visits, changes
        States in each basin (G, S, K) and changes between their cores (G, S, K, K).
    """

    moments: np.ndarray
    values: np.ndarray
    centres: np.ndarray
    counts: np.ndarray
    rest: np.ndarray
    edges: np.ndarray
    plane: np.ndarray | None
    field: np.ndarray | None
    moves: np.ndarray | None
    plane_edges: np.ndarray | None
    missed: int
    turns: np.ndarray
    balance: np.ndarray
    visits: np.ndarray | None
    changes: np.ndarray | None


class LongRunRecorder:
    """Accumulates what the long-run law of an ensemble is read off."""

    def __init__(self, ensemble: Ensemble, plan: Plan) -> None:
        self._plan = plan
        self._paths, self._dim, self._dtype = ensemble.paths, ensemble.dim, ensemble.dtype
        share = max(1, ensemble.paths // GROUPS)
        self.width = min(LEAF, 1 << (share.bit_length() - 1))
        self.cells = -(-ensemble.paths // self.width)
        self.groups = min(GROUPS, self.cells)
        self._group_of = np.arange(self.cells) * self.groups // self.cells
        self.full = ensemble.dim <= FULL
        q, k = len(plan.quantities), plan.basins.count if plan.basins is not None else 0
        # A slot holds of each quantity number, sum and sum of squares, and the visits of each basin.
        self._slot_numbers = 3 * q + k
        fitting = _SLOT_NUMBERS // (self.cells * self._slot_numbers)
        self.slots = int(np.clip(1 << (max(2, fitting).bit_length() - 1), 2, SLOTS))
        self.looks_of_slot = 1
        self._lock = threading.Lock()

    @property
    def plan(self) -> Plan:
        """What is kept."""
        return self._plan

    @property
    def first_look(self) -> int:
        """The first look that counts."""
        return self._plan.first_look

    @property
    def bins(self) -> int:
        """Bins of a histogram."""
        return self._plan.quantities[0].bins

    def size(self) -> int:
        """Bytes that it will hold."""
        q = len(self._plan.quantities)
        k = self._plan.basins.count if self._plan.basins is not None else 0
        cells = STRETCHES * (self._products + self._turns + 5 * q + 4 + k + k * k) + self.slots * (3 * q + k)
        groups = STRETCHES * (q * (self.bins + 3) + (4 * _PLANE_BINS**2 if self._plan.plane else 0))
        return 8 * (self.cells * cells + self.groups * groups) + self._paths

    @property
    def _products(self) -> int:
        d = self._dim
        return 1 + d + (d * (d + 1) // 2 if self.full else d)

    @property
    def _turns(self) -> int:
        d = self._dim
        return 1 + d + (d * (d - 1) // 2 if self.full else 0)

    def begin(self) -> None:
        """Get the memory, once it is known to be there, and the kernels."""
        plan, cells, groups = self._plan, self.cells, self.groups
        q = len(plan.quantities)
        self._moments = np.zeros((cells, STRETCHES, self._products))
        self._turn_sums = np.zeros((cells, STRETCHES, self._turns))
        self._balance = np.zeros((cells, STRETCHES, 4))
        self._values = np.zeros((cells, STRETCHES, q, 5))
        self._slot_sums = np.zeros((cells, self.slots, self._slot_numbers))
        self._counts = np.zeros((groups, STRETCHES, q, self.bins), dtype=np.int64)
        self._rest = np.zeros((groups, STRETCHES, q, 3), dtype=np.int64)
        self._least, self._greatest = np.full(q, np.inf), np.full(q, -np.inf)
        centre = np.ascontiguousarray(plan.centre, dtype=np.float64)
        self._centre = centre
        with np.errstate(all="ignore"):
            at = np.array([float(one.values(centre[:, None])[0]) for one in plan.quantities])
        self._centres = np.where(np.isfinite(at), at, 0.0)
        self._bins: tuple[Bins, ...] = tuple(
            GivenBins(one.low, one.high, one.bins)
            if one.low is not None and one.high is not None
            else FittedBins(0, 0, one.bins)
            for one in plan.quantities
        )
        self._plane_bins: tuple[FittedBins, FittedBins] = (FittedBins(0, 0, _PLANE_BINS),) * 2
        self._plane_edges = np.stack([one.edges for one in self._plane_bins])
        # Stretches first, so that what one stretch counts is one piece of memory that kernels write to.
        shape = (STRETCHES, groups, _PLANE_BINS, _PLANE_BINS) if plan.plane else (0, 0, 1, 1)
        self._plane, self._field = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self._moves = np.zeros((*shape[:2], 2, *shape[2:]), dtype=np.int64)
        self._stretches = 0
        self._plane_least, self._plane_greatest = np.full(2, np.inf), np.full(2, -np.inf)
        if plan.basins is not None:
            k, table = plan.basins.count, plan.basins
            self._visits = np.zeros((cells, STRETCHES, k), dtype=np.int64)
            self._changes = np.zeros((cells, STRETCHES, k, k), dtype=np.int64)
            self._last = np.full(self._paths, -1, dtype=np.int8)
            longest = max(len(edges) for edges in table.edges)
            self._edges = np.full((len(table.axes), longest), np.inf)
            for row, edges in zip(self._edges, table.edges, strict=True):
                row[: len(edges)] = edges
            self._lengths = np.array([len(edges) for edges in table.edges])
            self._axes = np.array(table.axes)
            # Small, because they are looked up in no order.
            self._basin_of, self._core_of = table.basin.astype(np.int8), table.core.astype(np.int8)
        self._load()

    def _load(self) -> None:
        """Compile the passes here, before threads do so side by side."""
        nothing = np.zeros((self._dim, 1), dtype=self._dtype)
        seen = Observation(0, 0, nothing)
        outside = np.zeros(1, dtype=bool)
        from simdyn.recorders import cell_kernels as kernels

        groups = self._group_of[:1]
        sums = np.zeros((1, self._products))
        kernels.add_moments(seen.x, outside, self._centre, self.width, self.full, sums)
        kernels.add_values(np.zeros(1), outside, 0.0, self.width, np.zeros((1, 5)))
        kernels.count_by_groups(
            np.zeros(1), outside, self.width, groups, self._bins[0].edges, self._counts[:, 0, 0],
            self._rest[:, 0, 0],
        )  # fmt: skip
        kernels.add_turns(nothing, nothing, outside, self._centre, self.width, np.zeros((1, self._turns)))
        if self._plan.plane:
            line, edges = np.zeros(1), np.zeros((2, 3)) + np.arange(3.0)
            grid = np.zeros((1, 2, 2), np.int64)
            kernels.ends_in_plane(line, line, outside)
            kernels.count_in_plane(line, line, outside, self.width, groups, edges, grid)
            pair = np.zeros((2, 1))
            moves = np.zeros((1, 2, 2, 2), np.int64)
            kernels.add_field(pair, pair, outside, self.width, groups, edges, np.ones(2), grid, moves)
        if self._plan.basins is not None:
            self._place(nothing, outside, np.full(1, -1, np.int8))

    def _place(self, x: np.ndarray, inside: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from simdyn.recorders.cell_kernels import add_places

        table = self._plan.basins
        assert table is not None
        cells = -(-x.shape[1] // self.width)
        visits = np.zeros((cells, table.count), dtype=np.int64)
        changes = np.zeros((cells, table.count, table.count), dtype=np.int64)
        add_places(
            x, inside, self._axes, self._edges, self._lengths, self._basin_of, self._core_of, self.width,
            last, visits, changes,
        )  # fmt: skip
        return visits, changes

    def stretch_of(self, look: int) -> int:
        """The stretch that a look belongs to; stretch s > 0 begins at look first_look 2^(s-1)."""
        return (look // self._plan.first_look).bit_length()

    def observe(self, seen: Observation) -> None:
        """Take in some paths at one recorded step."""
        from simdyn.recorders import cell_kernels as kernels

        x, inside = seen.x, seen.inside
        begin = seen.first_path // self.width
        cells = slice(begin, begin + -(-seen.count // self.width))
        stretch, slot = self.stretch_of(seen.look), seen.look // self.looks_of_slot
        slots = self._slot_sums[cells, slot]
        counted = seen.look >= self._plan.first_look
        if counted:
            kernels.add_moments(x, inside, self._centre, self.width, self.full, self._moments[cells, stretch])
        self._observe_values(seen, cells, stretch, slots, counted)
        if self._plan.basins is not None:
            visits, changes = self._place(x, inside, self._last[seen.paths])
            slots[:, 3 * len(self._plan.quantities) :] += visits
            if counted:
                self._visits[cells, stretch] += visits
                self._changes[cells, stretch] += changes
        if counted and self._plan.plane:
            self._observe_plane(seen, cells, stretch)

    def _observe_values(
        self, seen: Observation, cells: slice, stretch: int, slots: np.ndarray, counted: bool
    ) -> None:
        from simdyn.recorders.cell_kernels import add_values, count_by_groups

        groups = self._group_of[cells]
        for q, quantity in enumerate(self._plan.quantities):
            if quantity.coordinate is not None:
                values = np.ascontiguousarray(seen.x[quantity.coordinate], dtype=np.float64)
            else:
                with np.errstate(all="ignore"):
                    values = np.ascontiguousarray(quantity.values(seen.x64))
            sums = np.zeros((len(groups), 5))
            ends = add_values(values, seen.inside, self._centres[q], self.width, sums)
            slots[:, 3 * q : 3 * q + 3] += sums[:, :3]
            if not counted:
                continue
            self._values[cells, stretch, q] += sums
            # Straight into the sums: to add up histograms of all groups costs more than to count.
            with self._lock:
                if ends[0] <= ends[1]:
                    self._cover(q, *ends)
                count_by_groups(
                    values, seen.inside, self.width, groups, self._bins[q].edges,
                    self._counts[:, stretch, q], self._rest[:, stretch, q],
                )  # fmt: skip

    def _cover(self, q: int, least: float, greatest: float) -> None:
        """Let the bins of a quantity cover these values, too, if they are fitted."""
        bins = self._bins[q]
        if isinstance(bins, GivenBins) or (least >= self._least[q] and greatest <= self._greatest[q]):
            return
        first = self._least[q] > self._greatest[q]
        self._least[q] = min(self._least[q], least)
        self._greatest[q] = max(self._greatest[q], greatest)
        ends = float(self._least[q]), float(self._greatest[q])
        if first or not bins.covers(*ends):
            # In the middle, so that they need not move soon again.
            self._use(q, covering(*ends, self.bins).centred(*ends))

    def _use(self, q: int, bins: FittedBins) -> None:
        """Go on with other bins of a quantity."""
        self._counts[:, :, q] = self._bins[q].moved(self._counts[:, :, q], bins)
        self._bins = (*self._bins[:q], bins, *self._bins[q + 1 :])

    def _observe_plane(self, seen: Observation, cells: slice, stretch: int) -> None:
        from simdyn.recorders.cell_kernels import count_in_plane

        assert self._plan.plane is not None
        u, v = (np.ascontiguousarray(seen.x[i], dtype=np.float64) for i in self._plan.plane)
        groups = self._group_of[cells]
        if not seen.inside.any():
            return
        # The ends must know of all values, not of those alone that the rectangles miss: they may move.
        with self._lock:
            self._stretches = max(self._stretches, stretch + 1)
            edges = self._cover_plane(u, v, seen.inside)
            # Straight into the sums: there are so many rectangles that adding up grids costs more than a run.
            count_in_plane(u, v, seen.inside, self.width, groups, edges, self._plane[stretch])

    def _cover_plane(self, u: np.ndarray, v: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Let the rectangles cover these points, too, as far as they are inside; their edges."""
        from simdyn.recorders.cell_kernels import ends_in_plane

        first = self._plane_least[0] > self._plane_greatest[0]
        ends_of = ends_in_plane(u, v, inside)
        if (
            not first
            and (ends_of[:2] >= self._plane_least).all()
            and (ends_of[2:] <= self._plane_greatest).all()
        ):
            return self._plane_edges
        self._plane_least = np.minimum(self._plane_least, ends_of[:2])
        self._plane_greatest = np.maximum(self._plane_greatest, ends_of[2:])
        ends = list(zip(self._plane_least.tolist(), self._plane_greatest.tolist(), strict=True))
        if first or not all(one.covers(*pair) for one, pair in zip(self._plane_bins, ends, strict=True)):
            u_bins, v_bins = (covering(*pair, _PLANE_BINS).centred(*pair) for pair in ends)
            self._use_in_plane((u_bins, v_bins))
        return self._plane_edges

    def _use_in_plane(self, bins: tuple[FittedBins, FittedBins]) -> None:
        """Go on with other rectangles."""
        old = self._plane_bins
        for sums in (self._plane, self._field, self._moves):
            # Later stretches are empty, and all of them together are large.
            for stretch in range(self._stretches):
                sums[stretch] = _moved_in_plane(sums[stretch], old, bins)
        self._plane_bins = bins
        self._plane_edges = np.stack([one.edges for one in bins])

    def _fit(self) -> None:
        """The bins that the least and the greatest values alone determine, in whatever order they came."""
        for q, one in enumerate(self._bins):
            ends = float(self._least[q]), float(self._greatest[q])
            if isinstance(one, FittedBins) and ends[0] <= ends[1]:
                self._use(q, covering(*ends, self.bins))
        if self._plan.plane and self._plane_least[0] <= self._plane_greatest[0]:
            pairs = zip(self._plane_least.tolist(), self._plane_greatest.tolist(), strict=True)
            u_bins, v_bins = (covering(*pair, _PLANE_BINS) for pair in pairs)
            self._use_in_plane((u_bins, v_bins))

    def observe_step(self, step: Step) -> None:
        """Take in one step of some paths."""
        from simdyn.recorders import cell_kernels as kernels

        if step.look < self._plan.first_look:
            return
        begin, count = step.first_path // self.width, step.before.shape[1]
        cells = slice(begin, begin + -(-count // self.width))
        stretch = self.stretch_of(step.look)
        before, after, inside = step.before, step.after, step.inside
        kernels.add_turns(before, after, inside, self._centre, self.width, self._turn_sums[cells, stretch])
        if self._plan.plane:
            self._observe_field(step, cells, stretch)
        if self._plan.drift is not None:
            self._balance[cells, stretch] += self._balance_of(before, after, inside)

    def _observe_field(self, step: Step, cells: slice, stretch: int) -> None:
        from simdyn.recorders.cell_kernels import add_field

        assert self._plan.plane is not None
        assert self._plan.units is not None
        rows = list(self._plan.plane)
        before, after = (np.ascontiguousarray(x[rows], dtype=np.float64) for x in (step.before, step.after))
        if not step.inside.any():
            return
        middle = 0.5 * (before + after)
        with self._lock:
            self._stretches = max(self._stretches, stretch + 1)
            edges = self._cover_plane(middle[0], middle[1], step.inside)
            add_field(
                before, after, step.inside, self.width, self._group_of[cells], edges, self._plan.units,
                self._field[stretch], self._moves[stretch],
            )  # fmt: skip

    def _balance_of(self, before: np.ndarray, after: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Number, x.b, |x' - x|^2 and the work of the force, of a few steps of each cell."""
        drift = self._plan.drift
        assert drift is not None
        paths = before.shape[1]
        cells = -(-paths // self.width)
        few = max(1, self.width // drift.one_in)
        chosen = (np.arange(cells)[:, None] * self.width + np.arange(few)).ravel()
        kept = np.minimum(chosen, paths - 1)
        good = (inside[kept] & (chosen < paths)).astype(np.float64)
        x, y = (np.ascontiguousarray(a[:, kept].T, dtype=np.float64) for a in (before, after))
        with np.errstate(all="ignore"):
            move = y - x
            pull = ((x - self._centre) * drift.mean(x)).sum(axis=1)
            work = np.zeros(len(x)) if drift.force is None else (drift.force((x + y) / 2) * move).sum(axis=1)
            columns = np.stack([np.ones(len(x)), pull, (move * move).sum(axis=1), work], axis=1)
        columns = np.where(good[:, None] > 0, columns, 0.0)
        return np.asarray(columns.reshape(cells, few, 4).sum(axis=1))

    def make_room(self, looks: int) -> None:
        """Let the slots hold that many looks, by joining pairs of them as often as it takes."""
        while looks > self.slots * self.looks_of_slot:
            joined = self._slot_sums[:, ::2] + self._slot_sums[:, 1::2]
            self._slot_sums[:] = 0.0
            self._slot_sums[:, : self.slots // 2] = joined
            self.looks_of_slot *= 2

    def slot_series(self, looks: int) -> np.ndarray:
        """Sums of the whole slots among the first `looks` looks, shape (groups, slots, numbers)."""
        return self._by_group(self._slot_sums[:, : looks // self.looks_of_slot])

    def totals(self) -> GroupTotals:
        """All else, by groups and stretches."""
        self._fit()
        plane = self._plan.plane is not None
        basins = self._plan.basins is not None
        missed = int(self._moments[:, :, 0].sum() - self._plane.sum() if plane else 0)
        return GroupTotals(
            moments=self._by_group(self._moments),
            values=self._by_group(self._values),
            centres=self._centres,
            counts=self._counts,
            rest=self._rest,
            edges=np.stack([one.edges for one in self._bins]),
            plane=self._plane.swapaxes(0, 1) if plane else None,
            field=self._field.swapaxes(0, 1) if plane else None,
            moves=self._moves.swapaxes(0, 1) if plane else None,
            plane_edges=np.stack([one.edges for one in self._plane_bins]) if plane else None,
            missed=missed,
            turns=self._by_group(self._turn_sums),
            balance=self._by_group(self._balance),
            visits=self._by_group(self._visits) if basins else None,
            changes=self._by_group(self._changes) if basins else None,
        )

    def _by_group(self, cells: np.ndarray) -> np.ndarray:
        """Sums over the cells of each group, in the order of the cells."""
        found = np.zeros((self.groups, *cells.shape[1:]), dtype=cells.dtype)
        np.add.at(found, self._group_of, cells)
        return found


def _moved_in_plane(
    counts: np.ndarray, old: tuple[FittedBins, FittedBins], new: tuple[FittedBins, FittedBins]
) -> np.ndarray:
    """Counts on the last two axes in other bins that cover them."""
    if old == new:
        return counts
    along = old[1].moved(counts, new[1])
    return np.ascontiguousarray(np.swapaxes(old[0].moved(np.swapaxes(along, -1, -2), new[0]), -1, -2))
