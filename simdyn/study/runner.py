"""Run a study: every cell once, each kept as soon as it is finished, then figures, claims and the report."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simdyn.engines.threads import default_threads
from simdyn.errors import InputError
from simdyn.plotting.style import FORMATS, figure_bytes
from simdyn.results import versions
from simdyn.study.claims import Claim, claims_text
from simdyn.study.definition import Grid, Size, Study, StudyFigure, settings_record
from simdyn.study.interrupt import noticed
from simdyn.study.pools import Lent, Pool, cluster, processes
from simdyn.study.progress import Progress, SilentProgress
from simdyn.study.results import Results, collect, csv_text, write_netcdf
from simdyn.study.storage import FIGURES, Manifest, StudyFolder, open_existing, open_folder
from simdyn.study.sweep import Waiting, sweep_here, sweep_in_pool, waiting_cells
from simdyn.study.work import Job, StudySource
from simdyn.whole_files import make_folder, replace_atomically, write_atomically


@dataclass(frozen=True)
class Findings:
    """What a finished run leaves: the results and what was concluded and drawn from them."""

    results: Results
    claims: tuple[Claim, ...]
    figures: tuple[StudyFigure, ...]


def run_study(
    study: Study[Any],
    out: Path,
    *,
    size: Size = "full",
    seed: int = 0,
    threads: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    spread: bool = False,
    origin: str | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Compute the cells that `out` does not hold yet, then write all outputs there.

    Interrupted at any moment, finished cells stay, and the same call goes on; the results are then the same
    to the bit as those of an undisturbed run, wherever the cells were computed.

    Parameters
    ----------
    threads
        Threads of each cell. By default all in this process; the cores divided by `workers`; 1 elsewhere.
    overrides
        Settings that replace those of the study, by name.
    workers
        Run the cells in so many processes. They start afresh, so a script that asks for them must guard its
        own work with `if __name__ == "__main__"`.
    scheduler
        Address of a Dask scheduler to run the cells on instead.
    executor
        Any executor of `concurrent.futures` to run the cells on instead; it stays yours to shut down. How
        many units of work it gets at a time follows from `workers` if given, else from its own number.
    spread
        Where cells run in this process: whether those that use one thread whatever they are given
        (`Grid.one_thread`) run in as many processes instead, which start afresh as those of `workers` do. The
        shell does so.
    origin
        What to give to `simdyn study run` to get this study, if that is not its name: its file.

    Raises
    ------
    InputError
        If a number is out of range, the folder cannot be used, or a shard in it is damaged.
    """
    if seed < 0:
        raise InputError(f"the seed is {seed}; give an integer that is not negative")
    if threads is not None and threads < 1:
        raise InputError(f"the number of threads is {threads}; give at least 1")
    progress = progress or SilentProgress()
    settings = study.settings(size, overrides)
    grids = study.checked_grids(settings)
    pool, threads = _pool(workers, scheduler, executor, threads)
    manifest = Manifest(
        study=study.name,
        origin=origin or study.name,
        size=size,
        settings=settings_record(settings),
        entropy=seed,
        problem=_problem(study, grids),
        versions=versions(),
        overrides=dict(overrides or {}),
    )
    with open_folder(out, manifest) as folder:
        _run_cells(study, folder, grids, threads, pool, spread, progress)
        return write_outputs(study, collect(folder, grids), out)


def report_study(study: Study[Any], out: Path) -> Findings:
    """Draw, judge and write everything anew from the shards in `out`, without measuring.

    Raises
    ------
    InputError
        If `out` does not hold a finished run of `study`, or a shard in it is damaged.
    """
    with open_existing(out) as folder:
        if folder.manifest.study != study.name:
            raise InputError(
                f"{out} holds the study {folder.manifest.study}, not {study.name}; name that one"
            )
        settings = study.stored_settings(folder.manifest.settings)
        return write_outputs(study, collect(folder, study.checked_grids(settings)), out)


def conclude(study: Study[Any], results: Results) -> Findings:
    """Figures and claims from results alone."""
    settings = study.stored_settings(results.manifest.settings)
    return Findings(results, tuple(study.claims(results, settings)), tuple(study.figures(results, settings)))


