"""`simdyn study`: list, show, begin, run and report studies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simdyn.cli import options
from simdyn.errors import InputError

if TYPE_CHECKING:
    from simdyn.study import Findings, Size, Study

app = typer.Typer(
    name="study", help="Run the claims of a publication as one sweep with a report.", no_args_is_help=True
)

_STUDY = "Name of a shipped study, or a file ending in .py."


@app.command("list")
def list_studies() -> None:
    """List the shipped studies."""
    from simdyn.study import find_study, study_names

    names = study_names()
    width = max(map(len, names), default=0)
    for name in names:
        typer.echo(f"{name:{width}}  {find_study(name).title}")


@app.command()
def show(study: Annotated[str, typer.Argument(help=_STUDY)]) -> None:
    """Show what a study asks and which cells it would compute."""
    from simdyn.study import find_study

    found = find_study(study)
    typer.echo(f"{found.title}\n{found.source}\n\n{found.summary.strip()}")
    _show_grids(found, "quick")
    _show_grids(found, "full")


def _show_grids(study: Study[Any], size: Size) -> None:
    grids = study.checked_grids(study.settings(size))
    typer.echo(f"\n--{size}: {sum(grid.size for grid in grids)} cells")
    for grid in grids:
        typer.echo(f"  {grid.name}: {grid.title}")
        for dimension in grid.dimensions:
            unit = f" {dimension.unit}" if dimension.unit else ""
            values = ", ".join(
                f"{value:.6g}" if isinstance(value, float) else str(value) for value in dimension.values
            )
            typer.echo(f"    {dimension.name} = {values}{unit}")


@app.command()
def run(
    study: Annotated[str, typer.Argument(help=_STUDY)],
    out: Annotated[
        Path, typer.Option(help="Folder for the results; one that holds this run is gone on with.")
    ],
    quick: Annotated[
        bool | None,
        typer.Option(
            "--quick/--full", help="The short or the full settings.", show_default="full, or the folder's"
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Settings that replace the study's.",
            show_default="none, or the folder's",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Run the cells in so many processes.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run the cells on the Dask cluster with this scheduler."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Insist on going on: refuse a folder without a run.")
    ] = False,
    threads: options.Threads = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the whole study.", show_default="0, or the folder's")
    ] = None,
) -> None:
    """Measure all cells (or those that are missing), then write figures, tables, claims and report."""
    _one_thread_of_algebra()
    from simdyn.study import find_study, run_study
    from simdyn.study.progress import progress_on_stderr
    from simdyn.study.settings import read_overrides
    from simdyn.study.storage import MANIFEST, read_manifest

    found = find_study(study)
    begun = read_manifest(out) if (out / MANIFEST).is_file() else None
    size: Size = ("quick" if quick else "full") if quick is not None else (begun.size if begun else "full")
    if resume and begun is None:
        raise InputError(f"{out} holds no study to resume; leave --resume out to begin one there")
    overrides = begun.overrides if begun else {}
    if settings is not None:
        overrides = read_overrides(settings)
    entropy = seed if seed is not None else (begun.entropy if begun else 0)
    try:
        with progress_on_stderr() as progress:
            findings = run_study(
                found,
                out,
                size=size,
                seed=entropy,
                threads=threads,
                overrides=overrides,
                workers=workers,
                scheduler=scheduler,
                spread=True,
                origin=study,
                progress=progress,
            )
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted; the finished cells are kept in {out}, the same command goes on from there",
            err=True,
        )
        raise
    _print_findings(findings, out)


def _one_thread_of_algebra() -> None:
    """Unless told otherwise, before NumPy is imported: the blocks of exact values are too small for several
    threads, which take up the processor while they wait for one another.
    """
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(variable, "1")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An identifier; the file is NAME.py.")],
) -> None:
    """Begin a study of your own in the working directory, from a template that runs as it is."""
    from importlib.resources import files

    from simdyn.study.discovery import study_names

    if not name.isidentifier():
        raise InputError(f"the name {name!r} is not an identifier; use letters, digits and underscores")
    if name in study_names():
        raise InputError(f"{name} is a study that simdyn ships; choose another name")
    path = Path(f"{name}.py")
    text = files("simdyn.cli").joinpath("study_template.py").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("my_study", name))
    except FileExistsError as error:
        raise InputError(f"{path} exists; choose another name or move that file away") from error
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}; change to a folder that you may write to"
        ) from error
    typer.echo(f"{path}; run it with: simdyn study run {path} --quick --out results/{name}")


@app.command()
def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="The --out folder of a finished run.")
    ],
    study: Annotated[
        str | None, typer.Option(help="The study's file, if it is not a shipped study.", metavar="FILE.py")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Gather the claims of all runs in these folders, and in the folders inside them."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(help="With --all: the page to write.")] = Path("claims.html"),
) -> None:
    """Draw, judge and write everything anew from the stored cells of a finished run; or gather all claims."""
    from simdyn.study import find_study, report_study
    from simdyn.study.storage import read_manifest

    if everything:
        _gather(folders, out)
        return
    if len(folders) > 1:
        raise InputError(f"there are {len(folders)} folders; give one, or --all to gather their claims")
    (folder,) = folders
    origin = read_manifest(folder).origin
    if study is None and origin.endswith(".py"):
        # A folder may come from anybody; what it names must not be run because it names it.
        raise InputError(f"{folder} was computed by the file {origin}; if you trust it, add --study {origin}")
    _print_findings(report_study(find_study(study or origin), folder), folder)


def _gather(folders: list[Path], out: Path) -> None:
    from simdyn.study import study_names
    from simdyn.study.report import SYMBOLS
    from simdyn.study.summary import find_runs, summary_html
    from simdyn.whole_files import ANOTHER_PLACE, check_folder, write_atomically

    check_folder("page", out)
    runs = find_runs(folders)
    missing = [name for name in study_names() if name not in {run.manifest.study for run in runs}]
    write_atomically(out, summary_html(runs, missing).encode(), ANOTHER_PLACE)
    for run in runs:
        if run.claims is None:
            typer.echo(f"{run.manifest.study}: not finished ({run.folder})")
        for claim in run.claims or ():
            typer.echo(f"{run.manifest.study}  {SYMBOLS[claim.verdict]} {claim.verdict:15}  {claim.claim}")
    for name in missing:
        typer.echo(f"{name}: not run")
    typer.echo(f"summary: {out}")


def _print_findings(findings: Findings, out: Path) -> None:
    from simdyn.study.report import SYMBOLS

    for claim in findings.claims:
        typer.echo(f"{SYMBOLS[claim.verdict]} {claim.verdict:15}  {claim.claim}")
    typer.echo(f"report: {out / 'report.html'}")
