"""Thread scaling of simdyn, and start-up time of a shell command, each in clean processes.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --command 'python -m simdyn.cli escape "x**4/4 - x**2/2" ...'

A process that has run torch or JAX may lose a core to their thread pools, so every measurement here has a
process of its own that imports nothing but simdyn.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from statistics import median

from benchmarks.machine import hardware, in_one_line, now, pin, software
from benchmarks.workloads import WORKLOADS

SCALED = ("double_well", "double_well_absorption", "styblinski_tang_10d")
CALLS = 5
"""Timed calls in each process, after one that compiles."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="thread count compared with one (default 2)")
    parser.add_argument("--command", help="a shell command; its start-up time is measured instead")
    parser.add_argument("--worker", choices=WORKLOADS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(nanoseconds_here(arguments.worker, arguments.threads))
        return
    print(f"Date: {now()}\nMachine: {in_one_line(hardware())}\nVersions: {in_one_line(software())}")
    if arguments.command:
        print_start_up(arguments.command, arguments.rounds)
    else:
        print_scaling(arguments.threads, arguments.rounds)


def print_scaling(threads: int, rounds: int) -> None:
    """One process with one thread on one core, one with several on as many cores, in turns."""
    headings = (
        f"{'1 thread, ns':>14s}{f'{threads} threads, ns':>16s}{'speed-up':>10s}{'least':>8s}{'most':>8s}"
    )
    print(f"\n{'':24s}{headings}")
    for workload in SCALED:
        one, many = [], []
        for _ in range(rounds):
            one.append(nanoseconds_elsewhere(workload, 1))
            many.append(nanoseconds_elsewhere(workload, threads))
        gains = [a / b for a, b in zip(one, many, strict=True)]
        print(
            f"{workload:24s}{median(one):14.3f}{median(many):16.3f}"
            f"{median(gains):10.2f}{min(gains):8.2f}{max(gains):8.2f}"
        )


def nanoseconds_elsewhere(workload: str, threads: int) -> float:
    """Time per path-step, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--worker", workload, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def nanoseconds_here(name: str, threads: int) -> float:
    """Time per path-step in this process: median of `CALLS` calls."""
    pin(threads)
    from benchmarks.peers.simdyn_cpu import contestants

    workload = WORKLOADS[name]
    run = next(contestant.run for contestant in contestants(workload, threads) if contestant.base)
    run(0)
    times = []
    for seed in range(1, CALLS + 1):
        begin = time.perf_counter()
        sample = run(seed)
        times.append((time.perf_counter() - begin) * 1e9 / workload.path_steps(sample))
    return median(times)


def print_start_up(command: str, rounds: int) -> None:
    """Seconds of wall clock: with an empty kernel cache, and again with the cache that this left behind."""
    cold, warm = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="simdyn-start-up-") as cache:
            cold.append(seconds_of(command, cache))
            warm.append(seconds_of(command, cache))
    print(f"\n{command}\n{'':6s}{'median, s':>12s}{'least':>8s}{'most':>8s}")
    for name, seconds in (("cold", cold), ("warm", warm)):
        print(f"{name:6s}{median(seconds):12.2f}{min(seconds):8.2f}{max(seconds):8.2f}")


def seconds_of(command: str, cache: str) -> float:
    """Run the command to its end, its output thrown away, with the kernel cache in the given folder."""
    words = shlex.split(command)
    if words[0] == "python":
        words[0] = sys.executable
    begin = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"SIMDYN_CACHE": cache})
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
