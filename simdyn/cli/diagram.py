"""`simdyn diagram`: maps over settings; the subcommands are registered by the modules diagram_*.py."""

from __future__ import annotations

import typer

from simdyn.cli import diagram_slice

app = typer.Typer(name="diagram", help="Maps over settings, as tables and pictures.", no_args_is_help=True)
app.command("slice")(diagram_slice.slice_)


@app.callback()
def _root() -> None:
    """Maps over settings, as tables and pictures."""
