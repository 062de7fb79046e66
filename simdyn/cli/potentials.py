"""`simdyn potentials`: the catalogue of landscapes, and what one of them is like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simdyn.cli.options import AsJson, Data, Dim, Landscape, Parameters

if TYPE_CHECKING:
    from potentials import Potential
    from simdyn.exact import MinimumEnergyPath

app = typer.Typer(
    name="potentials",
    help="List the landscapes of the catalogue, show the minima and saddles of one, or the path between two "
    "minima.",
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


@app.command()
def path(
    potential: Landscape,
    dim: Dim = None,
    set_: Parameters = None,
    data: Data = None,
    from_: Annotated[
        str | None, typer.Option("--from", help='A minimum, such as "x=-1".', show_default="the deepest")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Another minimum.", show_default="the deepest of the others")
    ] = None,
    through: Annotated[
        list[str] | None,
        typer.Option(help="A point for the first path to come through; may be repeated."),
    ] = None,
    images: Annotated[int, typer.Option(help="Number of edges of the string.")] = 32,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the path (.pdf, .svg, .png).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the path of least energy between two minima, its saddles, and the barrier from either end."""
    from potentials import Potential
    from simdyn import exact
    from simdyn.cli import problem
    from simdyn.cli.picture import check_picture
    from simdyn.errors import InputError
    from simdyn.exact.energy_path import point_of

    check_picture(plot)
    landscape = problem.landscape(potential, dim, set_ or [], data)
    if not isinstance(landscape, Potential):
        raise InputError(f"The drift field {landscape.name!r} has no energy, so that no path has the least.")
    ends: list[Any] = [from_, to]
    if from_ is None or to is None:
        ends = _two_ends(landscape, from_, to)
    between = [point_of(point, landscape, "point") for point in through or []] or None
    found = exact.minimum_energy_path(landscape, *ends, through=between, images=images)
    if as_json:
        typer.echo(json.dumps(_path_record(landscape, found), allow_nan=False))
    else:
        typer.echo(_path_text(landscape, found))
    if plot is not None:
        from simdyn.plotting.energy_path import energy_path_figure
        from simdyn.plotting.style import save

        save(energy_path_figure(landscape, found), plot)
        typer.echo(f"figure: {plot}", err=as_json)


def _two_ends(landscape: Potential, start: str | None, end: str | None) -> list[Any]:
    """Ends as given, and the deepest minima for those that are not."""
    import numpy as np

    from simdyn.errors import InputError
    from simdyn.exact.energy_path import point_of

    given = [
        None if text is None else landscape.minimum_below(point_of(text, landscape, name))
        for text, name in ((start, "start"), (end, "end"))
    ]
    others = [
        point
        for point in landscape.minima()
        if all(one is None or np.linalg.norm(point.x - one.x) > 1e-6 for one in given)
    ]
    ends: list[Any] = [start, end]
    for i, one in enumerate(given):
        if one is None:
            if not others:
                raise InputError(
                    f"The potential {landscape.name[:60]!r} has no two minima in its domain; there is no way "
                    "to go."
                )
            ends[i] = others.pop(0)
    return ends


def _path_record(landscape: Potential, found: MinimumEnergyPath) -> dict[str, Any]:
    back = found.back
    return {
        "name": landscape.name,
        "dim": landscape.dim,
        "parameters": dict(landscape.parameters),
        "barrier": {"value": found.value, "error": found.error},
        "back": {"value": back.value, "error": back.error},
        "stops": [
            {"kind": _kind(i), "x": stop.x.tolist(), "energy": stop.energy, "index": stop.index}
            for i, stop in enumerate(found.stops)
        ],
        "path": found.path.tolist(),
        "energies": found.energies.tolist(),
        "method": found.method,
    }


def _kind(place: int) -> str:
    return "saddle" if place % 2 else "minimum"


def _path_text(landscape: Potential, found: MinimumEnergyPath) -> str:
    import numpy as np

    lines = [f"Path of least energy on {landscape.name}"]
    for i, stop in enumerate(found.stops):
        place = np.array2string(stop.x, precision=6, threshold=8, suppress_small=True)
        lines.append(f"  {_kind(i):8} {place}  energy {stop.energy:.10g}")
    lines.append(
        f"barrier {found.value:.12g} +- {found.error:.1g} from the start, "
        f"{found.back.value:.12g} from the end"
    )
    return "\n".join(lines)
