"""Sampled transition paths as a dataset that explains itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from simdyn.counts import MEMORY_LIMIT, gigabytes, whole_number
from simdyn.errors import InputError
from simdyn.estimators.reactive_paths import sample_reactive_paths

if TYPE_CHECKING:
    import xarray

    from simdyn.questions.escape_estimate import EscapeEstimate

QUESTION = "reactive paths"
"""The attribute `question` of the datasets, by which a file is known again."""


def reactive_paths_dataset(answer: EscapeEstimate, paths: int, inner: float | None) -> xarray.Dataset:
    """See `EscapeEstimate.reactive_paths`."""
    import xarray

    paths = whole_number("paths", paths)
    setting = answer.setting
    found = sample_reactive_paths(answer.measurement, setting, paths, inner)
    durations = np.array([len(points) - 1 for points in found.points])
    dim, longest = setting.update.dim, int(durations.max())
    dtype = found.points[0].dtype
    size = len(durations) * (longest + 1) * dim * dtype.itemsize
    if size > MEMORY_LIMIT:
        raise InputError(
            f"{len(durations):,} paths of up to {longest:,} steps would take {gigabytes(size)}, more "
            f"than the {gigabytes(MEMORY_LIMIT)} that are allowed; ask for fewer paths."
        )
    position = np.full((len(durations), longest + 1, dim), np.nan, dtype=dtype)
    for place, points in enumerate(found.points):
        position[place, : len(points)] = points
    steps = np.arange(longest + 1)
    labels = np.array(setting.exit.labels)
    return xarray.Dataset(
        {
            "position": (
                ("path", "step", "coordinate"),
                position,
                {"long_name": "point after so many steps, missing once the path has left"},
            ),
            "duration": (
                ("path",),
                durations,
                {"units": "steps", "long_name": "steps from the minimum's neighbourhood to beyond the exit"},
            ),
            "weight": (("path",), found.weights, {"long_name": "share of the paths; adds up to 1"}),
            "run": (("path",), found.runs, {"long_name": "paths of different runs are independent"}),
            "channel": (("path",), labels[found.channels], {"long_name": "channel of the exit"}),
        },
        coords={
            "step": (("step",), steps, {"units": "steps", "long_name": "steps since near the minimum"}),
            "time": (
                ("step",),
                steps * setting.update.step,
                {"units": "time", "long_name": "steps times the SDE time of one step"},
            ),
            "coordinate": (
                ("coordinate",),
                np.array([v.name for v in setting.exit.variables]),
                {"long_name": "variable"},
            ),
        },
        attrs={
            "question": QUESTION,
            "title": f"{len(durations)} paths on their way out of {answer.problem['potential']['name']}, "
            f"{answer.problem['exit']}",
            "score": setting.score.description,
            "inner": found.inner,
            "seed": json.dumps(answer.seed),
            "problem": json.dumps(answer.problem),
            "versions": json.dumps(answer.versions),
        },
    )
