"""`simdyn escape`: the mean escape time of one problem."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import problem


def escape(
    potential: Annotated[
        str, typer.Argument(metavar="FORMULA_OR_NAME", help='Such as "x**4/4 - x**2/2" or styblinski_tang.')
    ],
    dim: Annotated[int | None, typer.Option(help="Dimension of a named potential.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Parameter of the potential; may be repeated."),
    ] = None,
    sgd: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=VALUE,...", help="learning_rate, batch_size, noise, temperature, floor, covariance."
        ),
    ] = None,
    sgld: Annotated[
        str | None, typer.Option(metavar="KEY=VALUE,...", help="learning_rate, temperature.")
    ] = None,
    sde: Annotated[
        str | None,
        typer.Option(metavar="KEY=VALUE,...", help="diffusion, step, scheme, convention, crossing."),
    ] = None,
    start: Annotated[str, typer.Option(help='"deepest", "x=-1", or numbers.')] = "deepest",
    exit: Annotated[
        str, typer.Option(help='A condition such as "x >= 0", "valley", or "commit".')
    ] = "valley",
    paths: Annotated[
        int, typer.Option(help="Number of paths; the largest number with --target-error.")
    ] = 10_000,
    max_steps: Annotated[
        int | None,
        typer.Option(help="Step budget of each path. [default: shared out of a fixed amount of work]"),
    ] = None,
    target_error: Annotated[float | None, typer.Option(help="Stop at this relative standard error.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all randomness.")] = 0,
    method: Annotated[str, typer.Option(help="auto or direct.")] = "auto",
    backend: Annotated[str, typer.Option(help="auto (the CPU), cpu or gpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Threads to use. [default: all cores]")] = None,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    normals: Annotated[
        str, typer.Option(help="standard (up to 7.5 sigma) or wide (up to 8.6).")
    ] = "standard",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the survival curve (.pdf, .svg, .png).")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the table.")
    ] = False,
) -> None:
    """Measure a mean escape time and hold it against closed forms and the exact value."""
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import escape_bar
    from simdyn.questions import escape_time

    check_picture(plot)
    chosen = problem.dynamics(sgd, sgld, sde)
    landscape = problem.landscape(potential, dim, set_ or [])
    with escape_bar(paths) as report:
        answer = escape_time(
            landscape,
            chosen,
            start,
            exit,
            paths=paths,
            max_steps=max_steps,
            seed=seed,
            method=method,
            backend=backend,
            threads=threads,
            dtype=dtype,
            normals=normals,
            target_error=target_error,
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
