"""Minibatch SGD on a linear regression beside C and Numba loops, on one thread.

1,000 samples of 20 numbers, batches of 10 without and with replacement, 1,000 replicas. The C loop draws with
xoshiro256++ and keeps a replica in registers; the Numba loop is the one that is written first. Both draw the
same kind of batch as simdyn. Before anything is timed the laws have to agree: the mean loss of the replicas
after the run, within 5 standard errors.

    python -m benchmarks.minibatch --rounds 9
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.machine import hardware, in_one_line, pin
from benchmarks.peers.c_loop import INT, REAL, SEED, library
from potentials import LinearisedNetwork
from simdyn import SGD
from simdyn.engines import engine_for

SAMPLES, DIM, BATCH, REPLICAS, STEPS, RATE = 1000, 20, 10, 1000, 300, 0.01
FUNCTIONS = {"without_replacement": "fresh_subset", "with_replacement": "independent_draws"}


@njit(cache=False)
def numba_loop(x, steps, rows, targets, batch, rate, distinct, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)  # noqa: NPY002 (what one writes first)
    n, dim = rows.shape
    chosen = np.empty(batch, np.int64)
    gradient = np.empty(dim)
    for path in range(x.shape[0]):
        for _ in range(steps):
            gradient[:] = 0.0
            for m in range(batch):
                known = True
                while known:
                    i = np.random.randint(n)  # noqa: NPY002
                    known = False
                    for k in range(m):
                        known |= distinct and chosen[k] == i
                chosen[m] = i
                error = -targets[i]
                for j in range(dim):
                    error += rows[i, j] * x[path, j]
                for j in range(dim):
                    gradient[j] += error * rows[i, j]
            for j in range(dim):
                x[path, j] -= rate / batch * gradient[j]


def contestants(sampling: str) -> dict[str, Callable[[int], np.ndarray]]:
    """Each takes a seed and returns the replicas after all steps, shape (REPLICAS, DIM)."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(SAMPLES, DIM))
    targets = rows @ rng.normal(size=DIM) + rng.normal(size=SAMPLES)
    network = LinearisedNetwork(rows, -targets)
    update = SGD(RATE, BATCH, sampling=sampling).update(network)
    engine = engine_for("cpu", update, threads=1)

    def simdyn(seed: int) -> np.ndarray:
        return engine.integrate(np.zeros((REPLICAS, DIM)), steps=STEPS, seed=seed)

    def c_loop(seed: int) -> np.ndarray:
        x = np.zeros((REPLICAS, DIM))
        function = library("linear_regression")[FUNCTIONS[sampling]]
        function.restype = None
        pointers: list[Any] = [ctypes.c_void_p(array.ctypes.data) for array in (x, rows, targets)]
        shape = INT(REPLICAS), INT(STEPS)
        function(pointers[0], *shape, *pointers[1:], INT(SAMPLES), INT(BATCH), REAL(RATE), SEED(seed))
        return x

    def numba(seed: int) -> np.ndarray:
        x = np.zeros((REPLICAS, DIM))
        numba_loop(x, STEPS, rows, targets, BATCH, RATE, sampling == "without_replacement", seed)
        return x

    def agree(samples: list[np.ndarray]) -> None:
        losses = [network.energy(x) for x in samples]
        means = [loss.mean() for loss in losses]
        errors = [loss.std() / np.sqrt(REPLICAS) for loss in losses]
        for mean, error in zip(means[1:], errors[1:], strict=True):
            assert abs(mean - means[0]) < 5 * np.hypot(error, errors[0]), (means, errors)

    found = {"simdyn": simdyn, "C, xoshiro256++": c_loop, "Numba loop": numba}
    agree([run(1) for run in found.values()])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds [9]")
    rounds = parser.parse_args().rounds
    pin(1)
    print(in_one_line(hardware()))
    print(f"{'sampling':20} {'contestant':18} {'ns per replica-step':>20} {'time over simdyn':>18}")
    for sampling in FUNCTIONS:
        runs = contestants(sampling)
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for seed in range(rounds):
            for name, run in runs.items():
                begun = time.perf_counter()
                run(seed)
                seconds[name].append(time.perf_counter() - begun)
        for name, taken in seconds.items():
            share = np.median(np.array(taken) / np.array(seconds["simdyn"]))
            cost = 1e9 * np.median(taken) / (REPLICAS * STEPS)
            print(f"{sampling:20} {name:18} {cost:20.1f} {share:17.2f}x")


if __name__ == "__main__":
    main()
