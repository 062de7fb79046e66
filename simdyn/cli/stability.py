"""`simdyn stability`: whether a minimum is stable under SGD, by every criterion."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem


def stability(
    potential: options.Landscape,
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    sgd: options.Sgd = None,
    at: Annotated[
        str | None, typer.Option(help='The minimum, such as "x=1".', show_default="the deepest one")
    ] = None,
    measure: Annotated[bool, typer.Option(help="Whether to simulate an ensemble, too.")] = True,
    paths: Annotated[int | None, typer.Option(help="Number of paths.", show_default="2000, or fewer")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of each path.", show_default="2000, or fewer")
    ] = None,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the criteria (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say whether a minimum is stable under SGD: Theorem 1, box, mean square, almost surely, measured."""
    from simdyn.cli.picture import check_picture
    from simdyn.questions import stability as ask

    check_picture(plot)
    report = ask(
        problem.landscape(potential, dim, set_ or [], data, at or ""),  # type: ignore[arg-type]
        problem.dynamics(sgd, None, None),
        at,
        measure=measure,
        paths=paths,
        steps=steps,
        seed=seed,
        threads=threads,
    )
    if as_json:
        for warning in report.warnings:
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(json.dumps(report.to_json(), allow_nan=False))
    else:
        typer.echo(str(report))
    if plot is not None:
        report.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