def write_outputs(study: Study[Any], results: Results, out: Path) -> Findings:
    """Write results.nc, results.csv, claims.json, figures/ and report.html into `out`."""
    from simdyn.study.report import report_html

    findings = conclude(study, results)
    replace_atomically(out / "results.nc", lambda path: write_netcdf(results, path))
    write_atomically(out / "results.csv", csv_text(results).encode())
    write_atomically(out / "claims.json", claims_text(findings.claims).encode())
    make_folder(out / FIGURES)
    drawings = {}
    for drawn in findings.figures:
        salt = f"{study.name}.{drawn.name}"
        files = {ending: figure_bytes(drawn.figure, ending[1:], salt) for ending in FORMATS}
        for ending, content in files.items():
            write_atomically(out / FIGURES / f"{drawn.name}{ending}", content)
        drawings[drawn.name] = files[".svg"].decode()
    write_atomically(out / "report.html", report_html(study, findings, drawings).encode())
    return findings


def _run_cells(
    study: Study[Any],
    folder: StudyFolder,
    grids: tuple[Grid, ...],
    threads: int | None,
    pool: AbstractContextManager[Pool] | None,
    spread: bool,
    progress: Progress,
) -> None:
    cells = _next_cells(study, folder, grids, progress)
    if not cells:
        return
    job = Job(
        source=StudySource(study=study) if pool is None else StudySource.of(study),
        settings=folder.manifest.settings,
        entropy=folder.manifest.entropy,
        quantities={grid.name: tuple(quantity.name for quantity in grid.quantities) for grid in grids},
        threads=threads,
        in_units=frozenset(grid.name for grid in grids if grid.budget is not None),
    )
    if pool is None:
        width = default_threads(threads)
        apart = {grid.name for grid in grids if spread and width > 1 and grid.one_thread and not grid.budget}
        aside = [waiting for waiting in cells if waiting.cell[0] in apart]
        with noticed() as interrupt:
            while here := [waiting for waiting in cells if waiting.cell[0] not in apart]:
                sweep_here(study, folder, here, job, progress, interrupt)
                cells = _further_cells(study, folder, grids, progress)
        if aside:
            apart_job = replace(job, source=StudySource.of(study), threads=1)
            with processes(min(width, len(aside))) as workers:
                sweep_in_pool(folder, aside, apart_job, workers, progress)
    else:
        with pool as workers:
            while cells:
                sweep_in_pool(folder, cells, job, workers, progress)
                cells = _further_cells(study, folder, grids, progress)


def _next_cells(
    study: Study[Any], folder: StudyFolder, grids: tuple[Grid, ...], progress: Progress
) -> list[Waiting]:
    """What is to be measured now, announced."""
    cells = waiting_cells(folder, grids)
    left = Counter(waiting.cell[0] for waiting in cells)
    progress.study_started(study.name, left, cells[0].place.total if cells else sum(g.size for g in grids))
    return cells


def _further_cells(
    study: Study[Any], folder: StudyFolder, grids: tuple[Grid, ...], progress: Progress
) -> list[Waiting]:
    """More units of cells that have not met their target."""
    if all(grid.budget is None for grid in grids) or not waiting_cells(folder, grids):
        return []
    return _next_cells(study, folder, grids, progress)


def _pool(
    workers: int | None, scheduler: str | None, executor: Executor | None, threads: int | None
) -> tuple[AbstractContextManager[Pool] | None, int | None]:
    """Where to run, and the threads of a cell there: all, or a worker's share of them."""
    if workers is not None and workers < 1:
        raise InputError(f"the number of workers is {workers}; give at least 1")
    if scheduler is not None and (executor is not None or workers is not None):
        raise InputError(
            f"the scheduler {scheduler} has workers of its own; give it without workers and executor"
        )
    if scheduler is not None:
        return cluster(scheduler, f"simdyn-{os.getpid()}-{time.time_ns()}"), threads or 1
    if executor is not None:
        return nullcontext(Lent(executor, workers)), threads or 1
    if workers is not None:
        return processes(workers), threads or max(1, default_threads(None) // workers)
    return None, threads


def _problem(study: Study[Any], grids: tuple[Grid, ...]) -> dict[str, Any]:
    return {
        "title": study.title,
        "source": study.source,
        "grids": {
            grid.name: {
                dimension.name: {"unit": dimension.unit, "values": list(dimension.values)}
                for dimension in grid.dimensions
            }
            for grid in grids
        },
    }
