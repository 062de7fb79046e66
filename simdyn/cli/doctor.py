"""`simdyn doctor`: is this installation sound?"""

from __future__ import annotations

import json
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the page.")
    ] = False,
) -> None:
    """Show versions, processor, backends and kernel cache, and test that kernels compute the right bits.

    The exit code is 0 when all is well and 1 when a check of the self-test fails.
    """
    from simdyn.installation import doctor as diagnose

    diagnosis = diagnose()
    typer.echo(json.dumps(diagnosis.to_json(), allow_nan=False) if as_json else str(diagnosis))
    if not diagnosis.ok:
        raise typer.Exit(1)
