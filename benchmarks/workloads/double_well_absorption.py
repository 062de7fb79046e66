"""Escape from a valley: paths stop at different times, and only steps before the stop are useful."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.workloads.double_well import DOUBLE_WELL

DOUBLE_WELL_ABSORPTION = replace(
    DOUBLE_WELL,
    name="double_well_absorption",
    title="1-D double well, start at -1, absorbed at x >= 0, at most 10,000 steps",
    steps=10_000,
    exit_above=0.0,
    goals={},
)
