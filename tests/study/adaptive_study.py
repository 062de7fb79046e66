"""A study with a budget: means of exponentials of rate 1 that an offset makes easier to know."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np

from simdyn.study import Budget, Claim, Dimension, Grid, Quantity, Study


@dataclass(frozen=True)
class Settings:
    offsets: tuple[float, ...] = (9.0, 1.0, 0.0)
    target_error: float = 0.02


def grids(settings):
    return [
        Grid(
            "means",
            "Mean",
            [Dimension("offset", settings.offsets, "", "what is added")],
            [
                Quantity("mean", "", "mean of a unit"),
                Quantity("samples", "", "numbers drawn", pooled="sum"),
                Quantity("law", "", "what they are drawn from", pooled="same"),
            ],
            budget=Budget("mean", settings.target_error, most_units=40),
        ),
        Grid("plain", "Once", [Dimension("unit", (0, 1), "", "its own")], [Quantity("value")]),
    ]


def cell(grid, parameters, seed, settings, execution):
    time.sleep(float(os.environ.get("ADAPTIVE_SECONDS", "0")))
    execution.progress.update(relative_error=1.0)
    if grid == "plain":
        return {"value": float(parameters["unit"])}
    assert set(parameters) == {"offset"}
    drawn = np.random.Generator(np.random.Philox(seed)).exponential(1.0, 25)
    return {"mean": parameters["offset"] + drawn.mean(), "samples": 25, "law": "exponential"}


def claims(results, settings):
    worst = float(results["means"]["relative_error"].max())
    return [
        Claim(
            claim="Worst error",
            source="None",
            measured=worst,
            low=worst,
            high=worst,
            verdict="undecided",
            why="It is shown.",
        )
    ]


def figures(results, settings):
    return []


STUDY = Study(
    name="adaptive",
    title="Means until they are known",
    source="None",
    summary="How many units does a mean take?",
    methods="Units of 25 exponentials.",
    quick=Settings(),
    full=Settings(target_error=0.01),
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
