"""`simdyn diagram slice`: a slice of a stored result, as a picture or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simdyn.errors import InputError

_TABLES = (".csv", ".nc")


def slice_(
    source: Annotated[
        Path, typer.Argument(metavar="DIR_OR_FILE", help="A finished study's --out folder, or a .nc file.")
    ],
    value: Annotated[list[str], typer.Option(metavar="NAME", help="Quantity to show; may be repeated.")],
    x: Annotated[str, typer.Option(metavar="NAME", help="Dimension across.")],
    out: Annotated[
        list[Path], typer.Option(metavar="FILE", help=".png, .svg, .pdf, .csv or .nc; may be repeated.")
    ],
    y: Annotated[
        str | None, typer.Option(metavar="NAME", help="Dimension up.", show_default="none, draw curves")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Where along another dimension; may be repeated."),
    ] = None,
    grid: Annotated[str | None, typer.Option(help="Grid of the study, where several fit.")] = None,
) -> None:
    """Export a slice of a result over one or two of its dimensions."""
    from simdyn.cli.settings import parse_settings
    from simdyn.plotting.style import FORMATS
    from simdyn.whole_files import check_folder

    for file in out:
        if file.suffix not in (*FORMATS, *_TABLES):
            raise InputError(f"The file {file} must end in one of: {', '.join((*FORMATS, *_TABLES))}.")
        check_folder("file", file)
    places = {name: number for part in at or [] for name, number in parse_settings(part, "--at").items()}

    from simdyn.study.slices import open_result, take_slice, write_slice

    data = take_slice(open_result(source), value, x, y, grid=grid, at=places)
    for file in out:
        if file.suffix in _TABLES:
            write_slice(data, file)
        else:
            from simdyn.plotting.slices import plot_slice
            from simdyn.plotting.style import save

            save(plot_slice(data), file)
        typer.echo(str(file))
