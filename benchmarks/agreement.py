"""Whether two contestants compute the same thing, as far as their samples can tell."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Sample

LIMIT = 5.0
"""In standard errors. Some 70 tests a run, each with a false alarm in 1.7 million: one run in 25,000 is
wrongly called wrong."""


def disagreement(sample: Sample, reference: Sample) -> float:
    """Largest difference between the two samples' statistics, in standard errors of that difference.

    Compared are the mean and the second moment about the reference's mean, over paths and coordinates; for
    more than one coordinate also the second moment of their sum, which sees noise shared between coordinates.
    """
    centre = float(np.mean(reference))
    return max(
        _standard_errors(mine, theirs)
        for mine, theirs in zip(_per_path(sample, centre), _per_path(reference, centre), strict=True)
    )


def _per_path(sample: Sample, centre: float) -> list[NDArray[np.float64]]:
    """Numbers whose means over independent paths are the statistics; their scatter gives the errors."""
    deviation = np.asarray(sample, np.float64).reshape(len(sample), -1) - centre
    statistics = [deviation.mean(axis=1), (deviation**2).mean(axis=1)]
    if deviation.shape[1] > 1:
        statistics.append(deviation.sum(axis=1) ** 2)
    return statistics


def _standard_errors(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    difference = abs(float(mine.mean() - theirs.mean()))
    error = math.sqrt(mine.var() / mine.size + theirs.var() / theirs.size)
    if error == 0.0:
        return 0.0 if difference == 0.0 else math.inf
    return difference / error
