"""Where a path begins and what counts as its escape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.exits.exit import Channel, Exit, Surface
    from simdyn.exits.resolve import resolve_exit
    from simdyn.exits.score import Score, own_score, progress
    from simdyn.exits.start import parse_start

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.exits.exit": ["Channel", "Exit", "Surface"],
        "simdyn.exits.resolve": ["resolve_exit"],
        "simdyn.exits.score": ["Score", "own_score", "progress"],
        "simdyn.exits.start": ["parse_start"],
    },
)

__all__ = ["Channel", "Exit", "Score", "Surface", "own_score", "parse_start", "progress", "resolve_exit"]
