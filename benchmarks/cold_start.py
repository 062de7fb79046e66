"""What it costs to begin: imports, --help, a first run that compiles and one that finds its kernel on disk.

    python -m benchmarks.cold_start --save

Each is a process of its own, from its start to its end; the cold run has an empty kernel cache, the warm one
the cache that it leaves behind. Given are processor seconds of the process and its children: on a quiet
machine wall clocks show the same, on a busy one they show the neighbours. The imports of packages that a run
cannot do without stand beside them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile

from benchmarks.contest import Goal, at_most
from benchmarks.findings import Finding, facts, publish
from benchmarks.machine import pin
from benchmarks.rounds import interleaved

SIMULATE = (
    "from simdyn import SGLD, simulate; from potentials import {landscape};"
    "simulate({landscape}({arguments}), SGLD({rate}, 0.1), start='{start}', paths=1000, steps=100, seed=1)"
)
DOUBLE_WELL = SIMULATE.format(landscape="double_well", arguments="", rate=0.01, start="x=-1")
STYBLINSKI_TANG = SIMULATE.format(landscape="styblinski_tang", arguments="dim=10", rate=0.001, start="-2")
UNTIL_PATHS_RUN = (
    "import os; from simdyn import SGLD, escape_time; from potentials import double_well;"
    "escape_time(double_well(), SGLD(0.01, 0.1), start='x=-1', exit='x >= 0', paths=1000, seed=1,"
    "            progress=lambda now: now.tally.path_steps and os._exit(0))"
)
"""Ends when some steps are done and seen, which progress is looked at for ten times a second."""
ESCAPE = ("-m", "simdyn.cli", "escape", "double_well", "--sgld", "learning_rate=0.01,temperature=0.1",
          "--start", "x=-1", "--exit", "x >= 0", "--paths", "1000")  # fmt: skip

ALWAYS: dict[str, tuple[tuple[str, ...], Goal | None]] = {
    "python, nothing imported": (("-c", ""), None),
    "import simdyn": (("-c", "import simdyn"), at_most(0.5)),
    "simdyn --help": (("-m", "simdyn.cli", "--help"), at_most(0.6)),
    "import numba": (("-c", "import numba"), None),
    "import sympy": (("-c", "import sympy"), None),
    "import xarray": (("-c", "import xarray"), None),
    "import numpy, sympy, xarray": (("-c", "import numpy, sympy, xarray"), None),
}
"""Name -> what Python is told, and the goal in seconds; these use no kernels."""

RUNS: dict[str, tuple[tuple[str, ...], Goal | None]] = {
    "escape_time, first steps, double well": (("-c", UNTIL_PATHS_RUN), at_most(1.0)),
    "simulate, double well": (("-c", DOUBLE_WELL), None),
    "simulate, 10-D Styblinski-Tang": (("-c", STYBLINSKI_TANG), None),
    "simdyn escape, double well": (ESCAPE, None),
}
"""The same for runs, cold and warm; the goal is for the warm one."""


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""An installed package is compiled to bytecode once; where that is turned off, as on many a machine that runs
tests, every process would compile simdyn anew."""


def seconds(command: tuple[str, ...], cache: str) -> float:
    """Processor time of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        env=ENVIRONMENT | {"SIMDYN_CACHE": cache},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def findings(rounds: int) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="simdyn-cold-start-") as folder:
        for command, _ in [*ALWAYS.values(), *RUNS.values()]:
            seconds(command, os.path.join(folder, "first"))  # Leaves bytecode.
        names, runs = [], []
        for name, (command, goal) in ALWAYS.items():
            names.append((name, goal))
            runs.append(lambda command=command: seconds(command, folder))
        for number, (name, (command, goal)) in enumerate(RUNS.items()):
            caches = [os.path.join(folder, f"{number}-{k}") for k in range(rounds + 1)]
            unused = iter(caches)
            names += [(f"{name}, cold", None), (f"{name}, warm", goal)]
            runs.append(lambda command=command, unused=unused: seconds(command, next(unused)))
            runs.append(lambda command=command, first=caches[0]: seconds(command, first))
        times = interleaved(runs, rounds)
    return [
        Finding(name, "processor s", found, goal) for (name, goal), found in zip(names, times, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_start", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/cold_start.json")
    arguments = parser.parse_args()
    before = facts()
    pin(1)
    publish("cold_start", findings(arguments.rounds), before, arguments.save)


if __name__ == "__main__":
    main()
