"""What a study is: labelled grids, a pure cell function, figures and claims."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from simdyn.errors import InputError
from simdyn.study.claims import Claim
from simdyn.study.progress import CellProgress
from simdyn.study.settings import from_record, overridden

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.random import SeedSequence

    from simdyn.study.results import Results

Value = float | int | bool | str
"""What a cell may be given as a coordinate and may return as a measurement."""

Parameters = dict[str, Value]
"""The coordinates of one cell, by dimension."""

Size = Literal["quick", "full"]
"""Which of a study's two settings: a look in minutes, or the real thing."""

S = TypeVar("S")
"""A study's own frozen dataclass of settings."""


def plain_value(value: object, what: str) -> Value:
    """Turn a NumPy scalar into the Python value it holds; refuse what cannot be stored.

    Raises
    ------
    TypeError
        If `value` is no number, truth value or text.
    """
    if not isinstance(value, bool | int | float | str) and hasattr(value, "item"):
        value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{what} is {value!r}; a study stores only numbers, truth values and text")


@dataclass(frozen=True)
class Dimension:
    """One axis of a grid: a name, its values, their unit ("" where there is none) and what it means.

    Raises
    ------
    InputError
        If the name is no identifier, or the values are none, not finite or not all different.
    """

    name: str
    values: Sequence[Value]
    unit: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        _check_name("dimension", self.name)
        values = tuple(plain_value(value, f"a value of dimension {self.name}") for value in self.values)
        if not values or len(set(values)) != len(values):
            raise InputError(
                f"dimension {self.name} has the values {values}; give at least one, all different"
            )
        if any(isinstance(value, float) and not math.isfinite(value) for value in values):
            raise InputError(f"dimension {self.name} has the values {values}; give finite ones")
        object.__setattr__(self, "values", values)


UNIT = "unit"
"""The coordinate that tells the units of one cell apart, in grids with a budget."""

OF_BUDGET = ("units", "relative_error", "target_met")
"""What a grid with a budget reports of every cell besides its quantities."""


@dataclass(frozen=True)
class Quantity:
    """One measurement that every cell of a grid returns: its name, unit and meaning.

    Attributes
    ----------
    pooled
        What becomes of it when a cell runs in units (see `Budget`): their "mean", for which the 95 % interval
        from their spread is added as `name_low` and `name_high`; their "sum"; or what is the "same" in all.
    """

    name: str
    unit: str = ""
    description: str = ""
    pooled: Literal["mean", "sum", "same"] = "mean"

    def __post_init__(self) -> None:
        _check_name("quantity", self.name)


@dataclass(frozen=True)
class Budget:
    """Cells run in units until a quantity is known well enough.

    A unit is one call of the cell function with a seed of its own, and all units of a cell are alike. After
    every unit from the `fewest_units`-th on, the spread of the units so far gives the relative standard error
    of the mean; the cell ends when that is at most `target_error`, or with `most_units`. An error that looks
    small by chance ends a cell early, so that Student's 95 % interval of normal units covers 93 to 95 % with
    at least 8 of them, and 91 to 94 % with at least 4.

    Attributes
    ----------
    of
        The quantity, which is pooled as a mean.
    target_error
        Its relative standard error to be met.
    most_units, fewest_units
        Numbers of units.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    of: str
    target_error: float
    most_units: int
    fewest_units: int = 8

    def __post_init__(self) -> None:
        if not 0.0 < self.target_error < 1.0:
            raise InputError(
                f"the target error of {self.of} is {self.target_error}; give one between 0 and 1, as 0.02"
            )
        if not 2 <= self.fewest_units <= self.most_units:
            raise InputError(
                f"the budget of {self.of} has at least {self.fewest_units} and at most {self.most_units} "
                "units; give at least 2 and no less at most"
            )


@dataclass(frozen=True)
class Grid:
    """One labelled sweep: the cells are the Cartesian product of the dimensions' values.

    Attributes
    ----------
    name, title
        An identifier, and a heading for people.
    dimensions
        Slowest first.
    quantities
        Units and meanings of what a cell returns, in the order of the tables. A cell must return all of them
        and may return more.
    description
        One or two sentences below the heading.
    budget
        Whether cells run in units until a relative error is met; None: the cell function is called once.
    one_thread
        Whether a cell uses one thread whatever it is given, as the training of a small network does, and
        shares no work with other cells. Then several can run side by side (see `simdyn.study.run_study`).
    """

    name: str
    title: str
    dimensions: Sequence[Dimension]
    quantities: Sequence[Quantity] = ()
    description: str = ""
    budget: Budget | None = None
    one_thread: bool = False

    def __post_init__(self) -> None:
        _check_name("grid", self.name)
        object.__setattr__(self, "dimensions", tuple(self.dimensions))
        object.__setattr__(self, "quantities", tuple(self.quantities))
        names = [dimension.name for dimension in self.dimensions]
        names += [quantity.name for quantity in self.quantities]
        if not self.dimensions or len(set(names)) != len(names) or "grid" in names:
            raise InputError(
                f"grid {self.name} has the names {names}; give at least one dimension and names that are all "
                'different and none of them "grid"'
            )
        if self.budget is not None:
            self._check_budget(self.budget, names)

    def _check_budget(self, budget: Budget, names: list[str]) -> None:
        if all(one.name != budget.of or one.pooled != "mean" for one in self.quantities):
            raise InputError(
                f"the budget of grid {self.name} is for {budget.of}, which is no quantity of it that is "
                "pooled as a mean; name one"
            )
        reported = [one.name for one in self.reported]
        if UNIT in names or len(set(reported)) < len(reported) or set(names) & set(OF_BUDGET):
            raise InputError(
                f"grid {self.name} has the names {names}, but with a budget {', '.join((UNIT, *OF_BUDGET))} "
                "and the ends of intervals (..._low, ..._high) are taken; choose others"
            )

    @property
    def reported(self) -> tuple[Quantity, ...]:
        """The quantities of the results: with a budget also ends of intervals, and how each cell ended."""
        if self.budget is None:
            return tuple(self.quantities)
        found: list[Quantity] = []
        for one in self.quantities:
            found.append(one)
            if one.pooled == "mean":
                found += [
                    Quantity(
                        f"{one.name}_{end}", one.unit, f"{word} end of the 95 % interval: {one.description}"
                    )
                    for end, word in (("low", "lower"), ("high", "upper"))
                ]
        watched = self.budget.of
        return (
            *found,
            Quantity("units", "", "units of work that the cell took", "same"),
            Quantity("relative_error", "", f"relative standard error of {watched} by their spread", "same"),
            Quantity("target_met", "", f"whether that is at most {self.budget.target_error:g}", "same"),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each dimension."""
        return tuple(len(dimension.values) for dimension in self.dimensions)

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def cells(self) -> Iterator[Parameters]:
        """The coordinates of every cell, the last dimension running fastest."""
        names = [dimension.name for dimension in self.dimensions]
        for values in itertools.product(*(dimension.values for dimension in self.dimensions)):
            yield dict(zip(names, values, strict=True))


