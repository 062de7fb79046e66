"""How does SGD move in a valley? How far it travels, how high it stays, and the loss between iterates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from potentials import Potential
from simdyn.counts import whole_number
from simdyn.dynamics import Dynamics
from simdyn.errors import InputError
from simdyn.inference import Interval, mean_of, share_of
from simdyn.noise import Seed, seed_record
from simdyn.questions.quantities import quantities_of
from simdyn.questions.record import dynamics_record, finite
from simdyn.questions.simulation import simulate
from simdyn.recorders import Progress
from simdyn.results import versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

Measure = str | Callable[[Array], Array]
"""A formula of the coordinates, or a function from points (n, d) to n numbers."""

POINTS = 11


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where paths are after many steps, and the loss on the line to where the next step leads.

    Attributes
    ----------
    first, second
        The last iterate but one and the last one, shape (n, d): of paths that have not diverged.
    losses
        The loss at equally spaced points of the segments from first to second, shape (n, points).
    downhill, uphill
        Whether the loss falls where a segment begins, and rises where it ends, shape (n,).
    travelled
        How far each path is from its start, shape (n,).
    heights
        How high each first iterate is above the floor, shape (n,).
    diverged
        Paths that are not counted.
    problem, seed, backend, versions
        Provenance.
    """

    first: Array = field(repr=False)
    second: Array = field(repr=False)
    losses: Array = field(repr=False)
    downhill: NDArray[np.bool_] = field(repr=False)
    uphill: NDArray[np.bool_] = field(repr=False)
    travelled: Array = field(repr=False)
    heights: Array = field(repr=False)
    diverged: int
    problem: Mapping[str, Any]
    seed: Mapping[str, Any]
    backend: str
    versions: Mapping[str, str]

    @cached_property
    def distance(self) -> Interval:
        """Root of the mean squared distance travelled."""
        square = mean_of(self.travelled**2)
        value, low, high = (float(np.sqrt(max(0.0, v))) for v in (square.value, square.low, square.high))
        return Interval(value, low, high)

    @cached_property
    def height(self) -> Interval:
        """Mean height above the floor."""
        return mean_of(self.heights)

    @cached_property
    def convex(self) -> Interval:
        """Share of the steps along which the loss is convex, at the points looked at."""
        return share_of(np.asarray((np.diff(self.losses, 2, axis=1) > 0).all(axis=1)))

    @cached_property
    def bounces(self) -> Interval:
        """Share of the steps that go down at first and up at the end: from one wall of the valley to the
        other."""
        return share_of(np.logical_and(self.downhill, self.uphill))

    @cached_property
    def profile(self) -> Array:
        """Mean of the loss along a step, less that at its beginning, shape (points,)."""
        return np.asarray((self.losses - self.losses[:, :1]).mean(axis=0))

    def plot(self, file: str | None = None) -> Figure:
        """The loss along a step, and how far paths have travelled.

        Parameters
        ----------
        file
            Where to write it, by its ending as PDF, SVG or PNG; None writes nothing.
        """
        from simdyn.plotting.style import save
        from simdyn.plotting.walk import walk_figure

        figure = walk_figure(self.losses, self.travelled, self.problem["along"])
        if file is not None:
            save(figure, file)
        return figure

    def to_json(self) -> dict[str, Any]:
        """One object of plain data; what is not finite is None."""
        figures = {"distance": self.distance, "height": self.height, "convex": self.convex}
        return {
            "estimate": {
                name: {"value": finite(one.value), "low": finite(one.low), "high": finite(one.high)}
                for name, one in {**figures, "bounces": self.bounces}.items()
            },
            "profile": [finite(value) for value in self.profile],
            "diverged": self.diverged,
            "problem": dict(self.problem),
            "seed": dict(self.seed),
            "backend": self.backend,
            "versions": dict(self.versions),
        }

    def __str__(self) -> str:
        def text(one: Interval) -> str:
            return f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})"

        lines = [
            f"Walk on {self.problem['potential']['name']}, {self.problem['steps']:,} steps of "
            f"{len(self.first):,} paths; 95 % intervals",
            f"  travelled  {text(self.distance)}",
            f"  height     {text(self.height)}",
            f"  steps      {text(self.convex)} are convex, {text(self.bounces)} bounce: down first, then up",
        ]
        if self.diverged:
            lines.append(f"  warning    {self.diverged:,} paths diverged and are left out")
        return "\n".join(lines)


