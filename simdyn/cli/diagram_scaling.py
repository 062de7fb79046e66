"""`simdyn diagram scaling`: learning rate and batch size raised together."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem


def scaling(
    potential: options.Landscape,
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    sgd: options.Sgd = None,
    start: options.Start = "deepest",
    factors: Annotated[
        str, typer.Option(metavar="N,N,...", help="What both are multiplied by, whole numbers.")
    ] = "2,4,8",
    time: Annotated[
        float | None,
        typer.Option(
            help="How long paths are followed, in learning rate times steps.", show_default="to settle"
        ),
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Relative change that counts as broken.")] = 0.05,
    paths: Annotated[int, typer.Option(help="Paths of each stationary run.")] = 4_096,
    steps: Annotated[
        int | None, typer.Option(help="Steps of each stationary run.", show_default="until it has settled")
    ] = None,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw ratios and losses (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Multiply learning rate and batch size of SGD by one factor, and see from where on that is noticed."""
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import cell_bar
    from simdyn.cli.ranges import listed
    from simdyn.questions import linear_scaling

    check_picture(plot)
    scales = listed(factors, "--factors")
    rule = problem.dynamics(sgd, None, None)
    landscape = problem.landscape(potential, dim, set_ or [], data, "" if start == "deepest" else start)
    with cell_bar() as report:
        found = linear_scaling(
            landscape,  # type: ignore[arg-type]
            rule,  # type: ignore[arg-type]
            start,
            factors=scales,
            time=time,
            tolerance=tolerance,
            paths=paths,
            steps=steps,
            target_error=None if steps is not None else 0.005,
            seed=seed,
            threads=threads,
            progress=report,
        )
    typer.echo(json.dumps(found.to_json(), allow_nan=False) if as_json else str(found))
    if plot is not None:
        found.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
