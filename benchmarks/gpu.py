"""simdyn's GPU engine beside JAX and PyTorch on the same GPU, and beside all cores of the CPU.

    pip install ".[cuda12]" "jax[cuda12]" torch
    python -m benchmarks.gpu --save

Needs a GPU. Times of peers are wall clocks of whole calls, with the copy of the results to the host; rates of
the device are between the copies.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module

from benchmarks.contest import PeerUnavailable, at_least
from benchmarks.findings import RESULTS
from benchmarks.machine import hardware, now, software
from benchmarks.workloads import WORKLOADS

CHOSEN = ("double_well", "double_well_absorption", "styblinski_tang_10d")
JAX_PATHS = 4_000_000
PEERS = {"simdyn": "simdyn_gpu", "simdyn on the CPU": "simdyn_cpu", "jax": "jax_scan", "torch": "torch_gpu"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/gpu.md and gpu.json")
    arguments = parser.parse_args()
    from benchmarks.measurement import measure
    from benchmarks.report import Report
    from simdyn.engines.device import CupyDevice, missing_device

    if reason := missing_device():
        raise SystemExit(f"There is no GPU to measure: {reason}.")
    threads = len(os.sched_getaffinity(0))
    offers, skipped = [], {}
    for peer, module in PEERS.items():
        try:
            offer = import_module(f"benchmarks.peers.{module}").contestants
            if peer == "jax":
                offer = partial(offer, paths=JAX_PATHS)
            offers.append(partial(_on_this_machine, peer, offer, threads))
        except (PeerUnavailable, ModuleNotFoundError) as error:
            skipped[peer] = str(error)
    tables = []
    for name in CHOSEN:
        # The goals of the workload are for one thread of a CPU.
        goals = {"JAX scan": at_least(10.0)} if WORKLOADS[name].exit_above is None else {}
        workload = replace(WORKLOADS[name], goals=goals, peers=None)
        tables.append((workload, measure(workload, offers, arguments.rounds, _tell)))
    facts = {"GPU": CupyDevice().name, "GPUs": str(CupyDevice.count()), **hardware()}
    report = Report(now(), threads, arguments.rounds, facts, software() | _cuda(), skipped, tables)
    alone = list(_alone(arguments.rounds))
    print("\n".join([report.text(), *alone]))
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "gpu.md").write_text("\n".join([report.markdown(), *alone]) + "\n")
        (RESULTS / "gpu.json").write_text(report.json())


def _alone(rounds: int) -> Iterator[str]:
    """What one device does by itself, as Markdown."""
    import cupy
    import numpy as np

    from benchmarks.device_rates import HEADING, bound_on, many_escapes, rates
    from potentials import double_well
    from simdyn.dynamics import SGLD
    from simdyn.engines.gpu import GpuEngine
    from simdyn.exits import resolve_exit

    device = cupy.cuda.Device(0)
    clock = device.attributes["ClockRate"] * 1e3
    processors = device.attributes["MultiProcessorCount"]
    yield f"\n## The device by itself\n\n{processors} multiprocessors at up to {clock / 1e9:.2f} GHz.\n"
    yield HEADING
    for rate in rates(GpuEngine, bound_on(f"sm_{device.compute_capability}", processors, clock), rounds):
        _tell(rate.line())
        yield rate.line()
    well, start = double_well(), np.array([-1.0])
    yield "\n" + many_escapes(SGLD(0.1, 1.0).update(well), resolve_exit("x >= 0", well, start), start)


def _on_this_machine(peer, offer, threads, workload):  # type: ignore[no-untyped-def]
    """What a peer offers; the CPU's contestants are no base here and say where they run."""
    found = offer(workload, threads)
    if peer == "simdyn on the CPU":
        return [replace(c, name=f"{c.name} on {threads} CPU cores", base=False) for c in found]
    return found


def _cuda() -> dict[str, str]:
    import cupy

    runtime = cupy.cuda.runtime
    return {
        "cupy": cupy.__version__,
        "CUDA driver": str(runtime.driverGetVersion()),
        "CUDA runtime": str(runtime.runtimeGetVersion()),
    }


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
