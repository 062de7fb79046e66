"""`simdyn diagram validity`: where a prediction holds, over two parameters."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem
from simdyn.errors import InputError


def validity(
    potential: options.Landscape,
    prediction: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="kramers, kramers_next_order, eyring_kramers, finite_learning_rate, xie2021, mori2022, "
            "bouchet_reygner or sde_limit; may be repeated.",
        ),
    ],
    over: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=LOW:HIGH[:N][:even]",
            help="Twice: across and up. A number of the dynamics or of the potential, barrier_over_noise or "
            "learning_rate_times_curvature, spaced by ratios, or evenly, or as a list such as [1, 2, 4].",
        ),
    ],
    dim: options.Dim = None,
    set_: options.Parameters = None,
    sgd: options.Sgd = None,
    sgld: options.Sgld = None,
    sde: Annotated[
        str | None, typer.Option(metavar="KEY=VALUE,...", help="diffusion, step, convention.")
    ] = None,
    start: options.Start = "deepest",
    exit: Annotated[
        str, typer.Option(help='A condition such as "x >= 0", "valley", or "commit".')
    ] = "valley",
    tolerance: Annotated[
        float, typer.Option(help="How far from 1 the ratio of a right prediction may be.")
    ] = 0.1,
    workers: Annotated[int | None, typer.Option(help="Processes to use.", show_default="all cores")] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write every cell, as NetCDF (.nc) or as a table (.csv)."),
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw the map (.pdf, .svg, .png).")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Map where predictions of an escape time hold: their ratio to the exact value over two parameters."""
    from simdyn.cli.dataset_file import check_map_target, write_map
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import cell_bar
    from simdyn.cli.ranges import parse_ranges
    from simdyn.questions import validity as run

    check_picture(plot)
    check_map_target(out)
    ranges = parse_ranges(over, "--over")
    if len(ranges) != 2:
        raise InputError(f"--over names {', '.join(ranges)}, but a map has two parameters; give it twice.")
    chosen = problem.dynamics(sgd, sgld, sde)
    landscape = problem.landscape(potential, dim, set_ or [])
    with cell_bar() as report:
        answer = run(
            landscape,
            chosen,
            start,
            exit,
            prediction=prediction,
            over=ranges,
            tolerance=tolerance,
            workers=workers,
            progress=report,
        )
    # First what a full disk cannot take away.
    if as_json:
        typer.echo(json.dumps({**answer.to_json(), "out": out, "plot": plot}, allow_nan=False))
    else:
        typer.echo(str(answer))
    if out is not None:
        write_map(answer, out)
        typer.echo(f"data: {out}", err=as_json)
    if plot is not None:
        answer.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
    if not answer.complete:
        raise KeyboardInterrupt
