"""`simdyn diagram`: pictures of where things hold."""

from __future__ import annotations

import typer

from simdyn.cli import diagram_validity

app = typer.Typer(
    name="diagram",
    help="Draw a problem over two of its parameters: where a theory holds.",
    no_args_is_help=True,
)
app.command("validity")(diagram_validity.validity)


@app.callback()
def _group() -> None:
    """Draw a problem over two of its parameters: where a theory holds."""
