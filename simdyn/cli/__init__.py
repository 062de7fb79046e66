"""The shell: the same verbs as in Python. Heavy imports wait inside the commands."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from typing import Annotated

import typer

from simdyn.cli import (
    bench,
    diagram,
    doctor,
    escape,
    noise,
    potentials,
    simulate,
    stability,
    stationary,
    study,
    walk,
)
from simdyn.errors import InputError

app = typer.Typer(
    name="simdyn",
    help="Stochastic dynamics of optimisation: escape times measured, predicted and exact, side by side.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("escape")(escape.escape)
app.add_typer(potentials.app, name="potentials")
app.command("stability")(stability.stability)
app.command("simulate")(simulate.simulate)
app.add_typer(diagram.app, name="diagram")
app.command("stationary")(stationary.stationary)
app.command("noise")(noise.noise)
app.command("walk")(walk.walk)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(study.app, name="study")


def _version(wanted: bool) -> None:
    if wanted:
        from simdyn import __version__

        typer.echo(f"simdyn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Stochastic dynamics of optimisation: escape times measured, predicted and exact, side by side."""


def main() -> None:
    """Run the shell and leave with 0 (done), 1 (the doctor found something wrong), 2 (the input is wrong), or
    130 (interrupted).
    """
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    try:
        code = app(arguments, prog_name="simdyn", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        return _refuse(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except MemoryError as error:
        return _refuse(f"The memory does not suffice ({error}); run fewer paths, or record less of them.")
    except BrokenPipeError:
        # The reader has gone, as in `simdyn ... | head`; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        # Typer's own complaints about options: it keeps their class to itself, but all of them can say it in
        # words.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        return _refuse(_complaint(message(), error, arguments))
    if code == 130:
        # Typer turns Ctrl-C into this code, depending on its version, or lets it pass.
        print("simdyn: interrupted", file=sys.stderr)
    return code if isinstance(code, int) else 0


def _complaint(message: str, error: Exception, arguments: list[str]) -> str:
    """Typer's sentence, with what was given and what to do about it."""
    if message.startswith("No such option: -") and not message.startswith("No such option: --"):
        return f'{message}; put a formula that begins with a minus in brackets, such as "(-x**2) + x**4".'
    names = getattr(getattr(error, "param", None), "opts", [])
    for argument, following in reversed(list(pairwise([*arguments, ""]))):
        name, _, value = argument.partition("=")
        if name in names:
            return f"{message.rstrip('.')}; it was {(value or following)!r}."
    return message


def _refuse(message: str) -> int:
    if message:
        print(f"simdyn: {' '.join(message.split())}", file=sys.stderr)
    return 2
