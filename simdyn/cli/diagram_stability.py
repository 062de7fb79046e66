"""`simdyn diagram stability`: phase diagrams of linear stability."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from simdyn.cli import options
from simdyn.cli.ranges import listed
from simdyn.errors import InputError


def stability(
    potential: Annotated[
        str | None,
        typer.Argument(
            metavar="[FORMULA_OR_NAME]", help="For --kind rates and selection, such as two_functions."
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="sharpness (against non-uniformity, in one dimension), rates (against batch sizes) or "
            "selection (of a minimum)."
        ),
    ] = "sharpness",
    data: options.Data = None,
    at: Annotated[str | None, typer.Option(help='For rates: the minimum, such as "x=1".')] = None,
    learning_rate: Annotated[float, typer.Option(help="For sharpness.")] = 1.0,
    learning_rates: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH,N", help="For rates and selection.")
    ] = None,
    batch_sizes: Annotated[str | None, typer.Option(metavar="B,B,...", help="Batch sizes.")] = None,
    momenta: Annotated[
        str | None,
        typer.Option(metavar="M,M,...", help="Momenta; just one but for sharpness.", show_default="0"),
    ] = None,
    sampling: Annotated[
        str, typer.Option(help="without_replacement, with_replacement, epoch_shuffle.")
    ] = "without_replacement",
    samples: Annotated[int, typer.Option(help="For sharpness: samples of the two-point family.")] = 8,
    cells: Annotated[int, typer.Option(help="For sharpness: cells along each axis.")] = 200,
    measured: Annotated[
        int, typer.Option(help="For sharpness: cells along each axis in which paths are run.")
    ] = 0,
    paths: Annotated[int, typer.Option(help="For selection: paths in each cell.")] = 200,
    steps: Annotated[int, typer.Option(help="For selection: steps of each path.")] = 3_000,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the numbers (.nc or .csv).")] = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the diagram (.pdf, .svg, .png).")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Draw where SGD is stable: sharpness against non-uniformity, learning rate against batch size."""
    from simdyn.cli import problem
    from simdyn.cli.dataset_file import check_diagram_target, write_diagram
    from simdyn.cli.picture import check_picture
    from simdyn.questions import stability_diagrams as diagrams

    check_picture(plot)
    if out is None and plot is None and not as_json:
        raise InputError("A diagram needs --plot FILE, --out FILE or --json to go to.")
    batches = None if batch_sizes is None else _batches(batch_sizes)
    moments = [0.0] if momenta is None else listed(momenta, "--momenta")
    rates = None if learning_rates is None else _range(learning_rates)
    check_diagram_target(out, "rate diagram" if kind == "rates" else f"{kind} diagram")
    found: Any
    if kind == "sharpness":
        if potential is not None:
            raise InputError(
                f"--kind sharpness is about all landscapes of one dimension; leave {potential!r} out, or ask "
                "for --kind rates."
            )
        found = diagrams.sharpness_diagram(
            learning_rate,
            batch_sizes=[1] if batches is None else batches,
            momenta=moments,
            samples=samples,
            sampling=sampling,
            cells=cells,
            measured=measured,
            seed=seed,
            threads=threads,
        )
    elif kind in ("rates", "selection"):
        if potential is None or len(moments) != 1:
            raise InputError(f"--kind {kind} needs a landscape, such as two_functions, and one momentum.")
        landscape: Any = problem.landscape(potential, None, [], data, at or "")
        if kind == "rates":
            found = diagrams.rate_diagram(
                landscape,
                at,
                learning_rates=rates,
                batch_sizes=batches,
                sampling=sampling,
                momentum=moments[0],
            )
        else:
            if rates is None:
                raise InputError("--kind selection needs --learning-rates LOW,HIGH,N.")
            found = diagrams.selection_diagram(
                landscape,
                learning_rates=rates,
                batch_sizes=batches,
                sampling=sampling,
                momentum=moments[0],
                paths=paths,
                steps=steps,
                seed=seed,
                threads=threads,
            )
    else:
        raise InputError(f"--kind is {kind!r}, but it must be one of: sharpness, rates, selection.")
    if out is not None:
        write_diagram(found, out)
    if plot is not None:
        from simdyn.plotting.stability_diagram import diagram_figure
        from simdyn.plotting.style import save

        save(diagram_figure(found), plot)
    if as_json:
        shown = {"diagram": found.attrs["question"], "cells": dict(found.sizes), "out": out, "plot": plot}
        if kind == "rates":
            shown["threshold"] = {
                str(name): {
                    int(b): None if value != value or value == float("inf") else value
                    for b, value in zip(found.batch_size.values, row, strict=True)
                }
                for name, row in zip(found.criterion.values, found.threshold.values.tolist(), strict=True)
            }
        typer.echo(json.dumps(shown, allow_nan=False))
    else:
        size = " x ".join(f"{count} {name}" for name, count in found.sizes.items())
        typer.echo(f"{found.attrs['question']}: {size}")
        for name, file in (("data", out), ("figure", plot)):
            if file is not None:
                typer.echo(f"{name}: {file}")


def _batches(text: str) -> list[int]:
    sizes = listed(text, "--batch-sizes")
    if not all(one.is_integer() for one in sizes):
        raise InputError(f"--batch-sizes is {text!r}, but real batches have whole numbers of samples.")
    return [int(one) for one in sizes]


def _range(text: str) -> list[float]:
    import numpy as np

    try:
        low, high, number = text.split(",")
        return np.linspace(float(low), float(high), int(number)).tolist()
    except ValueError:
        raise InputError(
            f"--learning-rates is {text!r}, but it must be LOW,HIGH,N such as 0.1,1,40."
        ) from None
