"""Cells that run in units until their error is met: the same bits however the run went, and honest ends."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.study import Budget, Dimension, Grid, Quantity, SilentProgress, find_study, run_study
from simdyn.study.budgets import spread_of, units_taken, units_wanted

ADAPTIVE = Path(__file__).with_name("adaptive_study.py")
FILES = ("results.csv", "results.nc", "claims.json")


@pytest.fixture
def study():
    return find_study(str(ADAPTIVE))


def bits(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def test_cells_end_when_their_error_is_met(study, tmp_path):
    """Of n units of m exponentials of rate 1 to which c is added the relative error of the mean is
    (n m)^(-1/2) / (1 + c): the cell that is easier takes fewer units, none less than it has to, and the
    hardest ends with its budget and says so."""
    found = run_study(study, tmp_path, size="quick", seed=1).results["means"]
    easy, middle, hard = (found.sel(offset=offset) for offset in (9.0, 1.0, 0.0))
    assert easy["units"] == 8
    assert 8 < middle["units"] < hard["units"] == 40
    assert list(found["target_met"].values) == [True, True, False]
    # Expected (0.02 * 2)^-2 / 25 = 25 units; the spread of 25 units knows an error within 15 %.
    assert 25 / 3 < middle["units"] < 25 * 2
    assert middle["relative_error"] <= 0.02 < hard["relative_error"]
    assert hard["relative_error"] == pytest.approx(1000**-0.5, rel=0.5)
    assert (found["mean_low"] < found["mean"]).all()
    # Student's interval at 95 %, widened to 4.5 / 1.96 of itself: a false alarm in some 10,000.
    half = (found["mean_high"] - found["mean_low"]) / 2 * 4.5 / 1.96
    assert (np.abs(found["mean"] - 1 - found["offset"]) < half).all()
    assert list(found["samples"].values) == [25 * int(n) for n in found["units"]]
    assert set(found["law"].values) == {"exponential"}
    # No pooling where nobody asked for it.
    assert "units" not in run_study(study, tmp_path, size="quick", seed=1).results["plain"]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_no_bit(study, tmp_path, workers):
    run_study(study, tmp_path / "here", size="quick", seed=2)
    run_study(study, tmp_path / "there", size="quick", seed=2, workers=workers)
    assert bits(tmp_path / "there") == bits(tmp_path / "here")


@pytest.mark.usefixtures("one_cell_a_shard")
@pytest.mark.parametrize("units", [1, 9, 30])
def test_interrupted_between_units_and_resumed(study, tmp_path, interrupted_after, units):
    run_study(study, tmp_path / "whole", size="quick", seed=3)
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "cut", size="quick", seed=3, progress=interrupted_after(units))
    assert len(list((tmp_path / "cut" / "shards").iterdir())) == units
    run_study(study, tmp_path / "cut", size="quick", seed=3)
    assert bits(tmp_path / "cut") == bits(tmp_path / "whole")


def test_killed_and_resumed_elsewhere(study, tmp_path):
    run_study(study, tmp_path / "whole", size="quick", seed=3)
    out = tmp_path / "cut"
    program = (
        "import sys; from pathlib import Path; import simdyn.study.sweep as sweep; sweep.UNIT_SECONDS = 0.0\n"
        "from simdyn.study import find_study, run_study\n"
        "run_study(find_study(sys.argv[1]), Path(sys.argv[2]), size='quick', seed=3)"
    )
    environment = {**os.environ, "ADAPTIVE_SECONDS": "0.05"}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(ADAPTIVE), str(out)], env=environment
    ) as process:
        until = time.monotonic() + 60
        while len(list(out.glob("shards/*.json"))) < 12 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    assert len(list(out.glob("shards/*.json"))) >= 12
    run_study(study, out, size="quick", seed=3, workers=2)
    assert bits(out) == bits(tmp_path / "whole")


def test_units_beyond_the_end_are_not_used(study, tmp_path):
    """A larger budget goes on from the same units; with the old one again the old numbers are there."""
    first = run_study(study, tmp_path, size="quick", seed=4).results["means"]

    def other(most):
        def grids(settings):
            means, plain = study.grids(settings)
            return [
                dataclasses.replace(means, budget=dataclasses.replace(means.budget, most_units=most)),
                plain,
            ]

        return run_study(dataclasses.replace(study, grids=grids), tmp_path, size="quick", seed=4).results[
            "means"
        ]

    longer = other(60)
    assert longer["units"].sel(offset=0.0) == 60
    assert longer.sel(offset=[9.0, 1.0]).equals(first.sel(offset=[9.0, 1.0]))
    assert other(40).equals(first)


def test_the_report_says_how_cells_ended(study, tmp_path):
    run_study(study, tmp_path / "short", size="quick", seed=1)
    page = (tmp_path / "short" / "report.html").read_text()
    assert "1 of 3 cells did not meet it" in page
    assert page.count('<tr class="unmet">') == 1
    run_study(study, tmp_path / "met", size="quick", seed=1, overrides={"offsets": [9.0, 1.0]})
    page = (tmp_path / "met" / "report.html").read_text()
    assert "All 2 cells met it" in page
    assert '<tr class="unmet">' not in page


def test_progress_counts_units(study, tmp_path):
    class Counting(SilentProgress):
        waves = 0
        finished = 0

        def study_started(self, name, waiting, total):
            self.waves += 1

        def cell_finished(self, cell, seconds):
            self.finished += 1

    progress = Counting()
    found = run_study(study, tmp_path, size="quick", seed=1, progress=progress).results["means"]
    assert progress.waves > 1
    assert int(found["units"].sum()) + 2 <= progress.finished <= 2 * int(found["units"].sum()) + 2


def test_the_decision_needs_the_first_units_alone():
    budget = Budget("mean", 0.1, 20, 4)
    values = [1.0, 1.2, 0.9, 1.1, 5.0, 1.0]
    assert units_taken(values[:3], budget) is None
    assert spread_of(values[:4]).relative < 0.1
    # What comes later does not open it again.
    assert units_taken(values, budget) == 4
    wild = [1.0, 9.0] * 10
    assert units_taken(wild[:19], budget) is None
    assert units_taken(wild, budget) == 20
    assert units_wanted([], budget) == 4
    assert units_wanted(wild[:6], budget) == 12
    assert units_wanted(wild[:12], budget) == 20
    assert units_wanted([np.nan] * 5, budget) == 10
    assert units_taken([np.nan] * 20, budget) == 20


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target_error": 0.0}, "target error of mean is 0.0"),
        ({"fewest_units": 1}, "at least 1"),
        ({"most_units": 3}, "at most 3"),
    ],
)
def test_budgets_that_are_none(settings, words):
    with pytest.raises(InputError, match=words):
        Budget(**{"of": "mean", "target_error": 0.1, "most_units": 20, **settings})


@pytest.mark.parametrize(
    ("dimension", "quantities", "words"),
    [
        ("x", ["other"], "no quantity"),
        ("unit", ["mean"], "are taken"),
        ("x", ["mean", "mean_low"], "are taken"),
        ("x", ["mean", "units"], "are taken"),
    ],
)
def test_grids_that_a_budget_does_not_fit(dimension, quantities, words):
    with pytest.raises(InputError, match=words):
        Grid(
            "g", "G", [Dimension(dimension, (1,))], [Quantity(name) for name in quantities],
            budget=Budget("mean", 0.1, 20),
        )  # fmt: skip
    with pytest.raises(InputError, match="pooled as a mean"):
        Grid(
            "g", "G", [Dimension("x", (1,))], [Quantity("mean", pooled="sum")], budget=Budget("mean", 0.1, 20)
        )


def test_stopping_early_costs_little_coverage():
    """Where 32 normal units are wanted, Student's 95 % interval of those taken covers 92.9 % (8,000 runs
    of the same rule in NumPy, standard error 0.3 %); z = 4.5, a false alarm in 150,000."""
    from scipy.stats import t

    runs, mean = 1_500, 40.0
    budget = Budget("x", target_error=1 / mean / np.sqrt(32), most_units=256, fewest_units=8)
    draws = np.random.default_rng(5).normal(mean, 1.0, size=(runs, 128))
    covered = 0
    for values in draws:
        taken = units_taken(values, budget)
        spread = spread_of(values[:taken])
        covered += abs(spread.mean - mean) <= t.ppf(0.975, taken - 1) * spread.error
    error = np.sqrt(0.929 * 0.071 / runs + 0.003**2)
    assert abs(covered / runs - 0.929) < 4.5 * error
