"""What is kept of an ensemble while it advances: nothing of the past but what was asked for."""

from simdyn.recorders.diverged import DivergedRecorder
from simdyn.recorders.ensemble import Ensemble, Progress, Schedule
from simdyn.recorders.histogram import HistogramRecorder, Quantity
from simdyn.recorders.moments import MomentsRecorder
from simdyn.recorders.observation import Observation, Recorder, Variable
from simdyn.recorders.run import Run, run_ensemble
from simdyn.recorders.snapshots import SnapshotsRecorder
from simdyn.recorders.time_averages import TimeAveragesRecorder

__all__ = [
    "DivergedRecorder",
    "Ensemble",
    "HistogramRecorder",
    "MomentsRecorder",
    "Observation",
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
