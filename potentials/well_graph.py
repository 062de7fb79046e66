"""Which minima lie beside one another, and over which saddles the ways between them lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from potentials.critical_points import CriticalPoint

__all__ = ["Pass", "WellGraph", "in_order"]


@dataclass(frozen=True, eq=False)
class Pass:
    """A saddle with what lies at the ends of the two ways down from it.

    Attributes
    ----------
    saddle
        Index-1 critical point.
    wells
        Numbers of the two minima; the second is None where that way ends in no minimum within the domain.
    """

    saddle: CriticalPoint
    wells: tuple[int, int | None]


@dataclass(frozen=True, eq=False)
class WellGraph:
    """Minima and the passes between them.

    Attributes
    ----------
    minima
        Lowest first; their places in this tuple are the numbers of the wells.
    passes
        Lowest saddle first. A saddle from which both ways lead into the same minimum is none.
    complete
        Whether no minimum and no pass can be missing. Otherwise they are those that a search has found:
        nothing that is listed is wrong, but something may be left out.
    """

    minima: tuple[CriticalPoint, ...]
    passes: tuple[Pass, ...]
    complete: bool

    @property
    def leaks(self) -> tuple[Pass, ...]:
        """Passes that lead out of the wells."""
        return tuple(way for way in self.passes if way.wells[1] is None)


def in_order(
    minima: Sequence[CriticalPoint],
    ways: Sequence[tuple[CriticalPoint, int | None, int | None]],
    complete: bool,
) -> WellGraph:
    """The graph of minima and saddles in any order, each saddle with the places of its two minima."""
    order = sorted(range(len(minima)), key=lambda i: (minima[i].energy, tuple(minima[i].x)))
    number = {old: new for new, old in enumerate(order)}
    passes = []
    for saddle, one, other in ways:
        ends = sorted(number[i] for i in (one, other) if i is not None)
        if ends and one != other:
            passes.append(Pass(saddle, (ends[0], ends[1] if len(ends) == 2 else None)))
    passes.sort(key=lambda way: (way.saddle.energy, tuple(way.saddle.x)))
    return WellGraph(tuple(minima[i] for i in order), tuple(passes), complete)
