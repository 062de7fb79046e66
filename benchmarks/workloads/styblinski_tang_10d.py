"""Ten coordinates a path: memory layout and register pressure matter, too."""

from __future__ import annotations

from typing import Any

from benchmarks.contest import Workload, at_least

DIM = 10


def gradient(x: Any) -> Any:
    return 2.0 * x * x * x - 16.0 * x + 2.5


STYBLINSKI_TANG_10D = Workload(
    name="styblinski_tang_10d",
    title="10-D Styblinski-Tang function, 1,000 steps in its deepest valley",
    energy=" + ".join(f"(x{i}**4 - 16*x{i}**2 + 5*x{i})/2" for i in range(1, DIM + 1)),
    gradient=gradient,
    dim=DIM,
    # Up the slope from the minimum at -2.9, so that the first steps show a wrong gradient.
    start=-2.0,
    dt=1e-3,
    diffusion=1.0,
    steps=1_000,
    goals={"NumPy": at_least(10.0), "JAX scan": at_least(10.0)},
)
