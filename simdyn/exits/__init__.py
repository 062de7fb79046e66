"""Where a path begins and what counts as its escape."""

from simdyn.exits.exit import Channel, Exit, Surface
from simdyn.exits.resolve import resolve_exit
from simdyn.exits.start import parse_start

__all__ = ["Channel", "Exit", "Surface", "parse_start", "resolve_exit"]
