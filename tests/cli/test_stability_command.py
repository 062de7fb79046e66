"""`simdyn stability` and `simdyn diagram stability`."""

from __future__ import annotations

import json

import pytest

from simdyn.cli import run

PROBLEM = ["stability", "two_functions", "--sgd", "learning_rate=0.7,batch_size=1", "--at", "x=1"]


@pytest.fixture
def shell(capsys):
    def call(*arguments):
        code = run(list(arguments))
        return code, *capsys.readouterr()

    return call


def test_table_and_picture(shell, tmp_path):
    picture = tmp_path / "picture.svg"
    code, out, _ = shell(*PROBLEM, "--paths", "200", "--steps", "200", "--plot", str(picture))
    assert code == 0
    assert "1.7476" in out
    assert "0.552486" in out
    assert picture.stat().st_size > 1000


def test_json(shell):
    code, out, _ = shell(*PROBLEM, "--no-measure", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["criteria"]["gd"]["stable"] is True
    assert found["measured"] is None


def test_data_of_ones_own(shell, tmp_path):
    file = tmp_path / "samples.csv"
    file.write_text("h\n0.2\n3.8\n")
    code, out, _ = shell(
        "stability", "h*(x - 1)**2/2", "--data", str(file), "--at", "x=1", "--no-measure", "--json",
        "--sgd", "learning_rate=0.7,batch_size=1",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["criteria"]["mean_square"]["multiplier"] == pytest.approx(1.7476)


def test_diagrams_write_files(shell, tmp_path):
    csv, pdf, nc, png = (str(tmp_path / f"d.{end}") for end in ("csv", "pdf", "nc", "png"))
    diagram = ("diagram", "stability")
    assert shell(*diagram, "--cells", "20", "--measured", "4", "--out", csv, "--plot", pdf)[0] == 0
    import pandas
    import xarray

    table = pandas.read_csv(csv)
    assert {"mean_square", "almost_sure", "measured"} <= set(table.columns)
    assert len(table) == 400 + 16
    code, out, _ = shell(
        *diagram, "two_functions", "--kind", "rates", "--at", "x=1", "--out", nc, "--plot", png, "--json"
    )
    assert code == 0
    assert json.loads(out)["threshold"]["mean_square"]["1"] == pytest.approx(0.552486187845)
    with xarray.open_dataset(nc, engine="h5netcdf") as data:
        assert data.sizes["criterion"] == 4


def test_diagrams_replace_only_their_own_kind(shell, tmp_path):
    sharpness = ("diagram", "stability", "--cells", "5", "--measured", "0")
    rates = ("diagram", "stability", "two_functions", "--kind", "rates", "--at", "x=1")
    for ending in ("csv", "nc"):
        own, foreign = str(tmp_path / f"own.{ending}"), tmp_path / f"foreign.{ending}"
        for _ in range(2):
            assert shell(*sharpness, "--out", own)[0] == 0
        code, _, err = shell(*rates, "--out", own)
        assert code == 2
        assert "is not from this kind of diagram" in err
        foreign.write_text("my own notes")
        code, _, err = shell(*sharpness, "--out", str(foreign))
        assert code == 2
        assert "choose another name or move it away" in err
        assert foreign.read_text() == "my own notes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stability", "double_well", "--sgd", "learning_rate=0.1,batch_size=1"], "single samples"),
        ([*PROBLEM[:-1], "x=0.9"], "no minimum"),
        (["stability", "two_functions"], "exactly one of --sgd"),
        (["diagram", "stability"], "--plot FILE"),
        (["diagram", "stability", "--kind", "shape", "--json"], "must be one of"),
        (["diagram", "stability", "--kind", "rates", "--json"], "needs a landscape"),
        (["diagram", "stability", "two_functions", "--json"], "leave 'two_functions' out"),
        (["diagram", "stability", "--json", "--momenta", "a"], "numbers separated by commas"),
        (["diagram", "stability", "--json", "--batch-sizes", "1.5"], "--batch-sizes is '1.5'"),
        (["diagram", "stability", "--json", "--batch-sizes", "nan"], "--batch-sizes is 'nan'"),
        ([*PROBLEM, "--steps", "9" * 20], "steps is " + "9" * 20),
        ([*PROBLEM, "--paths", "1" + "0" * 12], "The states of 1,000,000,000,000 paths"),
        (["diagram", "stability", "--out", "x.txt"], "must end in .nc"),
    ],
)
def test_refusals(shell, arguments, message):
    code, _, err = shell(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
