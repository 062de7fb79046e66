"""Reads the landscape and the dynamics of a problem from the arguments of a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError

if TYPE_CHECKING:
    from potentials import DriftField, Potential
    from simdyn.dynamics import Dynamics


def landscape(
    text: str, dim: int | None, assignments: list[str], data: str | None = None, start: str = ""
) -> Potential | DriftField:
    """The landscape of a name in the catalogue, the potential of a formula, the drift field of a list of
    formulas in brackets, such as "[x - x**3 - x*y**2, -(1 + x**2)*y]", or, with a file of data, the mean of
    the per-sample loss that a formula is, over its rows.

    Names in a loss that are neither columns nor parameters are its variables; `start` is what --start says of
    them.

    Raises
    ------
    InputError
        An unknown name, a formula that cannot be read, parameters that do not fit, data that cannot be read,
        or a name in a loss that means nothing.
    """
    import potentials
    from potentials import DriftField, Potential
    from simdyn.cli.settings import parse_numbers, split

    parameters = parse_numbers(assignments, "--set")
    if data is not None:
        return _loss(text, dim, parameters, data, start)
    if text.isidentifier() and len(text) > 1:
        settings: dict[str, Any] = dict(parameters) if dim is None else {"dim": dim, **parameters}
        return potentials.lookup(text, **settings)
    _refuse_dim(text, dim)
    bracketed = text.strip()
    if bracketed.startswith("[") and bracketed.endswith("]"):
        return DriftField([part.strip() for part in split(bracketed[1:-1])], parameters=parameters)
    return Potential(text, parameters=parameters)


def _loss(text: str, dim: int | None, parameters: dict[str, float], data: str, start: str) -> Potential:
    """The mean of a per-sample loss over the rows of a file."""
    from potentials import FiniteSum, names
    from potentials.samples import columns_from

    if text in names():
        raise InputError(
            f"--data belongs to a per-sample loss, but {text!r} is a named landscape; give a formula of the "
            f"columns of {data}, or leave --data out."
        )
    _refuse_dim(text, dim)
    made = FiniteSum(text, data, parameters=parameters)
    placed = {part.partition("=")[0].strip() for part in start.split(",")} if "=" in start else None
    lost = [v.name for v in made.variables if placed is not None and v.name not in placed]
    if lost:
        _, columns = columns_from(data, ())
        raise InputError(
            f"The loss uses {', '.join(lost)}, which is no column of {data} (it has {', '.join(columns)}) "
            f"and no parameter of --set, and --start {start} gives it no value; correct the name, or give "
            "it one of these."
        )
    return made


def _refuse_dim(text: str, dim: int | None) -> None:
    if dim is not None:
        raise InputError(
            f"--dim {dim} belongs to a named landscape; the formula {text!r} has the dimension of its "
            "variables."
        )


def dynamics(sgd: str | None, sgld: str | None, sde: str | None) -> Dynamics:
    """The dynamics that exactly one of the three options names.

    Raises
    ------
    InputError
        None or several of them, or settings that do not fit.
    """
    from simdyn.cli.settings import build
    from simdyn.dynamics import SDE, SGD, SGLD

    given: list[tuple[type, str, str]] = [
        (kind, text, option)
        for kind, text, option in ((SGD, sgd, "--sgd"), (SGLD, sgld, "--sgld"), (SDE, sde, "--sde"))
        if text is not None
    ]
    if len(given) != 1:
        said = " and ".join(option for _, _, option in given) or "none of them"
        raise InputError(f"Name the dynamics by exactly one of --sgd, --sgld and --sde; there was {said}.")
    named: Dynamics = build(*given[0])
    return named
