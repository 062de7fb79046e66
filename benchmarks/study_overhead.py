"""What a study costs besides its cells: wall-clock time against the time that the cells alone take.

Run as `python -m benchmarks.study_overhead`. Cells sleep, so that the machine's load matters little; the
overhead is that of seeding, units, storing and (with workers) sending, without the start of the workers.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from simdyn.study import Dimension, Grid, Quantity, SilentProgress, Study, run_study


@dataclass(frozen=True)
class Settings:
    cells: int
    seconds: float


def grids(settings):
    return [Grid("naps", "Naps", [Dimension("cell", range(settings.cells))], [Quantity("slept", "s")])]


def cell(grid, parameters, seed, settings, execution):
    began = time.perf_counter()
    time.sleep(settings.seconds)
    return {"slept": time.perf_counter() - began}


class FirstToLast(SilentProgress):
    """Notes when the first and the last cell were finished."""

    first = last = None

    def cell_finished(self, cell, seconds):
        self.last = time.perf_counter()
        self.first = self.first or self.last


def overhead(cells, seconds, workers):
    """Relative overhead, after the first cell."""
    progress = FirstToLast()
    with tempfile.TemporaryDirectory() as folder:
        findings = run_study(
            STUDY,
            Path(folder) / "out",
            overrides={"cells": cells, "seconds": seconds},
            workers=workers,
            progress=progress,
        )
    slept = float(findings.results["naps"]["slept"].sum()) * (cells - 1) / cells
    return (progress.last - progress.first) * (workers or 1) / slept - 1


def nothing(results, settings):
    """No figures and no claims."""
    return []


STUDY = Study(
    name="naps",
    title="Naps",
    source="",
    summary="",
    methods="",
    quick=Settings(10, 0.01),
    full=Settings(10, 0.01),
    grids=grids,
    cell=cell,
    figures=nothing,
    claims=nothing,
)


def main():
    for workers in (None, 2):
        for cells, seconds in ((2000, 0.002), (400, 0.02), (40, 0.2)):
            where = "in process" if workers is None else f"{workers} workers"
            share = 100 * overhead(cells, seconds, workers)
            print(f"{where:12} cells of {1000 * seconds:6.0f} ms: {share:5.1f} %")


if __name__ == "__main__":
    main()
