"""How the time to leave a double well grows as the temperature falls: a study to start from.

Run it with `simdyn study run my_study.py --quick --out results/my_study` and look at report.html there. Then
put your own question in place of this one, from top to bottom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import double_well
from simdyn import SGLD, escape_time, theory
from simdyn.inference import fit_line
from simdyn.plotting.intervals import draw_quantity
from simdyn.plotting.style import EXACT, PREDICTED, house_style, new_figure
from simdyn.study import (
    Budget,
    Claim,
    Dimension,
    Execution,
    Grid,
    Quantity,
    Results,
    Study,
    StudyFigure,
    judge,
)

if TYPE_CHECKING:
    from numpy.random import SeedSequence

BARRIER = 0.25
"""Of the double well x**4/4 - x**2/2."""


@dataclass(frozen=True)
class Settings:
    """Everything that a reader may want to change; a TOML file with some of these names overrides them."""

    learning_rate: float
    temperatures: tuple[float, ...]
    paths: int
    target_error: float
    most_units: int


QUICK = Settings(
    learning_rate=0.02, temperatures=(0.05, 0.07, 0.1), paths=50, target_error=0.05, most_units=40
)
FULL = Settings(
    learning_rate=0.005,
    temperatures=(0.04, 0.05, 0.06, 0.08, 0.1),
    paths=250,
    target_error=0.02,
    most_units=40,
)


def grids(settings: Settings) -> list[Grid]:
    """What is swept and what each cell returns, with units.

    With a budget a cell runs in units, each with a seed of its own, until the relative standard error of the
    mean over units is met or the units are used up. Of a quantity pooled as a mean the results hold the mean
    with the ends of its 95 % interval, and of every cell `units`, `relative_error` and `target_met`. Leave
    the budget out, and a cell is called once.
    """
    return [
        Grid(
            "temperature",
            "Escape time against temperature",
            [Dimension("T", settings.temperatures, "loss", "temperature")],
            [
                Quantity("steps", "steps", "measured mean escape time"),
                Quantity("predicted", "steps", "Kramers' formula", pooled="same"),
                Quantity("exact", "steps", "exact value of the simulated chain", pooled="same"),
            ],
            budget=Budget("steps", settings.target_error, settings.most_units),
        )
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """One unit of one point of the grid. A pure function of all but `execution`: it may run anywhere, in any
    order."""
    potential, dynamics = double_well(), SGLD(settings.learning_rate, parameters["T"])
    answer = escape_time(
        potential,
        dynamics,
        "x=-1",
        "x >= 0",
        paths=settings.paths,
        method="direct",
        seed=seed,
        threads=execution.threads,
        progress=execution.progress.of_escapes,
    )
    return {
        "steps": answer.value,
        "predicted": theory.kramers(potential, dynamics, "x=-1", "x >= 0").value,
        "exact": answer.reference.value if answer.reference else float("nan"),
    }


def claims(results: Results, settings: Settings) -> list[Claim]:
    """What the source says, what this run found, and the verdict that follows from the numbers."""
    data = results["temperature"]
    line = fit_line(1.0 / data["T"].values, np.log(data["steps"].values), data["relative_error"].values)
    return [
        Claim(
            claim="The logarithm of the escape time is linear in 1/T with the barrier as slope",
            source="H. A. Kramers, Physica 7 (1940) 284",
            predicted=BARRIER,
            measured=line.slope,
            low=line.low,
            high=line.high,
            unit="loss",
            verdict=judge(line.low, line.high, 0.8 * BARRIER, 1.2 * BARRIER),
            why="A line through all temperatures, judged against the barrier within 20 %: the law is "
            "asymptotic in T.",
        )
    ]


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """Measured, predicted and exact values side by side."""
    data = results["temperature"]
    x = 1.0 / data["T"].values
    with house_style():
        figure = new_figure()
        axes = figure.subplots()
        draw_quantity(axes, x, data, "steps", label="measured")
        axes.plot(x, data["exact"], color=EXACT, label="exact")
        axes.plot(x, data["predicted"], color=PREDICTED[0], linestyle="--", label="Kramers")
        axes.set_yscale("log")
        axes.set_xlabel("1/T")
        axes.set_ylabel("mean escape time [steps]")
        axes.legend()
    return [StudyFigure("temperature", "Mean escape time against inverse temperature.", figure)]


STUDY = Study(
    name="my_study",
    title="Escape from a double well",
    source="H. A. Kramers, Physica 7 (1940) 284",
    summary="Does the time to leave a double well follow the law of Kramers?",
    methods="SGLD from the left minimum until x >= 0; units of paths until the relative error is met.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
