"""simdyn's GPU engine beside JAX and PyTorch on the same GPU, and beside all cores of the CPU.

    pip install ".[cuda12]" "jax[cuda12]" torch
    python -m benchmarks.gpu --save

Needs a GPU. Times are wall clocks of whole calls, with the copy of the results to the host.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from importlib import import_module

from benchmarks.contest import PeerUnavailable
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
        workload = replace(WORKLOADS[name], goals={}, peers=None)  # the goals are for one thread of a CPU
        tables.append((workload, measure(workload, offers, arguments.rounds, _tell)))
    facts = {"GPU": CupyDevice().name, "GPUs": str(CupyDevice.count()), **hardware()}
    report = Report(now(), threads, arguments.rounds, facts, software() | _cuda(), skipped, tables)
    print(report.text())
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "gpu.md").write_text(report.markdown() + "\n")
        (RESULTS / "gpu.json").write_text(report.json())


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
