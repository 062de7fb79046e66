"""The workloads, in the order in which they are measured; one file each."""

from __future__ import annotations

from benchmarks.contest import Workload
from benchmarks.workloads.double_well import DOUBLE_WELL
from benchmarks.workloads.double_well_absorption import DOUBLE_WELL_ABSORPTION
from benchmarks.workloads.double_well_overhead import DOUBLE_WELL_OVERHEAD
from benchmarks.workloads.styblinski_tang_10d import STYBLINSKI_TANG_10D

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (DOUBLE_WELL, DOUBLE_WELL_ABSORPTION, DOUBLE_WELL_OVERHEAD, STYBLINSKI_TANG_10D)
}
