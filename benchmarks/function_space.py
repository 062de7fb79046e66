"""Linearised SGD in function space beside the same loop in NumPy over the parameters.

500 samples with one output, 100,000 parameters, batches of 10, on one thread. Both draw fresh subsets. Before
anything is timed the engines over errors and over parameters are run on a network of 200 parameters over the
same batches: errors agree to rounding.

    python -m benchmarks.function_space --rounds 5
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.machine import hardware, in_one_line, pin
from potentials import FunctionSpace, LinearisedNetwork
from simdyn.dynamics import SGD
from simdyn.engines import engine_for

SAMPLES, PARAMETERS, BATCH, RATE = 500, 100_000, 10, 0.1


def numpy_loop(jacobian: np.ndarray, residual: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """SGD as one writes it first; the errors at its end."""
    rng = np.random.default_rng(seed)
    x = np.zeros(jacobian.shape[1])
    for _ in range(steps):
        chosen = rng.choice(len(jacobian), BATCH, replace=False)
        rows = jacobian[chosen]
        x -= RATE / BATCH * ((rows @ x + residual[chosen]) @ rows)
    return jacobian @ x + residual


def check() -> None:
    """The engines over errors and over parameters agree."""
    rng = np.random.default_rng(1)
    small = LinearisedNetwork(rng.normal(size=(50, 200)) / 14, rng.normal(size=50))
    rule = SGD(RATE, BATCH)
    x = engine_for("cpu", rule.update(small), threads=1).integrate(np.zeros((1, 200)), steps=50, seed=1)
    space = small.function_space()
    found = engine_for("cpu", rule.update(space), threads=1).integrate(space.errors[None], steps=50, seed=1)
    expected = small.jacobian[:, 0] @ x[0] + small.residual[:, 0]
    assert np.abs(found[0] - expected).max() < 1e-11, np.abs(found[0] - expected).max()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds [5]")
    rounds = parser.parse_args().rounds
    pin(1)
    print(in_one_line(hardware()))
    rng = np.random.default_rng(0)
    jacobian = rng.normal(size=(SAMPLES, PARAMETERS)) / np.sqrt(PARAMETERS)
    residual = rng.normal(size=SAMPLES)
    check()
    begun = time.perf_counter()
    space = FunctionSpace(jacobian @ jacobian.T, residual, network_dim=PARAMETERS)
    print(f"Gram matrix, once: {time.perf_counter() - begun:.2f} s")
    engine = engine_for("cpu", SGD(RATE, BATCH).update(space), threads=1)
    engine.integrate(space.errors[None], steps=8, seed=0)
    loops, steps, replicas = 20, 500, 10
    taken: dict[str, list[float]] = {"NumPy over parameters": [], "one replica": [], "ten replicas": []}
    for seed in range(rounds):
        for name in taken:
            begun = time.perf_counter()
            if name == "NumPy over parameters":
                numpy_loop(jacobian, residual, loops, seed)
                count = loops
            else:
                count = replicas if name == "ten replicas" else 1
                engine.integrate(np.tile(space.errors, (count, 1)), steps=steps, seed=seed)
                count *= steps
            taken[name].append((time.perf_counter() - begun) / count)
    base = np.array(taken["NumPy over parameters"])
    print(f"{'contestant':24} {'us per step':>12} {'speed over NumPy':>18}")
    for name, seconds in taken.items():
        print(f"{name:24} {1e6 * np.median(seconds):12.2f} {np.median(base / np.array(seconds)):17.1f}x")


if __name__ == "__main__":
    main()
