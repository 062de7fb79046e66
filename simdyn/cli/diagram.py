"""`simdyn diagram`: maps over settings; the subcommands are registered by the modules diagram_*.py."""

from __future__ import annotations

import typer

from simdyn.cli import diagram_scaling, diagram_slice, diagram_stability, diagram_validity

app = typer.Typer(name="diagram", help="Maps over settings, as tables and pictures.", no_args_is_help=True)
app.command("stability")(diagram_stability.stability)
app.command("validity")(diagram_validity.validity)
app.command("scaling")(diagram_scaling.scaling)
app.command("slice")(diagram_slice.slice_)


@app.callback()
def _root() -> None:
    """Maps over settings, as tables and pictures."""