def walk(
    potential: Potential,
    dynamics: Dynamics,
    start: Any = "deepest",
    *,
    paths: int,
    steps: int,
    height: Measure | None = None,
    along: Measure | None = None,
    points: int = POINTS,
    seed: Seed = 0,
    backend: str = "auto",
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Walk:
    """Run paths for many steps and one more, and look at the loss on the line along that last one.

    Parameters
    ----------
    potential, dynamics, start, paths, steps
        As in `simulate`.
    height
        The height above the floor of a point, as a formula of the coordinates or a function from points
        (n, d) to n numbers. By default the loss above the lowest of the points on the line to the next
        iterate, which takes no knowledge of the floor; where steps are short that is less than the height.
    along
        The place along the floor, likewise; paths have travelled its change from the start. By default the
        distance from the start in a straight line.
    points
        Points of a line at which the loss is computed, both ends included; at least 3.
    seed
        Integer or SeedSequence, as in `simulate`: the first of the two last iterates is where its paths end.
    backend, threads, progress
        As in `simulate`.

    Raises
    ------
    InputError
        Anything that cannot be done as asked, in one sentence.
    KeyboardInterrupt
        Ctrl-C before the last step, without which there is nothing to look at.
    """
    if not isinstance(potential, Potential):
        raise InputError(
            f"A walk looks at the loss, which the drift field {potential.name!r} does not have; give a "
            "potential."
        )
    points, steps = whole_number("points", points, 3), whole_number("steps", steps)
    heights, places = _measure("height", height, potential), _measure("along", along, potential)
    run = simulate(
        potential,
        dynamics,
        start,
        paths=paths,
        # One step more than it takes to the snapshot, so that momentum, schedules and epochs go on.
        steps=steps + 1,
        record=["final", "snapshots"],
        every=steps,
        seed=seed,
        backend=backend,
        threads=threads,
        progress=progress,
    )
    if not run.attrs["complete"]:
        raise KeyboardInterrupt
    begins, last = run["snapshots"].sel(step=[0, steps]).values.astype(np.float64)
    after = run["final"].values.astype(np.float64)
    bound = run.attrs["divergence_bound"]
    # What is not a number is not below the bound.
    here = (np.abs(last) < bound).all(axis=1) & (np.abs(after) < bound).all(axis=1)
    if not here.any():
        raise InputError("All paths diverged, so there is no step to look at; lower the learning rate.")
    origin, first, next_ = begins[here], last[here], after[here]
    losses = losses_between(potential, first, next_, points)
    way = next_ - first
    return Walk(
        first=first,
        second=next_,
        losses=losses,
        downhill=(potential.gradient(first) * way).sum(axis=1) < 0,
        uphill=(potential.gradient(next_) * way).sum(axis=1) > 0,
        travelled=np.linalg.norm(first - origin, axis=1)
        if places is None
        else places(first) - places(origin),
        heights=losses[:, 0] - losses.min(axis=1) if heights is None else heights(first),
        diverged=int((~here).sum()),
        problem={
            "potential": potential.record(),
            "dynamics": dynamics_record(dynamics),
            "paths": int(paths),
            "steps": int(steps),
            "height": height if isinstance(height, str) else None if height is None else "a function",
            "along": along if isinstance(along, str) else None if along is None else "a function",
            "points": int(points),
        },
        seed=seed_record(seed),
        backend=str(run.attrs["backend"]),
        versions=versions(),
    )


def losses_between(potential: Potential, first: Array, second: Array, points: int = POINTS) -> Array:
    """The loss at equally spaced points of the segments from first to second, shape (n, points)."""
    share = np.linspace(0.0, 1.0, points)[:, None]
    return np.asarray(potential.energy(first[:, None] + share * (second - first)[:, None]))


def _measure(name: str, given: Measure | None, potential: Potential) -> Callable[[Array], Array] | None:
    """From points (n, d) to n numbers."""
    if given is None or callable(given):
        return given
    if not isinstance(given, str):
        raise InputError(f"{name} is {given!r}, but it must be a formula of the coordinates or a function.")
    (quantity,) = quantities_of(given, None, potential)
    return lambda x: np.asarray(quantity.values(x.T))
