"""Reads the landscape and the dynamics of a problem from the arguments of a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError

if TYPE_CHECKING:
    from potentials import DriftField, Potential
    from simdyn.dynamics import Dynamics


def landscape(text: str, dim: int | None, assignments: list[str]) -> Potential | DriftField:
    """The landscape of a name in the catalogue, the potential of a formula, or the drift field of a list of
    formulas in brackets, such as "[x - x**3 - x*y**2, -(1 + x**2)*y]".

    Raises
    ------
    InputError
        An unknown name, a formula that cannot be read, or parameters that do not fit.
    """
    import potentials
    from potentials import DriftField, Potential
    from simdyn.cli.settings import parse_numbers, split

    parameters = parse_numbers(assignments, "--set")
    if text.isidentifier() and len(text) > 1:
        settings: dict[str, Any] = dict(parameters) if dim is None else {"dim": dim, **parameters}
        return potentials.lookup(text, **settings)
    if dim is not None:
        raise InputError(
            f"--dim {dim} belongs to a named landscape; the formula {text!r} has the dimension of its "
            "variables."
        )
    bracketed = text.strip()
    if bracketed.startswith("[") and bracketed.endswith("]"):
        return DriftField([part.strip() for part in split(bracketed[1:-1])], parameters=parameters)
    return Potential(text, parameters=parameters)


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