@dataclass(frozen=True)
class Execution:
    """How a cell is run. Nothing in here may change what the cell returns.

    Attributes
    ----------
    threads
        Threads the cell may use; None for all.
    progress
        To be told how the running cell gets on.
    """

    threads: int | None
    progress: CellProgress


@dataclass(frozen=True)
class StudyFigure:
    """A figure of the report: the name of its files, a caption for people, and the Matplotlib figure."""

    name: str
    caption: str
    figure: Figure

    def __post_init__(self) -> None:
        _check_name("figure", self.name)


@dataclass(frozen=True, kw_only=True)
class Study(Generic[S]):
    """Claims of one source, the grids that test them, and what is drawn and concluded.

    Attributes
    ----------
    name, title, source, summary
        Identifier; heading; the publication examined; what is asked and why, in plain text (a blank line
        starts a paragraph).
    methods
        How it is measured, for the report, in plain text.
    quick, full
        Two instances of one frozen dataclass whose fields are numbers, truth values, text, None or tuples of
        them.
    grids
        settings -> the grids.
    cell
        (grid name, parameters, seed, settings, execution) -> measurements by name; a pure function of the
        first four.
    figures, claims
        (results, settings) -> figures, and claims with verdicts; computed from the results alone.

    Raises
    ------
    InputError
        If the name is no identifier, or the settings are not frozen dataclasses.
    """

    name: str
    title: str
    source: str
    summary: str
    methods: str
    quick: S
    full: S
    grids: Callable[[S], Sequence[Grid]]
    cell: Callable[[str, Parameters, SeedSequence, S, Execution], Mapping[str, Any]]
    figures: Callable[[Results, S], Sequence[StudyFigure]]
    claims: Callable[[Results, S], Sequence[Claim]]

    def __post_init__(self) -> None:
        _check_name("study", self.name)
        for settings in (self.quick, self.full):
            parameters = getattr(type(settings), "__dataclass_params__", None)
            if parameters is None or not parameters.frozen:
                raise InputError(
                    f"the settings of study {self.name} are {settings!r}; make them a frozen dataclass"
                )

    def settings(self, size: Size, overrides: Mapping[str, Any] | None = None) -> S:
        """The quick or the full settings, with some of them overridden.

        Raises
        ------
        InputError
            If an override names no setting or is of another kind than its default.
        """
        return overridden(self.quick if size == "quick" else self.full, overrides or {})

    def stored_settings(self, record: Mapping[str, Any]) -> S:
        """The settings that a manifest holds.

        Raises
        ------
        InputError
            If the study has other settings by now.
        """
        return from_record(type(self.quick), record)

    def checked_grids(self, settings: S) -> tuple[Grid, ...]:
        """The grids, after a check that their names differ."""
        grids = tuple(self.grids(settings))
        names = [grid.name for grid in grids]
        if not grids or len(set(names)) != len(names):
            raise InputError(
                f"study {self.name} has the grids {names}; give at least one, all named differently"
            )
        return grids


def settings_record(settings: object) -> dict[str, Any]:
    """The settings as a JSON-able dict (tuples become lists)."""

    def listed(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): listed(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [listed(item) for item in value]
        return value if value is None else plain_value(value, "a setting")

    assert dataclasses.is_dataclass(settings)
    assert not isinstance(settings, type)
    record = listed(dataclasses.asdict(settings))
    assert isinstance(record, dict)
    return record


def _check_name(kind: str, name: str) -> None:
    if not name.isidentifier():
        raise InputError(f"{kind} name {name!r} is not an identifier; use letters, digits and underscores")
