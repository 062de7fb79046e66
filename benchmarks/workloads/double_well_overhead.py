"""The price of watching for an exit that nobody reaches, to be compared with not watching at all."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contest import at_most
from benchmarks.workloads.double_well import DOUBLE_WELL

DOUBLE_WELL_OVERHEAD = replace(
    DOUBLE_WELL,
    name="double_well_overhead",
    title="1-D double well, 1,000 steps, simdyn with and without an exit at x >= 4 (out of reach)",
    # At D = 0.1 the Gibbs weight of x = 4 relative to x = -1 is exp(-562): no path gets there.
    exit_above=4.0,
    peers=("simdyn",),
    goals={"simdyn, watching the exit": at_most(1.25)},
)
