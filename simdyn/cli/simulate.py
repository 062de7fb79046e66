"""`simdyn simulate`: an ensemble of paths, as a table, a file and a picture."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simdyn.cli import options, problem
from simdyn.errors import InputError


def simulate(
    potential: options.Landscape,
    steps: Annotated[int, typer.Option(help="Number of steps of each path.")],
    dim: options.Dim = None,
    set_: options.Parameters = None,
    data: options.Data = None,
    sgd: options.Sgd = None,
    sgld: options.Sgld = None,
    sde: options.Sde = None,
    start: options.Start = "deepest",
    paths: Annotated[int, typer.Option(help="Number of paths.")] = 10_000,
    record: Annotated[
        list[str] | None,
        typer.Option(
            help="snapshots, moments or histogram, besides the final states, which are always kept; may be "
            "repeated."
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(help="Steps between looks.", show_default="a fiftieth of the steps, at least 50"),
    ] = None,
    bins: Annotated[
        str | None,
        typer.Option(metavar="N|LOW,HIGH,N", help="Bins of histograms.", show_default="100 that cover all"),
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option(
            help='What histograms count, such as "x**2"; may be repeated.', show_default="coordinates"
        ),
    ] = None,
    burn_in: Annotated[
        int | None,
        typer.Option(help="Steps that averages over time leave out.", show_default="half of the steps"),
    ] = None,
    seed: options.Seed = 0,
    backend: options.Backend = "auto",
    threads: options.Threads = None,
    dtype: options.Dtype = "float64",
    normals: options.Normals = "standard",
    out: Annotated[
        str | None, typer.Option(metavar="FILE.nc", help="Write everything recorded as NetCDF.")
    ] = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw what was recorded (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Run an ensemble of paths: final states, snapshots, moments, histograms."""
    from simdyn.cli.dataset_file import check_target, write_dataset
    from simdyn.cli.picture import check_picture
    from simdyn.cli.progress import simulation_bar
    from simdyn.questions import simulate as run
    from simdyn.questions.ensemble_summary import json_object, summary

    check_picture(plot)
    check_target(out)
    asked = record or []
    for name in asked:
        if name in ("snapshots", "histogram") and out is None and plot is None:
            raise InputError(
                f"--record {name} needs --out FILE.nc or --plot FILE to go to; the table has no room for it."
            )
    chosen = problem.dynamics(sgd, sgld, sde)
    landscape = problem.landscape(potential, dim, set_ or [], data, start)
    with simulation_bar(steps) as report:
        ensemble = run(
            landscape,
            chosen,
            start,
            paths=paths,
            steps=steps,
            record=["final", *asked],
            every=every,
            bins=None if bins is None else parse_bins(bins),
            of=of or None,
            burn_in=burn_in,
            seed=seed,
            backend=backend,
            threads=threads,
            dtype=dtype,
            normals=normals,
            progress=report,
        )
    # First what a full disk cannot take away.
    if as_json:
        if not ensemble.attrs["complete"]:
            typer.echo(f"warning: interrupted after {ensemble.attrs['steps_done']} steps", err=True)
        typer.echo(json.dumps({**json_object(ensemble), "out": out, "plot": plot}, allow_nan=False))
    else:
        typer.echo(summary(ensemble))
    if out is not None:
        write_dataset(ensemble, out)
        typer.echo(f"data: {out}", err=as_json)
    if plot is not None:
        from simdyn.plotting.ensemble import ensemble_figure
        from simdyn.plotting.style import save

        save(ensemble_figure(ensemble, landscape), plot)
        typer.echo(f"figure: {plot}", err=as_json)
    if not ensemble.attrs["complete"]:
        raise KeyboardInterrupt


def parse_bins(text: str) -> int | tuple[float, float, int]:
    """ "60" or "-2,2,80"."""
    parts = text.split(",")
    try:
        if len(parts) == 1:
            return int(text)
        low, high, number = parts
        return float(low), float(high), int(number)
    except ValueError:
        raise InputError(
            f"--bins is {text!r}, but it must be a number of bins, or LOW,HIGH,NUMBER such as -2,2,80."
        ) from None
