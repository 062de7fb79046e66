"""`simdyn noise`: whether the noise of batch gradients is Gaussian or heavy-tailed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem


def noise(
    potential: options.Landscape,
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    at: Annotated[str, typer.Option(help='The point: "deepest", "x=-1", or numbers.')] = "deepest",
    batch_sizes: Annotated[
        str | None,
        typer.Option(
            metavar="B,B,...", help="Batch sizes.", show_default="powers of four, to a quarter of all"
        ),
    ] = None,
    sampling: Annotated[
        str, typer.Option(help="with_replacement, without_replacement or epoch_shuffle.")
    ] = "without_replacement",
    draws: Annotated[int, typer.Option(help="Batches of each size.")] = 65_536,
    seed: options.Seed = 0,
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw distances and indices (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Hold the noise of batch gradients against Gaussian and heavy-tailed laws."""
    from simdyn.cli.picture import check_picture
    from simdyn.cli.ranges import listed
    from simdyn.questions import gradient_noise

    check_picture(plot)
    sizes = None if batch_sizes is None else listed(batch_sizes, "--batch-sizes")
    found = gradient_noise(
        problem.landscape(potential, dim, set_ or [], data, "" if at == "deepest" else at),  # type: ignore[arg-type]
        at,
        batch_sizes=sizes,
        sampling=sampling,
        draws=draws,
        seed=seed,
        backend=backend,
        threads=threads,
    )
    typer.echo(json.dumps(found.to_json(), allow_nan=False) if as_json else str(found))
    if plot is not None:
        found.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
