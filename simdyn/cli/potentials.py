"""`simdyn potentials`: the catalogue of landscapes, and what one of them is like."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from simdyn.cli.options import AsJson, Data, Dim, Landscape, Parameters

app = typer.Typer(
    name="potentials",
    help="List the landscapes of the catalogue, or show the minima and saddles of one.",
    no_args_is_help=True,
)


@app.command("list")
def list_potentials(
    as_json: AsJson = False,
) -> None:
    """List the landscapes of the catalogue: name, options with their defaults, and why one wants it."""
    from potentials import Potential, describe, lookup, names, options

    entries: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "potential" if isinstance(lookup(name), Potential) else "drift field",
            "dim": lookup(name).dim,
            "options": options(name),
            "description": describe(name),
        }
        for name in names()
    ]
    if as_json:
        typer.echo(json.dumps({"potentials": entries}, allow_nan=False))
        return
    for entry in entries:
        settings = ", ".join(f"{key}={value}" for key, value in entry["options"].items())
        where = "any dimension" if "dim" in entry["options"] else f"{entry['dim']}-dimensional"
        what = f"{where} drift field" if entry["kind"] == "drift field" else where
        typer.echo(f"{entry['name']}  ({what}{'; ' * bool(settings)}{settings})")
        typer.echo(f"    {entry['description']}")


@app.command()
def show(
    potential: Landscape,
    dim: Dim = None,
    set_: Parameters = None,
    data: Data = None,
    most: Annotated[int, typer.Option(help="Largest number of minima to show.")] = 8,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the landscape (.pdf, .svg, .png).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show formula, parameters, the minima, and the saddles on the rim of each valley with their barriers."""
    from potentials import describe, names
    from simdyn.cli import problem
    from simdyn.cli.picture import check_picture
    from simdyn.questions import survey

    check_picture(plot)
    answer = survey(problem.landscape(potential, dim, set_ or [], data), most=most)
    if as_json:
        typer.echo(json.dumps(answer.to_json(), allow_nan=False))
    else:
        if potential in names():
            typer.echo(describe(potential))
        typer.echo(str(answer))
    if plot is not None:
        answer.plot(plot)
        typer.echo(f"figure: {plot}", err=as_json)
