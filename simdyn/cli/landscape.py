"""Reads FORMULA_OR_NAME, with --dim and --set, as every verb understands them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError

if TYPE_CHECKING:
    from potentials import DriftField, Potential


def read_landscape(text: str, dim: int | None, assignments: list[str]) -> Potential | DriftField:
    """The landscape of that name in the catalogue, or the potential of that formula.

    Raises
    ------
    InputError
        Neither a name nor a formula, or options that do not fit it.
    """
    import potentials
    from potentials import Potential
    from simdyn.cli.settings import parse_numbers

    parameters = parse_numbers(assignments, "--set")
    if text.isidentifier() and len(text) > 1:
        settings: dict[str, Any] = dict(parameters) if dim is None else {"dim": dim, **parameters}
        return potentials.lookup(text, **settings)
    if dim is not None:
        raise InputError(
            f"--dim {dim} belongs to a named potential; the formula {text!r} has the dimension of its "
            "variables."
        )
    return Potential(text, parameters=parameters)


def read_potential(text: str, dim: int | None, assignments: list[str]) -> Potential:
    """As `read_landscape`, where an energy is needed.

    Raises
    ------
    InputError
        As there, or the name of a drift field.
    """
    from potentials import Potential

    landscape = read_landscape(text, dim, assignments)
    if not isinstance(landscape, Potential):
        raise InputError(f"{text} is a drift field and has no energy; name a potential.")
    return landscape
