"""Cost of a path-step from 10^3 to 10^7 paths, and memory against the number of steps, on one thread.

    python -m benchmarks.path_scaling --save

Each measurement has a process of its own, so that its peak memory is its own. Times are processor times of a
whole call of `simulate` that records the last positions alone. Beside them stands what only a page of the
result costs: the system clears each page of fresh memory when it is first touched.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

from benchmarks.contest import at_most
from benchmarks.findings import Finding, facts, publish
from benchmarks.machine import pin
from benchmarks.rounds import ratios

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)
WORK = 10**8
"""Path-steps of one call."""

STEPS = 500
"""Least number of steps; with 10^7 paths that makes 5 10^9 path-steps, and some ten seconds."""

LENGTHS = (10**2, 10**3, 10**4)
"""Numbers of steps of the runs whose memory is compared, of `REMEMBERED` paths."""

REMEMBERED = 10**5


def measure_here(paths: int, steps: int) -> dict[str, float]:
    """Nanoseconds of a path-step, and megabytes: those before the run, and the peak."""
    pin(1)
    from potentials import double_well
    from simdyn import SGLD, simulate

    def run(paths: int, steps: int) -> None:
        simulate(
            double_well(), SGLD(0.01, 0.1), start="x=-1", paths=paths, steps=steps, record="final", threads=1
        )

    run(256, 8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun = time.process_time()
    run(paths, steps)
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"nanoseconds": seconds * 1e9 / (paths * steps), "before": before, "peak": peak}


def measure(paths: int, steps: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.path_scaling", "--worker", str(paths), str(steps)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(output))


def findings(rounds: int) -> list[Finding]:
    costs: dict[int, list[float]] = {paths: [] for paths in SIZES}
    peaks: dict[int, list[float]] = {paths: [] for paths in SIZES}
    lengths: dict[int, list[float]] = {steps: [] for steps in LENGTHS}
    for _ in range(rounds):
        for paths in SIZES:
            found = measure(paths, max(STEPS, WORK // paths))
            costs[paths].append(found["nanoseconds"])
            peaks[paths].append((found["peak"] - found["before"]) * 2**20 / paths)
        for steps in LENGTHS:
            lengths[steps].append(measure(REMEMBERED, steps)["peak"])
    result = [Finding(f"{paths:,} paths", "ns/path-step", tuple(found)) for paths, found in costs.items()]
    for paths in SIZES[1:]:
        relative = ratios(costs[paths], costs[10**5])
        result.append(Finding(f"{paths:,} paths / 100,000 paths", "ratio", relative, at_most(1.05)))
    for paths in SIZES[-2:]:
        result.append(Finding(f"{paths:,} paths, peak memory added", "bytes/path", tuple(peaks[paths])))
    for steps, found in lengths.items():
        result.append(Finding(f"{steps:,} steps of {REMEMBERED:,} paths, peak", "MB", tuple(found)))
    growth = ratios(lengths[LENGTHS[-1]], lengths[LENGTHS[0]])
    name = f"peak at {LENGTHS[-1]:,} steps / at {LENGTHS[0]:,} steps"
    return [*result, Finding(name, "ratio", growth, at_most(1.02))]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.path_scaling", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/path_scaling.json")
    parser.add_argument("--worker", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure_here(*arguments.worker)))
        return
    before = facts()
    publish("path_scaling", findings(arguments.rounds), before, arguments.save)


if __name__ == "__main__":
    main()
