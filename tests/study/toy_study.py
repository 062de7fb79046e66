"""A study small enough for tests: the mean of exponential variables, beside its exact value."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simdyn.study import Claim, Dimension, Grid, Quantity, Study, StudyFigure, judge


@dataclass(frozen=True)
class Settings:
    samples: int
    rates: tuple[float, ...]


def grids(settings):
    return [
        Grid(
            "means",
            "Mean against rate",
            [Dimension("rate", settings.rates, "1/steps", "rate of the exponential")],
            [Quantity("mean", "steps", "sample mean"), Quantity("samples", "", "sample size")],
        ),
        Grid(
            "thresholds",
            "Share above a threshold",
            [
                Dimension("rate", settings.rates, "1/steps", "rate of the exponential"),
                Dimension("threshold", (1, 2), "steps", "what to exceed"),
            ],
            [Quantity("share", "", "share above the threshold"), Quantity("clean", "", "no value diverged")],
            one_thread=True,
        ),
    ]


def misbehave(parameters):
    """What tests of the runner ask a worker to do, by the environment."""
    bomb = os.environ.get("TOY_BOMB")
    if bomb == "always":
        os.kill(os.getpid(), signal.SIGKILL)
    elif bomb:
        try:
            os.unlink(bomb)
        except FileNotFoundError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("TOY_PIDS"):
        Path(os.environ["TOY_PIDS"], f"{os.getpid()}.pid").touch()
    if os.environ.get("TOY_FAILS") == str(parameters["rate"]):
        raise ArithmeticError("asked to fail")


def cell(grid, parameters, seed, settings, execution):
    misbehave(parameters)
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    drawn = np.random.Generator(np.random.Philox(seed)).exponential(1 / parameters["rate"], settings.samples)
    execution.progress.update(
        events=settings.samples, censored_share=0.0, relative_error=settings.samples**-0.5
    )
    if grid == "means":
        return {"mean": drawn.mean(), "samples": settings.samples, "label": f"rate {parameters['rate']}"}
    limit = np.nan if parameters["threshold"] == 2 else np.inf
    return {"share": np.mean(drawn > parameters["threshold"]), "clean": np.bool_(True), "limit": limit}


def claims(results, settings):
    made = []
    for rate in settings.rates:
        measured = float(results["means"]["mean"].sel(rate=rate))
        half = 1.96 * measured / settings.samples**0.5
        made.append(
            Claim(
                claim=f"The mean of an exponential of rate {rate} is its inverse",
                source="Any textbook",
                predicted=1 / rate,
                measured=measured,
                low=measured - half,
                high=measured + half,
                unit="steps",
                verdict=judge(measured - half, measured + half, 0.9 / rate, 1.1 / rate),
                why="95 % interval against a band of 10 % around the prediction.",
            )
        )
    return made


def figures(results, settings):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    means = results["means"]["mean"]
    axes.plot(means["rate"], means, "o", label="measured")
    axes.plot(means["rate"], 1 / means["rate"], label="exact")
    axes.set_xlabel("rate")
    axes.set_ylabel("mean")
    axes.legend()
    return [StudyFigure("means", "Sample means (dots) lie on the exact curve.", figure)]


STUDY = Study(
    name="toy",
    title="Means of exponentials",
    source="Textbook (1900)",
    summary="Is the mean of an exponential the inverse of its rate?",
    methods="Samples are drawn and averaged.\n\nIntervals are normal, at 95 %.",
    quick=Settings(samples=4000, rates=(0.5, 1.0, 2.0)),
    full=Settings(samples=8000, rates=(0.5, 1.0, 2.0)),
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
