"""The answer to how long until it escapes, with everything to hold it against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simdyn.estimators import Measurement
from simdyn.estimators.reactive_paths import Setting
from simdyn.results import Estimate, Prediction, Reference

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

INTERRUPTED = "It was interrupted before it was computed."


@dataclass(frozen=True, kw_only=True)
class EscapeEstimate(Estimate):
    """A measured mean escape time with everything to hold it against.

    Attributes
    ----------
    censored, diverged
        Paths that ran out of budget, and paths that blew up.
    exits
        Share of the escapes that went through each channel.
    predictions
        Closed forms that belong to this problem, each with its validity.
    reference
        The numerically exact value, or None; then `reference_note` says why.
    warnings
        Sentences on what a reader should know before trusting the value.
    misclassified
        For an approximate valley exit: share of sampled exits from which gradient descent returns to the
        start's minimum.
    overshoot
        Share of the (first 2,000) escapes that landed where the noise-free update runs away to infinity:
        explosions of too large a step, not escapes. Of alpha-stable noise those are leaps, which are escapes:
        its explosions are told apart step by step and count as diverged.
    problem
        Record of landscape, dynamics, start, exit and budget, enough to repeat the run.
    seed, backend, steps_done, seconds, versions
        Provenance.
    measurement
        The raw records behind the value.
    setting
        What the paths were paths of.
    """

    censored: int
    diverged: int
    exits: Mapping[str, float]
    predictions: tuple[Prediction, ...]
    reference: Reference | None
    reference_note: str
    warnings: tuple[str, ...]
    misclassified: float | None
    overshoot: float
    problem: Mapping[str, Any]
    seed: Mapping[str, Any]
    backend: str
    steps_done: int
    seconds: float
    versions: Mapping[str, str]
    measurement: Measurement = field(repr=False, compare=False)
    setting: Setting = field(repr=False, compare=False)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the simulation early, or came before the exact value."""
        return not self.measurement.complete or self.reference_note == INTERRUPTED

    def compare(self) -> pandas.DataFrame:
        """One row an answer: measured, exact, predicted; with the ratio to the measured value and a
        verdict."""
        from simdyn.questions.comparison import comparison_table

        return comparison_table(self)

    def reactive_paths(self, paths: int = 500, inner: float | None = None) -> xarray.Dataset:
        """Sampled transition paths: from the last point near the minimum to the first one beyond the exit.

        They are computed again from the numbers of their noise, to the bit as they were in the measurement.

        Parameters
        ----------
        paths
            How many to pick, evenly by weight: the runs of splitting count by their probabilities, and the
            surviving replicas of a run equally, as do the escapes of direct simulation. Those picked twice
            are given once, with twice the weight.
        inner
            A point is near the minimum where the score is at most this: by default the score of half of all
            settled points.

        Returns
        -------
        xarray.Dataset
            `position(path, step, coordinate)`, NaN once a path has left; `duration(path)` in steps,
            `weight(path)`, `run(path)` (paths of one run of splitting share their beginnings, those of
            different runs are independent) and `channel(path)`. The attributes hold the score and `inner`,
            and seed, problem and versions as JSON.

        Raises
        ------
        InputError
            No escapes, or an interrupted run.
        """
        from simdyn.questions.reactive_paths import reactive_paths_dataset

        return reactive_paths_dataset(self, paths, inner)

    def plot(self, path: str | None = None) -> Figure:
        """The survival curve on a log axis with the fitted exponential, the predictions and the exact mean;
        for splitting the mean according to each run, for a flux the flow as it becomes stationary.

        With `path` the figure is also written there (.pdf, .svg or .png).
        """
        from simdyn.plotting.flux import flux_figure
        from simdyn.plotting.splitting import splitting_figure
        from simdyn.plotting.style import saved
        from simdyn.plotting.survival import survival_figure

        draw = {"direct": survival_figure, "flux": flux_figure}.get(self.measurement.method, splitting_figure)
        return saved(draw(self), path)

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; unbounded values are None."""
        from simdyn.questions.record import json_object

        return json_object(self)

    def __str__(self) -> str:
        from simdyn.questions.comparison import summary

        return summary(self)
