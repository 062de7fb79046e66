"""What is compared: a workload is one problem, a contestant one way to compute it, a goal a ratio."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Sample = NDArray[Any]
"""Final positions, shape (paths, dim), or the number of steps each path took, shape (paths,)."""


@dataclass(frozen=True)
class Goal:
    """A bound on a contestant's time divided by the base's time."""

    kind: Literal["at least", "at most"]
    ratio: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.kind == "at least" else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{'>=' if self.kind == 'at least' else '<='} {self.ratio:g}"


def at_least(ratio: float) -> Goal:
    return Goal("at least", ratio)


def at_most(ratio: float) -> Goal:
    return Goal("at most", ratio)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Overdamped Langevin dynamics x' = x - dt * gradient(x) + sqrt(2 D dt) * xi in a separable landscape.

    Attributes
    ----------
    name, title
        Name on the command line, and one line for the reader.
    energy
        The landscape as a formula, from which simdyn derives everything else.
    gradient
        The same gradient for every other peer, elementwise and in plain arithmetic, so that NumPy, JAX, torch
        and Numba each run it in their own way.
    dim, start
        Number of coordinates, and where each of them starts.
    dt, diffusion
        Step and D.
    steps
        Number of steps; with an exit, the largest number of steps.
    exit_above
        Paths stop at the first step that ends at or above this value of the first coordinate; None: never.
    peers
        Peers that take part, as named on the command line; None: all of them.
    goals
        Contestant name -> goal.
    """

    name: str
    title: str
    energy: str
    gradient: Callable[[Any], Any]
    dim: int
    start: float
    dt: float
    diffusion: float
    steps: int
    exit_above: float | None = None
    peers: tuple[str, ...] | None = None
    goals: Mapping[str, Goal] = field(default_factory=dict)

    @property
    def noise(self) -> float:
        """Standard deviation of one step's noise."""
        return math.sqrt(2.0 * self.diffusion * self.dt)

    def path_steps(self, sample: Sample) -> int:
        """Number of useful path-steps behind a sample: steps taken after a path has stopped do not count."""
        return len(sample) * self.steps if sample.ndim == 2 else int(np.sum(sample))


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to compute a workload.

    Attributes
    ----------
    name
        As in the table.
    paths
        Paths per call, large enough that the cost of the call itself is small.
    run
        Maps a seed to a sample of that many paths.
    base
        Whether the workload's ratios are taken to this contestant.
    """

    name: str
    paths: int
    run: Callable[[int], Sample]
    base: bool = False


class PeerUnavailable(Exception):
    """A peer cannot run here; the message says what is missing."""
