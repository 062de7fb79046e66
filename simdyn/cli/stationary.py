"""`simdyn stationary`: the law that paths of one problem settle to."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem
from simdyn.cli.simulate import parse_bins


def stationary(
    potential: options.Landscape,
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    sgd: options.Sgd = None,
    sgld: options.Sgld = None,
    sde: options.Sde = None,
    start: Annotated[
        str,
        typer.Option(help='"minima" (groups of paths start in all of them), "deepest", "x=-1", or numbers.'),
    ] = "minima",
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 4_096,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of each path; the largest number with --target-error.",
            show_default="until it has settled",
        ),
    ] = None,
    target_error: Annotated[
        float | None,
        typer.Option(
            help="Stop at this standard error of means, in standard deviations.", show_default="0.01"
        ),
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option(
            help='What to average and count, such as "x**2"; may be repeated.', show_default="coordinates"
        ),
    ] = None,
    bins: Annotated[
        str | None,
        typer.Option(metavar="N|LOW,HIGH,N", help="Bins of histograms.", show_default="100 that cover all"),
    ] = None,
    every: Annotated[
        int | None, typer.Option(help="Steps between looks.", show_default="chosen by a pilot")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact/--no-exact", help="Whether to compute the exact density.")
    ] = True,
    seed: options.Seed = 0,
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    dtype: options.Dtype = "float64",
    normals: options.Normals = "standard",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw densities and currents (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure a stationary law and hold it against closed forms and the exact density."""
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import simulation_bar
    from simdyn.questions import stationary as ask

    check_picture(plot)
    chosen = problem.dynamics(sgd, sgld, sde)
    landscape = problem.landscape(potential, dim, set_ or [], data, "" if start == "minima" else start)
    with simulation_bar(steps) as report:
        answer = ask(
            landscape,
            chosen,
            start,
            paths=paths,
            steps=steps,
            target_error=target_error,
            of=of or None,
            bins=None if bins is None else parse_bins(bins),
            every=every,
            exact=exact,
            seed=seed,
            backend=backend,
            threads=threads,
            dtype=dtype,
            normals=normals,
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
