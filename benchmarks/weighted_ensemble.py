"""Weighted ensemble by WESTPA beside splitting: one mean escape time, and what each takes for the same error.

    pip install westpa
    python -m benchmarks.weighted_ensemble --save     # also writes results/weighted_ensemble.md; minutes

SGLD in the quartic well with a barrier of ten times the noise. WESTPA runs as its documentation has it: bins
along the coordinate, a fixed number of walkers in each, and walkers that have left begin anew at the minimum;
in the steady state the mean time is one over the flux. It moves all walkers of a round with one NumPy
expression. Several independent runs give the interval; the first rounds of each, in which the flux grows, are
left out of the mean, but not out of the cost. Path-steps are what is compared: the time of WESTPA is mostly
spent on keeping every walker of every round in a file, which it does for simulations that cost seconds a
step.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

try:
    from westpa.core.binning import RectilinearBinMapper
    from westpa.core.propagators import WESTPropagator
    from westpa.core.systems import WESTSystem
except ImportError:
    sys.exit("WESTPA is not installed; pip install westpa")

LEARNING_RATE, BARRIER, RATIO = 0.01, 0.25, 10.0
NOISE = BARRIER / RATIO
STEPS = 20
"""Of a round."""
EDGES = np.linspace(-1.0, 0.0, 21)
WALKERS = 20
"""In each bin."""
ROUNDS, UNSETTLED = 300, 100
RUNS = 6
TARGET = 0.05
SEED = "SIMDYN_WALKERS_SEED"
CONFIGURATION = """
west:
  system:
    driver: benchmarks.weighted_ensemble.Well
  propagation:
    max_total_iterations: {rounds}
    max_run_wallclock: 10:00:00
    propagator: benchmarks.weighted_ensemble.Langevin
    gen_istates: false
    block_size: 100000
  data:
    west_data_file: west.h5
"""
RECYCLED = 3
"""What WESTPA notes as the end of a walker that has reached the target."""


class Well(WESTSystem):  # type: ignore[misc]
    """The coordinate of the quartic well, in bins from the minimum to the saddle."""

    def initialize(self) -> None:
        self.pcoord_ndim, self.pcoord_len, self.pcoord_dtype = 1, 2, np.float64
        self.bin_mapper = RectilinearBinMapper([[-math.inf, *EDGES, math.inf]])
        self.bin_target_counts = np.full(self.bin_mapper.nbins, WALKERS, dtype=int)


class Langevin(WESTPropagator):  # type: ignore[misc]
    """The chain of SGLD; who has left stays where it landed until the round is over."""

    def __init__(self, rc=None) -> None:  # type: ignore[no-untyped-def]
        super().__init__(rc)
        self._random = np.random.default_rng(int(os.environ.get(SEED, "0")))

    def get_pcoord(self, state) -> None:  # type: ignore[no-untyped-def]
        state.pcoord = np.array([-1.0])

    def propagate(self, segments):  # type: ignore[no-untyped-def]
        x = np.array([segment.pcoord[0, 0] for segment in segments])
        spread = math.sqrt(2 * LEARNING_RATE * NOISE)
        for _ in range(STEPS):
            moved = x - LEARNING_RATE * (x**3 - x) + spread * self._random.standard_normal(len(x))
            x = np.where(x >= 0.0, x, moved)
        for segment, end in zip(segments, x, strict=True):
            segment.pcoord[1, 0] = end
            segment.status = segment.SEG_STATUS_COMPLETE
        return segments


@dataclass(frozen=True)
class Run:
    """The mean flux of the settled rounds of one run, in walkers a step, and the steps of all its walkers."""

    flux: float
    path_steps: int


def run_westpa(seed: int) -> Run:
    """One run, in processes of their own."""
    import h5py

    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "west.cfg").write_text(CONFIGURATION.format(rounds=ROUNDS))
        environment = {
            **os.environ,
            SEED: str(seed),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
        }
        for command in (
            ["w_init", "--bstate", "minimum,1.0", "--tstate", "out,0.5"],
            ["w_run", "--work-manager", "serial"],
        ):
            subprocess.run(
                [str(tools / command[0]), *command[1:]],
                cwd=folder, env=environment, check=True, capture_output=True,
            )  # fmt: skip
        flux, walkers = [], 0
        with h5py.File(Path(folder, "west.h5"), "r") as record:
            for number in range(1, ROUNDS + 1):
                segments = record[f"iterations/iter_{number:08d}/seg_index"][:]
                walkers += len(segments)
                out = segments["endpoint_type"] == RECYCLED
                flux.append(float(segments["weight"][out].sum()) / STEPS)
    return Run(float(np.mean(flux[UNSETTLED:])), walkers * STEPS)


def record(save: bool) -> None:
    """Run both, print what came out, and keep it if asked to."""
    import westpa

    from benchmarks.findings import RESULTS, facts
    from benchmarks.machine import in_one_line
    from potentials import double_well
    from simdyn import SGLD, escape_time

    before = facts()
    begun = time.perf_counter()
    runs = [run_westpa(seed) for seed in range(1, RUNS + 1)]
    seconds = time.perf_counter() - begun
    flux = np.array([run.flux for run in runs])
    mean, error = 1 / flux.mean(), float(flux.std(ddof=1) / math.sqrt(RUNS) / flux.mean())
    steps = sum(run.path_steps for run in runs)
    split = escape_time(
        double_well(), SGLD(LEARNING_RATE, NOISE), "x=-1", "x >= 0",
        method="splitting", paths=400_000, target_error=TARGET, seed=1,
    )  # fmt: skip
    assert split.reference is not None
    exact = split.reference.value
    rows = [
        (f"WESTPA {westpa.__version__}, {RUNS} runs", mean, error, steps, seconds),
        ("splitting", split.value, split.measurement.relative_error, split.steps_done, split.seconds),
    ]
    machine, software = (in_one_line(before[part]) for part in ("hardware", "software"))  # type: ignore[arg-type]
    lines = [
        "# Weighted ensemble beside splitting\n",
        f"- Date: {before['date']}",
        f"- Machine: {machine}",
        f"- Versions: {software}",
        f"- SGLD in the quartic well, learning rate {LEARNING_RATE:g}, barrier / noise {RATIO:g}, from -1 to "
        f"0; exactly {exact:.6g} steps",
        f"- WESTPA: {len(EDGES) + 1} bins of {WALKERS} walkers, rounds of {STEPS} steps, {ROUNDS} of them, "
        f"the first {UNSETTLED} left out of the mean",
        f"- The error of WESTPA is that of {RUNS} runs: its cost is known to within a factor of some three\n",
        "| | mean steps | over exact | standard errors off | relative error | path-steps "
        f"| for {TARGET:.0%} | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, value, off, spent, took in rows:
        cells = (
            name,
            f"{value:.4g}",
            f"{value / exact:.3f}",
            f"{math.log(value / exact) / off:+.1f}",
            f"{off:.1%}",
            f"{spent:.2g}",
            f"{spent * (off / TARGET) ** 2:.2g}",
            f"{took:.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    text = "\n".join(lines) + "\n"
    print(text)
    if save:
        (RESULTS / "weighted_ensemble.md").write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.weighted_ensemble", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--save", action="store_true", help="write results/weighted_ensemble.md")
    record(parser.parse_args().save)
