"""Means over a few samples, one of each kind that kernels know."""

from __future__ import annotations

from functools import cache

import numpy as np

from potentials import FiniteSum, LinearisedNetwork, QuadraticSum, SampleMean

SAMPLES = 12


@cache
def sample_mean(name: str) -> SampleMean:
    """The landscape of this name, with `SAMPLES` samples drawn from a fixed seed."""
    rng = np.random.default_rng(3)
    if name == "formula":
        data = {"a": rng.normal(size=SAMPLES), "s": rng.normal(size=SAMPLES)}
        return FiniteSum(
            "a*sin(x - s) + (x - s)**2/2 + k*x*y + y**2", data, variables="x y", parameters={"k": 0.3}
        )
    if name == "kinks":
        return FiniteSum("max(abs(x - s), x**2/4)", {"s": rng.normal(size=SAMPLES)}, variables="x")
    if name == "logistic":
        columns = {c: rng.normal(size=SAMPLES) for c in "abcde"} | {"t": rng.choice([-1.0, 1.0], SAMPLES)}
        form = "(a*x1 + b*x2 + c*x3 + d*x4 + e*x5)"
        return FiniteSum(f"log(1 + exp(-t*{form}))", columns, variables="x1 x2 x3 x4 x5")
    if name == "line":
        return QuadraticSum(rng.uniform(0.5, 2, SAMPLES), rng.normal(size=SAMPLES))
    roots = rng.normal(size=(SAMPLES, 5, 5)) / 2
    if name == "bowls":
        return QuadraticSum(roots @ np.swapaxes(roots, 1, 2), rng.normal(size=(SAMPLES, 5)))
    if name == "network":
        return LinearisedNetwork(roots[:, :3], rng.normal(size=(SAMPLES, 3)))
    if name == "eleven":
        return LinearisedNetwork(rng.normal(size=(SAMPLES, 11)) / 4, rng.normal(size=SAMPLES))
    if name == "wide":
        return LinearisedNetwork(rng.normal(size=(SAMPLES, 70)) / 8, rng.normal(size=SAMPLES))
    raise KeyError(name)
