"""`simdyn walk`: how SGD moves in a valley."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem


def walk(
    potential: options.Landscape,
    steps: Annotated[int, typer.Option(help="Steps before the one that is looked at.")],
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    sgd: options.Sgd = None,
    sgld: options.Sgld = None,
    sde: options.Sde = None,
    start: options.Start = "deepest",
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 10_000,
    height: Annotated[
        str | None,
        typer.Option(
            metavar="FORMULA",
            help="The height above the floor.",
            show_default="the loss above the lowest point of the step",
        ),
    ] = None,
    along: Annotated[
        str | None,
        typer.Option(
            metavar="FORMULA", help="The place along the floor.", show_default="the distance from the start"
        ),
    ] = None,
    points: Annotated[int, typer.Option(help="Points of a step at which the loss is computed.")] = 11,
    seed: options.Seed = 0,
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the loss along a step (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Look at a step in a valley: how far from the start, how high above the floor, from wall to wall?"""
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import simulation_bar
    from simdyn.questions import walk as run

    check_picture(plot)
    chosen = problem.dynamics(sgd, sgld, sde)
    landscape = problem.landscape(potential, dim, set_ or [], data, start)
    with simulation_bar(steps) as report:
        found = run(
            landscape,  # type: ignore[arg-type]
            chosen,
            start,
            paths=paths,
            steps=steps,
            height=height,
            along=along,
            points=points,
            seed=seed,
            backend=backend,
            threads=threads,
            progress=report,
        )
    typer.echo(json.dumps(found.to_json(), allow_nan=False) if as_json else str(found))
    if plot is not None:
        found.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
