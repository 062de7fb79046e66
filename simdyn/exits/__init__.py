"""Where a path begins and what counts as its escape."""

from simdyn.exits.exit import Channel, Exit, Surface
from simdyn.exits.resolve import resolve_exit
from simdyn.exits.score import Score, own_score, progress
from simdyn.exits.start import parse_start

__all__ = ["Channel", "Exit", "Score", "Surface", "own_score", "parse_start", "progress", "resolve_exit"]
