"""Tables, NetCDF, claims: complete, labelled, valid and the same bytes each time."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from simdyn.study import Claim, Verdict, conclude, run_study
from simdyn.study.claims import claims_text


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture
def findings(toy, out):
    return run_study(toy, out, size="quick", seed=5)


def test_two_runs_give_the_same_bytes(toy, findings, out, tmp_path, outputs):
    run_study(toy, tmp_path, size="quick", seed=5, threads=1)
    assert outputs(tmp_path) == outputs(out)


def test_csv_has_a_row_for_every_cell_with_all_digits(findings, out):
    table = pd.read_csv(out / "results.csv", converters={"mean": lambda text: float(text or "nan")})
    assert list(table.columns) == [
        "grid",
        "rate",
        "threshold",
        "mean",
        "samples",
        "label",
        "share",
        "clean",
        "limit",
    ]
    assert len(table) == 9
    means = table[table.grid == "means"]
    assert means["mean"].tolist() == findings.results["means"]["mean"].values.tolist()
    assert means["threshold"].isna().all()
    assert "4000," in (out / "results.csv").read_text()  # an integer stays one


def test_netcdf_keeps_dimensions_units_types_and_provenance(findings, out):
    with xr.open_datatree(out / "results.nc", engine="h5netcdf") as tree:
        assert json.loads(tree.attrs["settings"])["samples"] == 4000
        assert tree.attrs["seed"] == "5"
        assert "numpy" in json.loads(tree.attrs["versions"])[0]
        thresholds = tree["thresholds"]
        assert dict(thresholds.sizes) == {"rate": 3, "threshold": 2}
        assert thresholds["threshold"].attrs["units"] == "steps"
        assert thresholds["share"].attrs["long_name"] == "share above the threshold"
        assert thresholds["clean"].dtype == bool
        assert thresholds["threshold"].dtype == np.int64
        assert tree["means"]["label"].values.tolist() == ["rate 0.5", "rate 1.0", "rate 2.0"]
        assert np.isposinf(thresholds["limit"].sel(threshold=1)).all()
        assert np.isnan(thresholds["limit"].sel(threshold=2)).all()


def test_values_sit_at_their_coordinates(toy, findings):
    # Negative control for a transposed or shuffled grid: each cell is compared with a direct call.
    from simdyn.study import CellProgress, Execution
    from simdyn.study.seeds import cell_seed

    execution = Execution(1, CellProgress())
    for rate in (0.5, 1.0, 2.0):
        for threshold in (1, 2):
            cell = {"rate": rate, "threshold": threshold}
            direct = toy.cell("thresholds", cell, cell_seed(5, "thresholds", cell), toy.quick, execution)
            assert float(findings.results["thresholds"]["share"].sel(cell)) == direct["share"]


def test_claims_file_has_the_agreed_keys(findings, out):
    records = json.loads((out / "claims.json").read_text())
    assert len(records) == 3
    for record in records:
        assert list(record)[:7] == ["claim", "source", "predicted", "measured", "low", "high", "verdict"]
        assert record["verdict"] in get_args(Verdict)
        assert record["low"] <= record["measured"] <= record["high"]


def test_claims_without_a_finite_value_are_null_not_nan():
    claim = Claim(
        claim="c",
        source="s",
        predicted=math.nan,
        measured=None,
        low=xr.DataArray(np.int64(2)),
        high=math.inf,
        verdict="undecided",
        why="w",
    )
    (record,) = json.loads(claims_text([claim]), parse_constant=lambda text: pytest.fail(text))
    assert [record[key] for key in ("predicted", "measured", "low", "high")] == [None, None, 2.0, None]


def test_an_altered_measurement_changes_the_verdict(toy, findings):
    assert [claim.verdict for claim in findings.claims] == ["holds"] * 3
    altered = conclude(toy, findings.results.altered("means", "mean", 1.5, rate=1.0))
    assert [claim.verdict for claim in altered.claims] == ["holds", "does not hold", "holds"]
    assert float(findings.results["means"]["mean"].sel(rate=1.0)) != 1.5


def test_a_cell_that_breaks_its_promise_is_an_error_that_names_it(toy, tmp_path):
    incomplete = dataclasses.replace(toy, cell=lambda *arguments: {"mean": 1.0})
    with pytest.raises(KeyError, match="samples") as caught:
        run_study(incomplete, tmp_path / "a")
    assert "grid means, cell {'rate': 0.5}" in caught.value.__notes__[0]
    unstorable = dataclasses.replace(toy, cell=lambda *arguments: {"mean": [1.0], "samples": 1})
    with pytest.raises(TypeError, match=r"mean is \[1.0\]"):
        run_study(unstorable, tmp_path / "b")
