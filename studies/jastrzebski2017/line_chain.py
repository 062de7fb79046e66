"""The exact law of a chain with Gaussian steps on a line, step by step and in the long run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

SPACING = 0.5
"""Between nodes, in standard deviations of a step, where the trapezoidal rule is off by exp(-2 (pi / 0.5)^2).

It is off by exp(-2 pi a / spacing), too, with the distance a of singularities; a fifth of it gives e^-31.
"""


@dataclass(frozen=True)
class LineChain:
    """x' = mean(x) + sd(x) xi on equally spaced nodes.

    Attributes
    ----------
    mean, sd
        From points, shape (n,), to the mean and the standard deviation of the next point.
    ends
        Between them all that matters has to lie.
    analytic
        Distance from the line up to which mean and sd, as complex functions, have no singularity.
    """

    mean: Callable[[Array], Array]
    sd: Callable[[Array], Array]
    ends: tuple[float, float]
    analytic: float = np.inf

    @property
    def points(self) -> Array:
        """The nodes."""
        low, high = self.ends
        probes = np.linspace(low, high, 2_000)
        spacing = min(SPACING * float(self.sd(probes).min()), self.analytic / 5)
        return np.linspace(low, high, int(np.ceil((high - low) / spacing)) + 1)

    def _operator(self, x: Array) -> Array:
        """From densities at the nodes to those one step later."""
        mean, sd = self.mean(x), self.sd(x)
        return np.exp(-(((x[:, None] - mean) / sd) ** 2) / 2) / (np.sqrt(2 * np.pi) * sd) * (x[1] - x[0])

    def stationary(self) -> tuple[Array, Array]:
        """Nodes and the masses at them in the long run."""
        x = self.points
        operator = self._operator(x)
        # One equation of the balance is the sum of the others; mass 1 takes its place.
        system = operator / operator.sum(axis=0) - np.eye(len(x))
        system[-1] = 1.0
        right = np.zeros(len(x))
        right[-1] = 1.0
        return x, np.linalg.solve(system, right)

    def course(self, start: float, steps: Sequence[int]) -> Iterator[tuple[Array, Array]]:
        """Nodes and the masses at them after each of ascending numbers of steps, all at least 1."""
        x = self.points
        operator = self._operator(x)
        at = np.array([start])
        density = np.exp(-(((x - self.mean(at)) / self.sd(at)) ** 2) / 2)
        density /= density.sum()
        done = 1
        for step in steps:
            for _ in range(step - done):
                density = operator @ density
            done = step
            yield x, density / density.sum()

    def above(self, law: tuple[Array, Array], cut: float) -> float:
        """Probability that the next point lies above `cut`; in the long run that of the point itself."""
        from scipy.special import ndtr

        x, masses = law
        return float(masses @ ndtr((self.mean(x) - cut) / self.sd(x)))
