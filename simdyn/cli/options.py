"""The arguments and options that several verbs share, each with its words."""

from __future__ import annotations

from typing import Annotated

import typer

Landscape = Annotated[
    str, typer.Argument(metavar="FORMULA_OR_NAME", help='Such as "x**4/4 - x**2/2" or styblinski_tang.')
]
Dim = Annotated[int | None, typer.Option(help="Dimension of a named potential.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Parameter of the potential; may be repeated."),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="CSV (with a header row) or NPZ of samples; the formula is then the loss of one sample, with "
        "columns by name.",
    ),
]
Sgd = Annotated[
    str | None,
    typer.Option(
        metavar="KEY=VALUE,...",
        help="learning_rate, batch_size, noise, temperature, floor, covariance, momentum, sampling.",
    ),
]
Sgld = Annotated[
    str | None,
    typer.Option(metavar="KEY=VALUE,...", help="learning_rate, temperature, batch_size, momentum, sampling."),
]
Sde = Annotated[
    str | None, typer.Option(metavar="KEY=VALUE,...", help="diffusion, step, scheme, convention, friction.")
]
Start = Annotated[str, typer.Option(help='"deepest", "x=-1", or numbers.')]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
Backend = Annotated[str, typer.Option(help="auto (settles on one and says which), cpu or gpu.")]
Threads = Annotated[int | None, typer.Option(help="Threads to use.", show_default="all cores")]
Dtype = Annotated[str, typer.Option(help="float64 or float32.")]
Normals = Annotated[str, typer.Option(help="standard (up to 7.5 sigma) or wide (up to 8.6).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")]
