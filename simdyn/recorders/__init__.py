"""What is kept of an ensemble while it advances: nothing of the past but what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.recorders.basins import BasinTable
    from simdyn.recorders.diverged import DivergedRecorder
    from simdyn.recorders.ensemble import Ensemble, Progress, Schedule
    from simdyn.recorders.histogram import HistogramRecorder, Quantity
    from simdyn.recorders.long_run import Drift, GroupTotals, LongRunRecorder, Plan
    from simdyn.recorders.moments import MomentsRecorder
    from simdyn.recorders.observation import Observation, Recorder, Variable
    from simdyn.recorders.run import Run, run_ensemble
    from simdyn.recorders.snapshots import SnapshotsRecorder
    from simdyn.recorders.time_averages import TimeAveragesRecorder

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.recorders.basins": ["BasinTable"],
        "simdyn.recorders.diverged": ["DivergedRecorder"],
        "simdyn.recorders.ensemble": ["Ensemble", "Progress", "Schedule"],
        "simdyn.recorders.histogram": ["HistogramRecorder", "Quantity"],
        "simdyn.recorders.long_run": ["Drift", "GroupTotals", "LongRunRecorder", "Plan"],
        "simdyn.recorders.moments": ["MomentsRecorder"],
        "simdyn.recorders.observation": ["Observation", "Recorder", "Variable"],
        "simdyn.recorders.run": ["Run", "run_ensemble"],
        "simdyn.recorders.snapshots": ["SnapshotsRecorder"],
        "simdyn.recorders.time_averages": ["TimeAveragesRecorder"],
    },
)

__all__ = [
    "BasinTable",
    "DivergedRecorder",
    "Drift",
    "Ensemble",
    "GroupTotals",
    "HistogramRecorder",
    "LongRunRecorder",
    "MomentsRecorder",
    "Observation",
    "Plan",
    "Progress",
    "Quantity",
    "Recorder",
    "Run",
    "Schedule",
    "SnapshotsRecorder",
    "TimeAveragesRecorder",
    "Variable",
    "run_ensemble",
]
