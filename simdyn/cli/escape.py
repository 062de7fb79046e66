"""`simdyn escape`: the mean escape time of one problem."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem


def escape(
    potential: options.Landscape,
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    sgd: options.Sgd = None,
    sgld: options.Sgld = None,
    sde: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=VALUE,...", help="diffusion, step, scheme, convention, friction, crossing."
        ),
    ] = None,
    start: options.Start = "deepest",
    exit: Annotated[
        str, typer.Option(help='A condition such as "x >= 0", "valley", or "commit".')
    ] = "valley",
    paths: Annotated[
        int, typer.Option(help="Number of paths; the largest number with --target-error.")
    ] = 10_000,
    max_steps: Annotated[
        int | None,
        typer.Option(help="Step budget of each path.", show_default="shared out of a fixed amount of work"),
    ] = None,
    target_error: Annotated[float | None, typer.Option(help="Stop at this relative standard error.")] = None,
    exact: Annotated[
        bool, typer.Option("--exact/--no-exact", help="Whether to compute the exact value.")
    ] = True,
    seed: options.Seed = 0,
    method: Annotated[
        str, typer.Option(help="auto (direct or splitting, and says why), direct, flux or splitting.")
    ] = "auto",
    score: Annotated[
        str | None,
        typer.Option(
            metavar="FORMULA",
            help="What splitting ranks paths by.",
            show_default="share of the way to the exit",
        ),
    ] = None,
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    dtype: options.Dtype = "float64",
    normals: options.Normals = "standard",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the survival curve (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure a mean escape time and hold it against closed forms and the exact value."""
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import escape_progress
    from simdyn.questions import escape_time

    check_picture(plot)
    chosen = problem.dynamics(sgd, sgld, sde)
    landscape = problem.landscape(potential, dim, set_ or [], data, start)
    with escape_progress() as report:
        answer = escape_time(
            landscape,
            chosen,
            start,
            exit,
            paths=paths,
            max_steps=max_steps,
            seed=seed,
            method=method,
            score=score,
            backend=backend,
            threads=threads,
            dtype=dtype,
            normals=normals,
            target_error=target_error,
            exact=exact,
            progress=report,
        )
    if as_json:
        for warning in answer.warnings:
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(json.dumps(answer.to_json(), allow_nan=False))
    else:
        typer.echo(str(answer))
    if plot is not None:
        answer.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
    if answer.interrupted:
        raise KeyboardInterrupt
