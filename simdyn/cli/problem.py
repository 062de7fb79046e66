"""Reads the landscape and the dynamics of a problem from the arguments of a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError

if TYPE_CHECKING:
    from potentials import Potential
    from simdyn.dynamics import Dynamics


def landscape(text: str, dim: int | None, assignments: list[str]) -> Potential:
    """The potential of a formula, or of a name in the catalogue with its dimension and parameters.

    Raises
    ------
    InputError
        An unknown name, a formula that cannot be read, or parameters that do not fit.
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
