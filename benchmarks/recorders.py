"""What recording costs, and what a path-step costs in ensembles of different size.

    python -m benchmarks.recorders

Times are processor times of one process on one thread, so that other processes on the machine matter less.
They hold all of a call of `simulate`, from the formula to the dataset.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from benchmarks.machine import hardware, in_one_line, now, pin, software
from benchmarks.rounds import interleaved

SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)
WORK = 10**8
"""Path-steps of one call, where that makes at least `LEAST_STEPS` steps."""

LEAST_STEPS = 500

_SHORT, _LONG = 32_768, 131_072
"""Steps of runs whose difference in time is that of steps alone."""

RECORDS: dict[str, tuple[str, ...]] = {
    "final": ("final",),
    "moments": ("final", "moments"),
    "histogram": ("final", "histogram"),
    "snapshots": ("final", "snapshots"),
    "all of them": ("final", "moments", "histogram", "snapshots"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recorders", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    arguments = parser.parse_args()
    pin(1)
    print(f"Date: {now()}\nMachine: {in_one_line(hardware())}\nVersions: {in_one_line(software())}")
    print_costs(arguments.rounds)
    print_long_runs(arguments.rounds)
    print_sizes(arguments.rounds)


def problems() -> dict[str, dict[str, Any]]:
    """What `simulate` is asked; 1,000 steps, of which every 50th is recorded by default."""
    from potentials import double_well, styblinski_tang
    from simdyn import SGLD

    return {
        "1-D double well": {
            "potential": double_well(), "dynamics": SGLD(0.01, 0.1), "start": "x=-1",
            "paths": 200_000, "steps": 1_000,
        },
        "10-D Styblinski-Tang": {
            "potential": styblinski_tang(dim=10), "dynamics": SGLD(1e-3, 1.0), "start": "-2",
            "paths": 20_000, "steps": 1_000,
        },
    }  # fmt: skip


def nanoseconds(**question: Any) -> float:
    """Processor time of one path-step."""
    from simdyn import simulate

    begun = time.process_time()
    data = simulate(**question, threads=1)
    return (time.process_time() - begun) * 1e9 / float(data.attrs["path_steps"])


def print_costs(rounds: int) -> None:
    """Time with a recorder over time without, at the default `every`."""
    print(f"\n{'':24}{'final only, ns':>16}" + "".join(f"{name:>14}" for name in list(RECORDS)[1:]))
    for title, question in problems().items():
        runs = [partial(nanoseconds, **question, record=list(record)) for record in RECORDS.values()]
        bare, *others = interleaved(runs, rounds)
        ratios = [median(mine / base for mine, base in zip(times, bare, strict=True)) for times in others]
        print(f"{title:24}{median(bare):>16.3f}" + "".join(f"{ratio - 1:>+14.1%}" for ratio in ratios))


def print_long_runs(rounds: int) -> None:
    """Time of `stationary` over that of `simulate`, per step of runs that go on; what does not grow with
    their length is left out. First with looks as far apart as it chooses, then with closer ones."""
    from simdyn import simulate, stationary

    closer = (256, 64)
    heads = ["by itself", *(f"{every} apart" for every in closer)]
    print(f"\n{'stationary / simulate - 1':28}{'apart':>8}" + "".join(f"{head:>14}" for head in heads))
    for title, question in {**problems(), "2-D, two basins": _two_basins()}.items():
        problem = {**question, "paths": 4_096, "threads": 1}
        long = {**problem, "exact": False}
        runs = [partial(_marginal, simulate, problem), partial(_marginal, stationary, long)]
        runs += [partial(_marginal, stationary, {**long, "every": every}) for every in closer]
        bare, *others = interleaved(runs, rounds)
        ratios = [median(mine / base for mine, base in zip(times, bare, strict=True)) for times in others]
        apart = stationary(**{**long, "steps": _LONG}).problem["every"]
        print(f"{title:28}{apart:>8}" + "".join(f"{ratio - 1:>+14.1%}" for ratio in ratios))


def _two_basins() -> dict[str, Any]:
    from potentials import Potential
    from simdyn import SGLD

    return {
        "potential": Potential("(x**2 - 1)**2/4 + y**2/2 + x*y/4"), "dynamics": SGLD(0.01, 0.1),
        "start": "0.9, 0",
    }  # fmt: skip


def _marginal(question: Callable[..., Any], settings: dict[str, Any]) -> float:
    """Processor time that a long run takes beyond a short one."""
    times = []
    for steps in (_SHORT, _LONG):
        begun = time.process_time()
        question(**{**settings, "steps": steps})
        times.append(time.process_time() - begun)
    return times[1] - times[0]


def print_sizes(rounds: int) -> None:
    """Time per path-step against the number of paths."""
    question = problems()["1-D double well"]
    print(f"\n{'paths':>12}{'steps':>10}{'final only, ns':>16}{'moments, ns':>14}   1-D double well")
    runs: list[Callable[[], float]] = []
    for paths in SIZES:
        size = {**question, "paths": paths, "steps": max(LEAST_STEPS, WORK // paths)}
        runs += [partial(nanoseconds, **size, record=record) for record in ("final", "moments")]
    times = [median(found) for found in interleaved(runs, rounds)]
    for k, paths in enumerate(SIZES):
        steps = max(LEAST_STEPS, WORK // paths)
        print(f"{paths:>12,}{steps:>10,}{times[2 * k]:>16.3f}{times[2 * k + 1]:>14.3f}")


if __name__ == "__main__":
    main()
