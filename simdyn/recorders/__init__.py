"""What is kept of an ensemble while it advances: nothing of the past but what was asked for."""

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
