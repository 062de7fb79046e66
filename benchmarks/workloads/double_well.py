"""The cheapest landscape there is: nearly all the time goes into normal deviates."""

from __future__ import annotations

from typing import Any

from benchmarks.contest import Workload, at_least


def gradient(x: Any) -> Any:
    return x * x * x - x


DOUBLE_WELL = Workload(
    name="double_well",
    title="1-D double well, 1,000 steps",
    energy="x**4/4 - x**2/2",
    gradient=gradient,
    dim=1,
    start=-1.0,
    dt=0.01,
    diffusion=0.1,
    steps=1_000,
    goals={
        "C, xoshiro256++ and ziggurat": at_least(3.5),
        "NumPy": at_least(8.5),
        "JAX scan": at_least(12.0),
        "diffrax, UnsafeBrownianPath": at_least(18.0),
        "torchsde euler, told the step": at_least(30.0),
        "sdeint itoEuler": at_least(1_000.0),
    },
)
