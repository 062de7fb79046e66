"""`simdyn bench`: how fast is this installation?"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from simdyn.cli import options


def bench(
    seconds: Annotated[
        float, typer.Option(help="About how long to measure; the first call compiles besides.")
    ] = 20.0,
    threads: Annotated[
        int | None, typer.Option(help="Threads to measure with besides one.", show_default="all cores")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure this machine's speed on standard problems: nanoseconds per step of one path."""
    from simdyn.installation import bench as measure

    tell = None
    if sys.stderr.isatty():

        def tell(line: str) -> None:
            typer.echo(line, err=True)

    report = measure(seconds, threads, tell)
    typer.echo(json.dumps(report.to_json(), allow_nan=False) if as_json else str(report))
    if not report.complete:
        raise KeyboardInterrupt
