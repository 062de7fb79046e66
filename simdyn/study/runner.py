"""Run a study: every cell once, each kept as soon as it is finished, then figures, claims and the report."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simdyn.errors import InputError
from simdyn.plotting.style import FORMATS, figure_bytes
from simdyn.results import versions
from simdyn.study.atomic import replace_atomically, write_atomically
from simdyn.study.claims import Claim, claims_text
from simdyn.study.definition import (
    Execution,
    Grid,
    Parameters,
    Size,
    Study,
    StudyFigure,
    Value,
    plain_value,
    settings_record,
)
from simdyn.study.progress import Progress, SilentProgress
from simdyn.study.results import Results, collect, csv_text, write_netcdf
from simdyn.study.seeds import cell_seed
from simdyn.study.storage import Manifest, Shard, StudyFolder, open_existing, open_folder


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
    origin: str | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Compute the cells that `out` does not hold yet, then write all outputs there.

    Interrupted at any moment, finished cells stay, and the same call goes on; the results are then the same
    to the bit as those of an undisturbed run.

    Parameters
    ----------
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
    settings = study.settings(size)
    grids = study.checked_grids(settings)
    manifest = Manifest(
        study=study.name,
        origin=origin or study.name,
        size=size,
        settings=settings_record(settings),
        entropy=seed,
        problem=_problem(study, grids),
        versions=versions(),
    )
    with open_folder(out, manifest) as folder:
        _run_cells(study, folder, grids, settings, Execution(threads, progress))
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
        settings = study.settings(folder.manifest.size)
        if settings_record(settings) != folder.manifest.settings:
            raise InputError(
                f"{out} was computed with other settings than the study {study.name} has now; run it again "
                "into another --out"
            )
        return write_outputs(study, collect(folder, study.checked_grids(settings)), out)


def conclude(study: Study[Any], results: Results) -> Findings:
    """Figures and claims from results alone."""
    settings = study.settings(results.manifest.size)
    return Findings(results, tuple(study.claims(results, settings)), tuple(study.figures(results, settings)))


def write_outputs(study: Study[Any], results: Results, out: Path) -> Findings:
    """Write results.nc, results.csv, claims.json, figures/ and report.html into `out`."""
    from simdyn.study.report import report_html

    findings = conclude(study, results)
    replace_atomically(out / "results.nc", lambda path: write_netcdf(results, path))
    write_atomically(out / "results.csv", csv_text(results).encode())
    write_atomically(out / "claims.json", claims_text(findings.claims).encode())
    drawings = {}
    for drawn in findings.figures:
        salt = f"{study.name}.{drawn.name}"
        files = {ending: figure_bytes(drawn.figure, ending[1:], salt) for ending in FORMATS}
        for ending, content in files.items():
            write_atomically(out / "figures" / f"{drawn.name}{ending}", content)
        drawings[drawn.name] = files[".svg"].decode()
    write_atomically(out / "report.html", report_html(study, findings, drawings).encode())
    return findings


def measure_cell(
    study: Study[Any],
    grid: Grid,
    parameters: Parameters,
    entropy: int,
    settings: object,
    execution: Execution,
) -> Shard:
    """Measure one cell; a pure function of all but `execution`, wherever it runs.

    Raises
    ------
    TypeError
        If the study's cell function returns what cannot be stored.
    KeyError
        If it leaves out a quantity that the grid declares.
    """
    began = time.perf_counter()
    seed = cell_seed(entropy, grid.name, parameters)
    try:
        measured = study.cell(grid.name, dict(parameters), seed, settings, execution)
        values: dict[str, Value] = {name: plain_value(value, name) for name, value in measured.items()}
        missing = [quantity.name for quantity in grid.quantities if quantity.name not in values]
        if missing:
            raise KeyError(f"the cell did not return {', '.join(missing)}")
    except Exception as error:
        error.add_note(f"in study {study.name}, grid {grid.name}, cell {parameters}")
        raise
    return Shard(values=values, seconds=time.perf_counter() - began, versions=versions())


def _run_cells(
    study: Study[Any], folder: StudyFolder, grids: tuple[Grid, ...], settings: object, execution: Execution
) -> None:
    progress = execution.progress
    cells = [(grid, parameters) for grid in grids for parameters in grid.cells()]
    waiting = [
        (index, *cell) for index, cell in enumerate(cells) if folder.load(cell[0].name, cell[1]) is None
    ]
    progress.study_started(study.name, len(cells) - len(waiting), len(cells))
    for index, grid, parameters in waiting:
        progress.cell_started(grid.name, index, len(cells), parameters)
        shard = measure_cell(study, grid, parameters, folder.manifest.entropy, settings, execution)
        folder.store(grid.name, parameters, shard)
        progress.cell_finished()


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
