"""A quantity with the ends of its interval: as a grid lists it, and as a cell returns it."""

from __future__ import annotations

from typing import Protocol

from simdyn.study.definition import Quantity


class Measured(Protocol):
    """A value and the ends of its 95 % interval, as estimates have them."""

    @property
    def value(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


def quantity_with_interval(name: str, unit: str, description: str) -> tuple[Quantity, Quantity, Quantity]:
    """The quantities `name`, `name_low` and `name_high`, for cells that know the interval themselves.

    Parameters
    ----------
    name, unit, description
        As of a `Quantity`.
    """
    return (
        Quantity(name, unit, description),
        Quantity(f"{name}_low", unit, f"lower end of the 95 % interval: {description}"),
        Quantity(f"{name}_high", unit, f"upper end of the 95 % interval: {description}"),
    )


def value_with_interval(name: str, measured: Measured) -> dict[str, float]:
    """What a cell returns for a `quantity_with_interval`.

    Parameters
    ----------
    name
        Of the quantity.
    measured
        An estimate, or an `Interval`.
    """
    return {
        name: float(measured.value),
        f"{name}_low": float(measured.low),
        f"{name}_high": float(measured.high),
    }
