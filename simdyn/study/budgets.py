"""Cells that run in units until their relative error is met or their budget ends.

A unit is one call of the study's cell function with a branch of the cell's seed. Whether a cell goes on is
decided by its first units alone, in their order, never by which were finished first: any number of workers,
kills and resumptions end with the same units and the same bits. Units that were computed beyond that are not
used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simdyn.study.definition import UNIT, Budget, Grid, Parameters, Value
from simdyn.study.storage import Measured, StudyFolder

_WIDEST_STEP = 2
"""A cell goes on with at most as many units as make it so many times as long."""


@dataclass(frozen=True)
class Spread:
    """The mean over units and its standard error."""

    mean: float
    error: float

    @property
    def relative(self) -> float:
        """Standard error over the size of the mean; infinite where there is no such number."""
        if not math.isfinite(self.mean) or self.mean == 0.0:
            return math.inf
        return self.error / abs(self.mean)


def spread_of(values: Sequence[float]) -> Spread:
    """Of independent units; the error of one alone is infinite."""
    n = len(values)
    mean = math.fsum(values) / n if all(map(math.isfinite, values)) else math.nan
    if n < 2 or not math.isfinite(mean):
        return Spread(mean, math.inf)
    return Spread(mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n))


def units_taken(values: Sequence[float], budget: Budget) -> int | None:
    """The number of first units with which the cell ends; None while it has to go on."""
    for n in range(budget.fewest_units, min(len(values), budget.most_units) + 1):
        if n == budget.most_units or spread_of(values[:n]).relative <= budget.target_error:
            return n
    return None


def units_wanted(values: Sequence[float], budget: Budget) -> int:
    """How many units the first ones suggest that it will take: more than there are, at most twice as many."""
    n = len(values)
    if n < budget.fewest_units:
        return budget.fewest_units
    relative = spread_of(values).relative
    most = min(budget.most_units, _WIDEST_STEP * n)
    if not math.isfinite(relative):
        return most
    return min(most, max(n + 1, math.ceil(n * (relative / budget.target_error) ** 2)))


def finished_units(folder: StudyFolder, grid: Grid, parameters: Parameters) -> list[Measured]:
    """The first units of a cell, up to the first that the folder lacks."""
    assert grid.budget is not None
    found: list[Measured] = []
    while len(found) < grid.budget.most_units:
        unit = folder.load(grid.name, unit_of(parameters, len(found)))
        if unit is None:
            break
        found.append(unit)
    return found


def unit_of(parameters: Parameters, number: int) -> Parameters:
    """How a unit is stored and seeded: as a cell with one more coordinate."""
    return {**parameters, UNIT: number}


def waiting_units(folder: StudyFolder, grid: Grid, parameters: Parameters) -> list[Parameters]:
    """The units that a cell needs next, as far as its first ones tell; none when it has ended."""
    assert grid.budget is not None
    values = _watched(finished_units(folder, grid, parameters), grid.budget)
    if units_taken(values, grid.budget) is not None:
        return []
    units = (unit_of(parameters, number) for number in range(units_wanted(values, grid.budget)))
    return [unit for unit in units if folder.load(grid.name, unit) is None]


def units_used(folder: StudyFolder, grid: Grid, parameters: Parameters) -> list[Measured] | None:
    """The units that a cell has ended with; None while it has not."""
    assert grid.budget is not None
    units = finished_units(folder, grid, parameters)
    taken = units_taken(_watched(units, grid.budget), grid.budget)
    return None if taken is None else units[:taken]


def _watched(units: Sequence[Measured], budget: Budget) -> list[float]:
    return [float(unit.values[budget.of]) for unit in units]


def pooled(units: Sequence[Measured], grid: Grid) -> Measured:
    """What the units of a cell say together.

    Raises
    ------
    TypeError
        If what should be the same in all of them is not, or what should be added is text.
    """
    assert grid.budget is not None
    budget = grid.budget
    from scipy.stats import t

    ways = {quantity.name: quantity.pooled for quantity in grid.quantities}
    students = float(t.ppf(0.975, len(units) - 1))
    values: dict[str, Value] = {}
    for name, first in units[0].values.items():
        if any(name not in unit.values for unit in units):
            continue  # None that the grid declares, for these are checked when they are measured.
        column = [unit.values[name] for unit in units]
        way = ways.get(name, "same" if isinstance(first, bool | str) else "mean")
        if way == "mean":
            spread = spread_of([float(value) for value in column])
            values[name] = spread.mean
            if name in ways:
                half = students * spread.error
                values |= {f"{name}_low": spread.mean - half, f"{name}_high": spread.mean + half}
        else:
            values[name] = _POOLS[way](name, column)
    relative = spread_of(_watched(units, budget)).relative
    values |= {"units": len(units), "relative_error": relative, "target_met": relative <= budget.target_error}
    return Measured(values=values, seconds=sum(unit.seconds for unit in units), versions=units[-1].versions)


def _sum(name: str, column: Sequence[Value]) -> Value:
    if any(isinstance(value, str) for value in column):
        raise TypeError(f"{name} is text, which has no sum; pool it as the same")
    return sum(column) if all(isinstance(v, int) for v in column) else math.fsum(column)  # type: ignore[arg-type]


def _same(name: str, column: Sequence[Value]) -> Value:
    if any(value != column[0] and not _both_nan(value, column[0]) for value in column):
        raise TypeError(f"{name} should be the same in all units of a cell, but it is {column}")
    return column[0]


def _both_nan(one: Value, other: Value) -> bool:
    return one != one and other != other


_POOLS: dict[str, Callable[[str, Sequence[Value]], Value]] = {"sum": _sum, "same": _same}
